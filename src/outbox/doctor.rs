//! The check of an outbox: its tables, its relays, and what waits in it.

use std::time::Duration;

use super::{
    row::{OutboxStatus, RelayStatus},
    table::Table,
};
use crate::transport::{ErrorKind, Finding, FindingLevel, Result, TransportError};

/// How long a row may wait before that is a warning.
const LATE: Duration = Duration::from_mins(1);

/// Checks an outbox. An absent one, or one of another shape, is a finding; a database that does not answer is an error.
pub(super) async fn diagnose(table: &dyn Table) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    match table.identify(false).await {
        Ok(name) => findings.push(Finding::ok(
            "outbox",
            format!("created, its name is {name}"),
        )),
        Err(error) => return Ok(vec![unusable(error)?]),
    }
    findings.extend(table.surroundings().await?);
    match table.status().await {
        Ok(status) => findings.extend(of_status(&status)),
        // The finding about rights says which.
        Err(error) if error.kind() == ErrorKind::Denied => {}
        Err(error) => return Err(error),
    }
    Ok(findings)
}

/// Returns the finding of an outbox that cannot be used.
fn unusable(error: TransportError) -> Result<Finding> {
    let is_found = matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::Configuration | ErrorKind::Denied
    );
    // A file that does not exist, or a database to which there is no way in, has nothing to be checked.
    if !is_found || std::error::Error::source(&error).is_some() {
        return Err(error);
    }
    let finding = Finding::problem("outbox", error.message().to_owned());
    Ok(match error.advice() {
        _ if error.kind() == ErrorKind::NotFound => finding.fix("pf outbox create --in URL"),
        Some(advice) => finding.fix(advice.to_owned()),
        None => finding,
    })
}

/// Returns the findings about relays and rows.
fn of_status(status: &OutboxStatus) -> [Finding; 4] {
    [
        relays(status),
        waiting(status),
        refused(status),
        parked(status),
    ]
}

fn relays(status: &OutboxStatus) -> Finding {
    let name = "outbox-relays";
    let live: Vec<&RelayStatus> = status.relays.iter().filter(|relay| relay.is_live).collect();
    let Some(first) = live.first() else {
        let (level, text) = if status.pending > 0 {
            let text = format!(
                "no relay runs, and {} to be published",
                rows(status.pending)
            );
            (FindingLevel::Problem, text)
        } else {
            (FindingLevel::Warning, "no relay runs".to_owned())
        };
        return Finding::new(level, name, text).fix("pf outbox relay --from URL --to URL");
    };
    let of = first.shards;
    let missing: Vec<String> = (0..of)
        .filter(|shard| live.iter().all(|relay| relay.shard != *shard))
        .map(|shard| (shard + 1).to_string())
        .collect();
    if !missing.is_empty() {
        let text = format!("no relay of shard {} of {of}", missing.join(", "));
        let relay = format!("pf outbox relay --from URL --to URL --shards {of}");
        return Finding::problem(name, text).fix(relay);
    }
    let names = live.iter().map(|relay| match of {
        1 => relay.holder.clone(),
        of => format!("{} (shard {} of {of})", relay.holder, relay.shard + 1),
    });
    let rate: f64 = live.iter().map(|relay| relay.rate).sum();
    let names = names.collect::<Vec<_>>().join(", ");
    Finding::ok(name, format!("led by {names}, {rate:.0} rows/s"))
}

fn waiting(status: &OutboxStatus) -> Finding {
    let name = "outbox-waiting";
    let Some(oldest) = status.oldest else {
        return Finding::ok(name, "nothing is to be published now");
    };
    let age = humantime::format_duration(Duration::from_secs(oldest.as_secs()));
    let text = format!(
        "{} to be published, the oldest for {age}",
        rows(status.pending)
    );
    let level = if oldest > LATE {
        FindingLevel::Warning
    } else {
        FindingLevel::Ok
    };
    Finding::new(level, name, text)
}

fn refused(status: &OutboxStatus) -> Finding {
    let name = "outbox-refused";
    match status.refused {
        0 => Finding::ok(name, "no row is refused"),
        1 => Finding::problem(name, "1 row was refused and holds up its key")
            .fix("pf outbox list --in URL"),
        count => {
            let text = format!("{count} rows were refused and hold up their keys");
            Finding::problem(name, text).fix("pf outbox list --in URL")
        }
    }
}

fn parked(status: &OutboxStatus) -> Finding {
    let name = "outbox-parked";
    if status.parked == 0 {
        return Finding::ok(name, "no row is parked");
    }
    let text = format!("{} parked and will not be published", rows(status.parked));
    Finding::warning(name, text).fix("pf outbox list --in URL --parked")
}

/// Counts rows, with the verb.
fn rows(count: i64) -> String {
    match count {
        1 => "1 row is".to_owned(),
        count => format!("{count} rows are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> OutboxStatus {
        OutboxStatus {
            pending: 0,
            delayed: 0,
            refused: 0,
            parked: 0,
            kept: 0,
            oldest: None,
            relays: Vec::new(),
            vacuum_blocker: None,
        }
    }

    fn relay(shard: i32, shards: i32) -> RelayStatus {
        RelayStatus {
            shard,
            shards,
            holder: format!("host/{shard}"),
            fence: 1,
            is_live: true,
            rate: 10.0,
        }
    }

    #[test]
    fn every_shard_needs_a_relay() {
        let mut status = status();
        assert_eq!(relays(&status).level, FindingLevel::Warning);
        status.pending = 2;
        let none = relays(&status);
        assert_eq!(none.level, FindingLevel::Problem);
        assert_eq!(none.text, "no relay runs, and 2 rows are to be published");
        status.relays = vec![relay(0, 3), relay(2, 3)];
        assert_eq!(relays(&status).text, "no relay of shard 2 of 3");
        status.relays = vec![relay(0, 2), relay(1, 2)];
        let all = relays(&status);
        assert_eq!(all.level, FindingLevel::Ok);
        assert_eq!(
            all.text,
            "led by host/0 (shard 1 of 2), host/1 (shard 2 of 2), 20 rows/s"
        );
    }

    #[test]
    fn a_row_that_waits_for_long_is_a_warning() {
        let mut status = status();
        assert_eq!(waiting(&status).level, FindingLevel::Ok);
        (status.pending, status.oldest) = (1, Some(LATE * 2));
        let late = waiting(&status);
        assert_eq!(late.level, FindingLevel::Warning);
        assert_eq!(late.text, "1 row is to be published, the oldest for 2m");
    }
}
