//! `pf dlq check`: limits for dead letters, for CI and cron.

use std::{
    fmt::Write as _,
    io::{self, Write},
    str::FromStr,
    time::Duration,
};

use clap::Args;
use protoflow::runtime::{CheckLimits, CheckReport};

use super::{list::check_filter, names, selection::SelectionArgs};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Format, Paint, Painter, Report},
    values::times,
};

/// Check dead letters against limits; exit 3 if one is exceeded
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq check --max-depth 100
  pf dlq check --group billing --max-age 1d --max-rate 10/h
  pf dlq check --no-regressions -o json
  pf dlq check --max-depth 0 -o prometheus > /var/lib/node_exporter/pf_dlq.prom")]
pub struct CheckArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// At most N dead letters
    #[arg(long, value_name = "N", help_heading = "Limits")]
    max_depth: Option<u64>,
    /// None was dead-lettered longer ago, such as `1d`
    #[arg(long, value_name = "AGE", value_parser = times::some_duration, help_heading = "Limits")]
    max_age: Option<Duration>,
    /// At most N were dead-lettered within the last span of time, such as `10/h` or `5/15m`
    #[arg(long, value_name = "N/SPAN", help_heading = "Limits")]
    max_rate: Option<Rate>,
    /// No dead letter of a failure that `pf dlq fixed` called fixed before
    #[arg(long, help_heading = "Limits")]
    no_regressions: bool,
}

/// A number of dead letters in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate(u64, Duration);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "not a number per span; use for example `10/h` or `5/15m`".to_owned();
        let (number, span) = text.split_once('/').ok_or_else(wrong)?;
        let number = number.trim().parse().map_err(|_| wrong())?;
        let span = span.trim();
        let span = if span.starts_with(|c: char| c.is_ascii_digit()) {
            times::some_duration(span)
        } else {
            times::some_duration(&format!("1{span}"))
        };
        Ok(Self(number, span.map_err(|_| wrong())?))
    }
}

impl CheckArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let limits = CheckLimits {
            max_depth: self.max_depth,
            max_age: self.max_age,
            max_rate: self.max_rate.map(|Rate(number, span)| (number, span)),
            no_regressions: self.no_regressions,
        };
        if limits == CheckLimits::default() {
            return Err(CliError::usage("nothing to check").hint(
                "give a limit: `--max-depth`, `--max-age`, `--max-rate` or `--no-regressions`",
            ));
        }
        let Some(selected) = self.selection.open(context).await? else {
            return Ok(());
        };
        let triage = selected.triage;
        let report = match triage.check(&limits, selected.query).await {
            Ok(report) => report,
            Err(error) => return Err(names::explain(&triage, error).await),
        };
        match context.printer.format() {
            Format::Prometheus => context.printer.raw(metrics(&report).as_bytes())?,
            _ => context.printer.report(&View(&report))?,
        }
        context.printer.flush()?;
        if report.is_ok() {
            return check_filter(&report.filter_failures);
        }
        Err(
            CliError::message(Exit::Incomplete, report.exceeded.join("; "))
                .hint("see `pf dlq stats`"),
        )
    }
}

#[derive(serde::Serialize)]
#[serde(transparent)]
struct View<'a>(&'a CheckReport);

impl Report for View<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let report = self.0;
        let state = if report.is_ok() {
            paint(Paint::Good, "ok")
        } else {
            paint(Paint::Bad, "exceeded")
        };
        write!(out, "{state}  {} dead letters", report.depth)?;
        if let Some(age) = report.oldest_age_seconds {
            let age = humantime::format_duration(Duration::from_secs(age));
            write!(out, ", the oldest {age} old")?;
        }
        if let Some(recent) = report.recent {
            write!(out, ", {recent} within the span of the rate")?;
        }
        writeln!(out)
    }
}

/// Formats a report as metrics.
fn metrics(report: &CheckReport) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: u64| {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"
        );
    };
    gauge(
        "pf_dead_letters",
        "Dead letters that the check selects.",
        report.depth,
    );
    if let Some(age) = report.oldest_age_seconds {
        let help = "Seconds since the oldest of them was dead-lettered.";
        gauge("pf_dead_letters_oldest_age_seconds", help, age);
    }
    if let Some(recent) = report.recent {
        let help = "Dead letters within the span of the rate.";
        gauge("pf_dead_letters_recent", help, recent);
    }
    let help = "Failures that were called fixed and are back.";
    gauge(
        "pf_dead_letters_regressions",
        help,
        report.regressions.len() as u64,
    );
    let help = "Limits that are exceeded.";
    gauge(
        "pf_dead_letters_limits_exceeded",
        help,
        report.exceeded.len() as u64,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_per_span() {
        let hour = Duration::from_hours(1);
        assert_eq!("10/h".parse(), Ok(Rate(10, hour)));
        assert_eq!("5/15m".parse(), Ok(Rate(5, hour / 4)));
        for text in ["", "10", "/h", "10/", "x/h", "1/0s", "-1/h"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
