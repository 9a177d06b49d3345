//! What is written down of failed runs, so that only they count as attempts.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{connection::Link, error, headers, names::token, publish};
use crate::transport::{Attempts, ErrorKind, Failure, Result};

/// How long a record outlives the time at which its message comes again.
const OUTLIVE: Duration = Duration::from_hours(7 * 24);

/// The failed runs of one message in one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Runs {
    failed: u32,
    /// Nanoseconds since the epoch.
    first_failed: u64,
    due: u64,
    last: Failure,
}

impl Runs {
    /// Adds a run that failed now.
    pub(super) fn after(before: &Attempts, wait: Duration, failure: Failure) -> Self {
        let now = SystemTime::now();
        Self {
            failed: before.failed.saturating_add(1),
            first_failed: stamp(before.first_failed.unwrap_or(now)),
            due: stamp(now.checked_add(wait).unwrap_or(now)),
            last: failure,
        }
    }

    /// Returns the attempts that were made.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts {
            failed: self.failed,
            crashed: 0,
            first_failed: Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(self.first_failed)),
        }
    }

    /// Returns how long the message is still to be held back.
    pub(super) fn rest(&self) -> Duration {
        let due = SystemTime::UNIX_EPOCH + Duration::from_nanos(self.due);
        due.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

fn stamp(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn subject(link: &Link, consumer: &str, number: u64) -> String {
    link.names
        .beside(&format!("run.{}.{number}", token(consumer)))
}

impl Link {
    /// Writes down the runs of a message; returns once they are stored.
    pub(super) async fn write_runs(&self, consumer: &str, number: u64, runs: &Runs) -> Result<()> {
        let keep = (runs.rest() + OUTLIVE).as_secs();
        let payload = headers::json(runs)?;
        let subject = subject(self, consumer, number);
        publish::persist(self, subject, payload.into(), |map: &mut HeaderMap| {
            map.insert("Nats-TTL", format!("{keep}s"));
        })
        .await
    }

    /// Reads what was written down of a message.
    pub(super) async fn read_runs(&self, consumer: &str, number: u64) -> Result<Option<Runs>> {
        let what = json!({"last_by_subj": subject(self, consumer, number)});
        let Some(found) = self.peek(&self.names.side(), &what).await? else {
            return Ok(None);
        };
        let runs = serde_json::from_slice(&found.payload);
        runs.map(Some).map_err(|source| {
            error(ErrorKind::Corrupt, "a record of failed runs cannot be read").because(source)
        })
    }

    /// Forgets the runs of a message that is done with.
    pub(super) async fn forget_runs(&self, consumer: &str, number: u64) {
        let filter = json!({"filter": subject(self, consumer, number)}).to_string();
        let verb = format!("$JS.API.STREAM.PURGE.{}", self.names.side());
        if let Err(failed) = self.client.publish(verb, filter.into()).await {
            tracing::debug!(%failed, "a record of failed runs stays until it expires");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stays_the_first() {
        let first = Runs::after(&Attempts::default(), Duration::ZERO, Failure::crashed(1));
        let second = Runs::after(
            &first.attempts(),
            Duration::from_secs(9),
            Failure::crashed(1),
        );
        assert_eq!(second.attempts().failed, 2);
        assert_eq!(
            second.attempts().first_failed,
            first.attempts().first_failed
        );
        assert!(first.rest().is_zero());
        assert!(second.rest() > Duration::from_secs(8));
    }
}
