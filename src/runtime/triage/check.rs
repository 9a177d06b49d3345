//! Limits for dead letters, for CI and cron: how many there may be, how old, how fast they come, and whether what was fixed
//! stays fixed.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{
    FilterFailures, Query, TriageError, counts,
    notes::{Fix, Fixes, Hiding},
};
use crate::transport::{StatsRow, Transport};

/// Limits for the dead letters of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheckLimits {
    /// The most dead letters.
    pub max_depth: Option<u64>,
    /// The longest time since one was dead-lettered.
    pub max_age: Option<Duration>,
    /// The most that were dead-lettered within the last span of time.
    pub max_rate: Option<(u64, Duration)>,
    /// Whether no dead letter may have a fingerprint that was called fixed before.
    pub no_regressions: bool,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// Dead letters.
    pub depth: u64,
    /// Seconds since the oldest was dead-lettered.
    pub oldest_age_seconds: Option<u64>,
    /// Dead letters within the span of the rate.
    pub recent: Option<u64>,
    /// Fixes that dead letters show to be none.
    pub regressions: Vec<Fix>,
    /// The limits that are exceeded, each as a sentence.
    pub exceeded: Vec<String>,
    /// Dead letters that are not counted because the filter of the query failed on them.
    #[serde(skip)]
    pub filter_failures: FilterFailures,
}

impl CheckReport {
    /// Reports whether no limit is exceeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.exceeded.is_empty()
    }
}

/// Checks the dead letters of a query.
pub(super) async fn check(
    transport: &dyn Transport,
    limits: &CheckLimits,
    query: Query,
) -> Result<CheckReport, TriageError> {
    let now = SystemTime::now();
    // No sample is shown.
    let counts = counts::count(transport, Hiding::Nothing, query.clone()).await?;
    let recent = match limits.max_rate {
        Some((_, span)) => {
            let mut recent = query;
            recent.selection.since = recent.selection.since.max(now.checked_sub(span));
            let recent = counts::count(transport, Hiding::Nothing, recent);
            Some(recent.await?.total())
        }
        None => None,
    };
    let fixes = if limits.no_regressions {
        Fixes::read(transport).await?.into_list()
    } else {
        Vec::new()
    };
    let oldest = counts.rows.iter().map(|row| row.first).min();
    let age = oldest.map(|time| now.duration_since(time).unwrap_or_default());
    let mut report = CheckReport {
        depth: counts.total(),
        oldest_age_seconds: age.map(|age| age.as_secs()),
        recent,
        regressions: regressions(fixes, &counts.rows),
        exceeded: Vec::new(),
        filter_failures: counts.filter_failures,
    };
    report.exceeded = exceeded(limits, &report, age);
    Ok(report)
}

fn regressions(fixes: Vec<Fix>, rows: &[StatsRow]) -> Vec<Fix> {
    let is_refuted = |fix: &Fix| {
        let mut rows = rows.iter();
        rows.any(|row| row.fingerprint == fix.fingerprint && row.last > fix.time)
    };
    fixes.into_iter().filter(is_refuted).collect()
}

fn exceeded(limits: &CheckLimits, report: &CheckReport, age: Option<Duration>) -> Vec<String> {
    let mut exceeded = Vec::new();
    if let Some(most) = limits.max_depth.filter(|most| report.depth > *most) {
        let depth = report.depth;
        exceeded.push(format!("there are {depth} dead letters, more than {most}"));
    }
    if let (Some(most), Some(age)) = (limits.max_age, age)
        && age > most
    {
        let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
        let most = humantime::format_duration(most);
        exceeded.push(format!(
            "the oldest was dead-lettered {age} ago, more than {most}"
        ));
    }
    if let (Some((most, span)), Some(recent)) = (limits.max_rate, report.recent)
        && recent > most
    {
        let span = humantime::format_duration(span);
        exceeded.push(format!(
            "{recent} were dead-lettered within {span}, more than {most}"
        ));
    }
    for fix in &report.regressions {
        let (fingerprint, version) = (&fix.fingerprint.0, &fix.version);
        exceeded.push(format!("{fingerprint} was fixed in {version} and is back"));
    }
    exceeded
}
