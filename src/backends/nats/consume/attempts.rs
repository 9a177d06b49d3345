//! What is written down of failed runs, so that only they count as attempts.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{handle::Link, names::token},
        error::error,
        publish::publisher as publish,
        read::stream_reader::written,
    },
    event::{from_unix_nanos, unix_nanos},
    transport::{Attempts, ErrorKind, Failure, Result},
};

/// How many failed runs are told of in a dead letter, beside the one that ended it.
const KEPT: usize = 5;
/// How many bytes each of them may take.
const TOLD: usize = 200;
/// How long a record outlives the time at which its message comes again.
const OUTLIVE: Duration = Duration::from_hours(7 * 24);

/// The failed runs of one message in one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Runs {
    failed: u32,
    /// Nanoseconds since the epoch.
    first_failed: u64,
    due: u64,
    /// The first run that failed, and the last ones.
    pub(crate) past: Vec<Past>,
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    run: u32,
    /// Nanoseconds since the epoch.
    at: u64,
    message: String,
}

impl Past {
    fn of(run: u32, failure: &Failure) -> Self {
        let message = &failure.message;
        let end = message.floor_char_boundary(TOLD);
        Self {
            run,
            at: unix_nanos(SystemTime::now()),
            message: message[..end].to_owned(),
        }
    }
}

/// Tells of runs that failed, a line each.
pub(crate) fn told(past: &[Past]) -> Vec<String> {
    let line = |past: &Past| {
        let at = written(from_unix_nanos(past.at));
        format!("run {} at {at}: {}", past.run, past.message)
    };
    past.iter().map(line).collect()
}

impl Runs {
    /// Adds a run that failed now.
    pub(crate) fn after(
        before: &Attempts,
        mut past: Vec<Past>,
        wait: Duration,
        failure: &Failure,
    ) -> Self {
        let now = SystemTime::now();
        let failed = before.failed.saturating_add(1);
        if past.len() >= KEPT {
            past.remove(1);
        }
        past.push(Past::of(failed, failure));
        Self {
            failed,
            first_failed: unix_nanos(before.first_failed.unwrap_or(now)),
            due: unix_nanos(now.checked_add(wait).unwrap_or(now)),
            past,
        }
    }

    /// Returns the attempts that were made.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts {
            failed: self.failed,
            crashed: 0,
            first_failed: Some(from_unix_nanos(self.first_failed)),
        }
    }

    /// Returns how long the message is still to be held back.
    pub(crate) fn rest(&self) -> Duration {
        let due = from_unix_nanos(self.due);
        due.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

fn subject(link: &Link, consumer: &str, number: u64) -> String {
    link.names
        .beside(&format!("run.{}.{number}", token(consumer)))
}

impl Link {
    /// Writes down the runs of a message; returns once they are stored.
    pub(crate) async fn write_runs(&self, consumer: &str, number: u64, runs: &Runs) -> Result<()> {
        let keep = (runs.rest() + OUTLIVE).as_secs();
        let payload = headers::json(runs)?;
        let subject = subject(self, consumer, number);
        publish::persist(self, subject, payload.into(), |map: &mut HeaderMap| {
            map.insert("Nats-TTL", format!("{keep}s"));
        })
        .await
    }

    /// Reads what was written down of a message.
    pub(crate) async fn read_runs(&self, consumer: &str, number: u64) -> Result<Option<Runs>> {
        let what = json!({"last_by_subj": subject(self, consumer, number)});
        let Some(found) = self.peek(&self.names.side(), &what).await? else {
            return Ok(None);
        };
        let runs = serde_json::from_slice(&found.payload);
        runs.map(Some).map_err(|source| {
            error(ErrorKind::Corrupt, "a record of failed runs cannot be read").because(source)
        })
    }

    /// Returns the messages of which runs are written down.
    pub(crate) async fn numbers_of_runs(&self, consumer: &str) -> Result<Vec<u64>> {
        let filter = self.names.beside(&format!("run.{}.*", token(consumer)));
        let subjects = self.count_subjects(&self.names.side(), &filter).await?;
        let number = |subject: &String| subject.rsplit('.').next()?.parse().ok();
        let mut numbers: Vec<u64> = subjects.keys().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Forgets all that is known of a consumer's messages: they are others now.
    pub(crate) async fn forget_all_runs(&self, consumer: &str) -> Result<()> {
        let filter = self.names.beside(&format!("run.{}.*", token(consumer)));
        self.purge(&self.names.side(), &filter).await?;
        Ok(())
    }

    /// Forgets the runs of a message that is done with.
    pub(crate) async fn forget_runs(&self, consumer: &str, number: u64) {
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
        let failure = Failure::crashed(1);
        let first = Runs::after(&Attempts::default(), Vec::new(), Duration::ZERO, &failure);
        let wait = Duration::from_secs(9);
        let second = Runs::after(&first.attempts(), first.past.clone(), wait, &failure);
        assert_eq!(second.attempts().failed, 2);
        assert_eq!(
            second.attempts().first_failed,
            first.attempts().first_failed
        );
        assert!(first.rest().is_zero());
        assert!(second.rest() > Duration::from_secs(8));
    }

    #[test]
    fn a_history_keeps_its_beginning_and_its_end() {
        let mut failure = Failure::crashed(1);
        let (mut attempts, mut past) = (Attempts::default(), Vec::new());
        for run in 1..=9 {
            failure.message = format!("no {run}");
            let runs = Runs::after(&attempts, past, Duration::ZERO, &failure);
            (attempts, past) = (runs.attempts(), runs.past);
        }
        let runs: Vec<u32> = past.iter().map(|past| past.run).collect();
        assert_eq!(runs, [1, 6, 7, 8, 9]);
        let told = told(&past);
        assert!(told[0].starts_with("run 1 at 20") && told[0].ends_with(": no 1"));
    }
}
