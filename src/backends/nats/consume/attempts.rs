//! Failed runs of a message, recorded in the state stream.
//!
//! JetStream counts deliveries, and a message that was only returned was delivered too. A failed run is therefore recorded
//! before its message is held back; what the record says, not the delivery count, is the number of attempts.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    backends::nats::{
        codec::{headers, timestamp::rfc3339},
        connection::{
            confirmed_publish,
            direct_get::{self, Query},
            handle::Connection,
            names::token,
            stream::info,
        },
        error::error,
    },
    event::{from_unix_nanos, unix_nanos},
    transport::{Attempts, ErrorKind, Failure, Result},
};

/// How many failed runs a dead letter lists, besides the last one.
const MAX_RUNS: usize = 5;
/// The most bytes of the message of each.
const MAX_MESSAGE: usize = 200;
/// How long a record outlives the time at which its message is due.
const KEEP_AFTER_DUE: Duration = Duration::from_hours(7 * 24);

/// The failed runs of one message in one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AttemptRecord {
    failed: u32,
    /// Nanoseconds since the epoch.
    first_failed: u64,
    due: u64,
    /// The first run that failed, and the last ones.
    pub(crate) past: Vec<FailedRun>,
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedRun {
    run: u32,
    /// Nanoseconds since the epoch.
    at: u64,
    message: String,
}

impl FailedRun {
    fn of(run: u32, failure: &Failure) -> Self {
        let message = &failure.message;
        let end = message.floor_char_boundary(MAX_MESSAGE);
        Self {
            run,
            at: unix_nanos(SystemTime::now()),
            message: message[..end].to_owned(),
        }
    }
}

/// Returns one line per failed run.
pub(crate) fn history_lines(past: &[FailedRun]) -> Vec<String> {
    let line = |run: &FailedRun| {
        let at = rfc3339(from_unix_nanos(run.at));
        format!("run {} at {at}: {}", run.run, run.message)
    };
    past.iter().map(line).collect()
}

impl AttemptRecord {
    /// Adds a run that failed now.
    pub(crate) fn after(
        before: &Attempts,
        mut past: Vec<FailedRun>,
        delay: Duration,
        failure: &Failure,
    ) -> Self {
        let now = SystemTime::now();
        let failed = before.failed.saturating_add(1);
        if past.len() >= MAX_RUNS {
            past.remove(1);
        }
        past.push(FailedRun::of(failed, failure));
        Self {
            failed,
            first_failed: unix_nanos(before.first_failed.unwrap_or(now)),
            due: unix_nanos(now.checked_add(delay).unwrap_or(now)),
            past,
        }
    }

    /// Returns the attempts so far.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts {
            failed: self.failed,
            crashed: 0,
            first_failed: Some(from_unix_nanos(self.first_failed)),
        }
    }

    /// Returns how long the message still has to wait for its retry.
    pub(crate) fn remaining_delay(&self) -> Duration {
        let due = from_unix_nanos(self.due);
        due.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

fn subject(connection: &Connection, consumer: &str, number: u64) -> String {
    connection
        .names
        .state_subject(&format!("run.{}.{number}", token(consumer)))
}

/// Stores the record of a message.
pub(crate) async fn write(
    connection: &Connection,
    consumer: &str,
    number: u64,
    record: &AttemptRecord,
) -> Result<()> {
    let keep = (record.remaining_delay() + KEEP_AFTER_DUE).as_secs();
    let payload = headers::json(record)?;
    let subject = subject(connection, consumer, number);
    let mut headers = HeaderMap::new();
    headers.insert("Nats-TTL", format!("{keep}s"));
    confirmed_publish::publish_internal_with(connection, subject, payload.into(), headers).await
}

/// Reads the record of a message.
pub(crate) async fn read(
    connection: &Connection,
    consumer: &str,
    number: u64,
) -> Result<Option<AttemptRecord>> {
    let (stream, subject) = (
        connection.names.state_stream(),
        subject(connection, consumer, number),
    );
    let found = direct_get::from_any_replica(connection, &stream, Query::Last(&subject)).await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let record = serde_json::from_slice(&found.payload);
    record.map(Some).map_err(|source| {
        error(ErrorKind::Corrupt, "a record of failed runs cannot be read").because(source)
    })
}

/// Returns the sequences of the messages that have a record.
pub(crate) async fn recorded_sequences(
    connection: &Connection,
    consumer: &str,
) -> Result<Vec<u64>> {
    let filter = connection
        .names
        .state_subject(&format!("run.{}.*", token(consumer)));
    let subjects =
        info::count_by_subject(connection, &connection.names.state_stream(), &filter).await?;
    let number = |subject: &String| subject.rsplit('.').next()?.parse().ok();
    let mut numbers: Vec<u64> = subjects.keys().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Deletes the records of a consumer whose sequences are other messages now.
pub(crate) async fn delete_all(connection: &Connection, consumer: &str) -> Result<()> {
    let filter = connection
        .names
        .state_subject(&format!("run.{}.*", token(consumer)));
    connection
        .purge(&connection.names.state_stream(), &filter)
        .await?;
    Ok(())
}

/// Deletes the record of a settled message, without waiting for the answer.
pub(crate) async fn delete(connection: &Connection, consumer: &str, number: u64) {
    let filter = json!({"filter": subject(connection, consumer, number)}).to_string();
    let verb = connection.api_subject(&format!("STREAM.PURGE.{}", connection.names.state_stream()));
    if let Err(failed) = connection.client.publish(verb, filter.into()).await {
        tracing::debug!(%failed, "a record of failed runs stays until it expires");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stays_the_first() {
        let failure = Failure::crashed(1);
        let first =
            AttemptRecord::after(&Attempts::default(), Vec::new(), Duration::ZERO, &failure);
        let delay = Duration::from_secs(9);
        let second = AttemptRecord::after(&first.attempts(), first.past.clone(), delay, &failure);
        assert_eq!(second.attempts().failed, 2);
        assert_eq!(
            second.attempts().first_failed,
            first.attempts().first_failed
        );
        assert!(first.remaining_delay().is_zero());
        assert!(second.remaining_delay() > Duration::from_secs(8));
    }

    #[test]
    fn a_history_keeps_its_beginning_and_its_end() {
        let mut failure = Failure::crashed(1);
        let (mut attempts, mut past) = (Attempts::default(), Vec::new());
        for run in 1..=9 {
            failure.message = format!("no {run}");
            let record = AttemptRecord::after(&attempts, past, Duration::ZERO, &failure);
            (attempts, past) = (record.attempts(), record.past);
        }
        let runs: Vec<u32> = past.iter().map(|past| past.run).collect();
        assert_eq!(runs, [1, 6, 7, 8, 9]);
        let lines = history_lines(&past);
        assert!(lines[0].starts_with("run 1 at 20") && lines[0].ends_with(": no 1"));
    }
}
