//! Taking in what was delivered: with what is known of earlier runs, and not before its time.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        codec::headers,
        consume::{
            attempts::Runs,
            state::{Claim, Waiting},
            subscription::{GIVE_BACK, Shared},
        },
        read::pull::Arrived,
        tail,
    },
    transport::{Attempts, Lineage, Result},
};

/// A retry that comes so little before its time is waited for here.
const EARLY: Duration = Duration::from_millis(20);
/// How long a message is put aside that nobody can be given.
const ASIDE: Duration = Duration::from_mins(1);

/// Returns what the server knows a delivery by.
pub(crate) fn claim(arrived: &Arrived) -> Claim {
    Claim {
        reply: arrived.reply.clone(),
        number: arrived.stream_sequence,
    }
}

impl Shared {
    /// Reads what is known of those that came before, in order.
    pub(crate) async fn earlier_runs(&self, arrived: &[Arrived]) -> Vec<Result<Option<Runs>>> {
        let again = arrived.iter().filter(|one| one.delivered > 1);
        let numbers: Vec<u64> = again.map(|one| one.stream_sequence).collect();
        if numbers.is_empty() {
            return Vec::new();
        }
        stream::iter(numbers)
            .map(|number| self.link.read_runs(&self.consumer, number))
            .buffered(64)
            .collect()
            .await
    }

    /// Takes messages in; holds back what came too soon.
    pub(crate) async fn accept(
        &self,
        arrived: Vec<Arrived>,
        earlier: Vec<Result<Option<Runs>>>,
    ) -> Result<()> {
        let mut earlier = earlier.into_iter();
        let (mut accepted, mut held) = (Vec::with_capacity(arrived.len()), Vec::new());
        let (mut trouble, mut wait, now) = (Ok(()), Duration::ZERO, Instant::now());
        for one in arrived {
            let known = if one.delivered > 1 {
                earlier.next()
            } else {
                None
            };
            let runs = match known.transpose() {
                Ok(runs) => runs.flatten(),
                Err(failed) => {
                    trouble = Err(failed);
                    continue;
                }
            };
            let lineage = headers::read_lineage(one.headers.as_ref());
            let rest = rest(&one, runs.as_ref(), lineage.is_some());
            if rest > EARLY {
                held.push((claim(&one), rest));
                continue;
            }
            wait = wait.max(rest);
            match self.waiting(one, runs, (lineage, now)) {
                Ok(waiting) => accepted.push(waiting),
                Err(claim) => {
                    tracing::warn!(
                        position = claim.number,
                        "a subject is no topic, and is passed over"
                    );
                    held.push((claim, ASIDE));
                }
            }
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        self.take_in(accepted);
        for (claim, wait) in held {
            self.hold(&claim, wait).await?;
        }
        trouble
    }

    fn take_in(&self, accepted: Vec<Waiting>) {
        let mut desk = self.desk();
        for waiting in accepted {
            desk.retrying.remove(&waiting.claim.number);
            desk.waiting.push_back(waiting);
        }
        drop(desk);
        self.came.notify_waiters();
    }

    fn waiting(
        &self,
        arrived: Arrived,
        runs: Option<Runs>,
        (lineage, since): (Option<Box<Lineage>>, Instant),
    ) -> std::result::Result<Waiting, Claim> {
        let Some(topic) = self.link.names.topic(&arrived.subject) else {
            return Err(claim(&arrived));
        };
        let number = arrived.stream_sequence;
        let (stored, reply) = tail::read(topic, arrived);
        let claim = Claim { reply, number };
        let (attempts, past) = match runs {
            Some(runs) => (runs.attempts(), runs.past),
            None if lineage.is_none() => (spent_elsewhere(&stored.message.headers), Vec::new()),
            None => (Attempts::default(), Vec::new()),
        };
        Ok(Waiting {
            stored,
            attempts,
            past,
            lineage,
            claim,
            since,
        })
    }

    /// Holds a message back for a while; returns once the server knows.
    pub(crate) async fn hold(&self, claim: &Claim, wait: Duration) -> Result<()> {
        let word = if wait.is_zero() {
            GIVE_BACK
        } else {
            format!("-NAK {{\"delay\": {}}}", wait.as_nanos()).into()
        };
        self.link.confirm(claim.reply.clone(), word).await
    }
}

/// Returns how long a message still has to wait: for its next run, or as its publisher asked.
fn rest(arrived: &Arrived, runs: Option<&Runs>, is_replayed: bool) -> Duration {
    match runs {
        Some(runs) => runs.rest(),
        None if !is_replayed => asked_for(arrived.headers.as_ref()),
        None => Duration::ZERO,
    }
}

/// Returns how long the Go library's consumers would still hold a message back: it stores delayed events at once.
fn asked_for(headers: Option<&HeaderMap>) -> Duration {
    let until = headers.and_then(|map| headers::find(map, "pf_delay_until")?.parse().ok());
    let until =
        until.and_then(|until| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(until)));
    let rest = until.and_then(|until| until.duration_since(SystemTime::now()).ok());
    rest.unwrap_or_default()
}

/// Counts the attempts that the Go library made: it stores an event again with their number.
fn spent_elsewhere(headers: &crate::event::Headers) -> Attempts {
    let spent = headers
        .text("pf_attempt")
        .and_then(|text| text.parse().ok());
    Attempts {
        failed: spent.unwrap_or(0),
        ..Attempts::default()
    }
}
