//! The task of a membership that asks for messages, takes them in and keeps alive what is ours.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::{HeaderMap, Subject};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    bounded::Bounds,
    consumer, error, headers,
    member::{Claim, GIVE_BACK, Shared, WORKING, Waiting},
    pull::{Arrived, Pull, Pulled},
    runs::Runs,
    tail,
};
use crate::transport::{Attempts, ErrorKind, Lineage, Result};

/// The most messages taken in at once.
const CHUNK: usize = 256;
/// A retry that comes so little before its time is waited for here.
const EARLY: Duration = Duration::from_millis(20);
/// How long a message is put aside that nobody can be given.
const ASIDE: Duration = Duration::from_mins(1);
/// The pause before something that failed is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Asks for messages as somebody waits for them.
#[derive(Debug)]
pub(super) struct Pump {
    shared: Arc<Shared>,
    pull: Pull,
    bounds: Option<Bounds>,
    keep_at: Instant,
}

/// Why the pump goes on.
enum Wake {
    Pulled(Pulled),
    Stirred,
    Keep,
    Look,
}

impl Pump {
    /// Prepares to ask.
    pub(super) async fn open(shared: Arc<Shared>, bounds: Option<Bounds>) -> Result<Self> {
        let pull = Pull::open(&shared.link, &shared.link.names.stream, &shared.consumer).await?;
        Ok(Self {
            keep_at: Instant::now() + shared.ack_wait / 3,
            shared,
            pull,
            bounds,
        })
    }

    /// Works until the membership is closed or cannot go on.
    pub(super) async fn run(mut self) {
        loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(failed) if failed.is_transient() => sleep(PAUSE).await,
                Err(failed) => {
                    self.shared.fail(failed);
                    break;
                }
            }
        }
        let (shared, rest) = (self.shared, self.pull.stop().await);
        let claims = rest.iter().map(claim).collect();
        if let Err(failed) = shared.give_back(claims).await {
            tracing::debug!(%failed, "messages on their way come again by themselves");
        }
    }

    async fn step(&mut self) -> Result<bool> {
        if self.shared.desk().closed {
            return Ok(false);
        }
        let overdue = std::mem::take(&mut self.shared.desk().overdue);
        self.shared.tell(overdue, &WORKING).await?;
        self.ask().await?;
        let look = self.next_look();
        let shared = Arc::clone(&self.shared);
        let wake = tokio::select! {
            biased;
            pulled = self.pull.next() => Wake::Pulled(pulled),
            () = shared.stirred.notified() => Wake::Stirred,
            () = sleep_until(self.keep_at) => Wake::Keep,
            () = sleep_until(look.unwrap_or_else(Instant::now)), if look.is_some() => Wake::Look,
        };
        match wake {
            Wake::Pulled(pulled) => self.take(pulled).await?,
            Wake::Stirred => {
                if let Some(bounds) = &mut self.bounds {
                    bounds.stir();
                }
            }
            Wake::Keep => self.keep().await?,
            Wake::Look => {}
        }
        Ok(true)
    }

    /// Returns when a bounded membership has to ask again, if it does not wait for an answer.
    fn next_look(&self) -> Option<Instant> {
        let bounds = self.bounds.as_ref()?;
        let look = bounds.next_look(&self.shared.desk())?;
        (self.pull.outstanding() == 0).then_some(look)
    }

    async fn ask(&mut self) -> Result<()> {
        let outstanding = self.pull.outstanding();
        let batch = {
            let mut desk = self.shared.desk();
            desk.expire();
            let room = desk.room(self.shared.max_in_flight);
            match &self.bounds {
                None => {
                    let wanted = desk.demand.saturating_sub(desk.waiting.len()).min(room);
                    if outstanding > 0 && outstanding >= wanted / 2 {
                        0
                    } else {
                        wanted.saturating_sub(outstanding)
                    }
                }
                Some(bounds) => match bounds.next_look(&desk) {
                    Some(look) if outstanding == 0 && look <= Instant::now() => {
                        bounds.batch(&desk, room)
                    }
                    _ => bounds.ahead(&desk, room, outstanding),
                },
            }
        };
        if batch > 0 {
            self.pull.request(batch, self.bounds.is_none()).await?;
        }
        Ok(())
    }

    async fn take(&mut self, pulled: Pulled) -> Result<()> {
        match pulled {
            Pulled::Message(first) => {
                let mut arrived = Vec::with_capacity(CHUNK);
                arrived.push(first);
                while arrived.len() < CHUNK {
                    match self.pull.next().now_or_never() {
                        Some(Pulled::Message(more)) => arrived.push(more),
                        Some(other) => {
                            self.admit(arrived).await?;
                            return self.end(other).await;
                        }
                        None => break,
                    }
                }
                self.admit(arrived).await?;
                if self.pull.outstanding() == 0 {
                    self.conclude().await?;
                }
                Ok(())
            }
            other => self.end(other).await,
        }
    }

    async fn end(&mut self, pulled: Pulled) -> Result<()> {
        match pulled {
            Pulled::Message(arrived) => self.admit(vec![arrived]).await,
            Pulled::Ended(_) => {
                if self.pull.outstanding() == 0 {
                    self.conclude().await?;
                }
                Ok(())
            }
            Pulled::Lost => {
                if let Some(bounds) = &mut self.bounds {
                    bounds.lose(self.shared.ack_wait);
                }
                sleep(PAUSE).await;
                self.pull.reset().await
            }
            Pulled::Deleted => {
                let message = format!("the consumer `{}` was deleted", self.shared.consumer);
                Err(error(ErrorKind::NotFound, message))
            }
            Pulled::Denied(denied) => Err(denied),
        }
    }

    async fn conclude(&mut self) -> Result<()> {
        let Some(bounds) = &mut self.bounds else {
            return Ok(());
        };
        if bounds.is_in_doubt() {
            let known = consumer::find(&self.shared.link, &self.shared.consumer).await?;
            if known.is_none_or(|known| known.num_ack_pending == 0) {
                bounds.trust();
            }
        }
        bounds.conclude(&mut self.shared.desk());
        self.shared.came.notify_waiters();
        Ok(())
    }

    /// Takes in what came: reads what is known of earlier runs, and holds back what came too soon.
    async fn admit(&mut self, mut arrived: Vec<Arrived>) -> Result<()> {
        if let Some(bounds) = &mut self.bounds {
            let is_beyond = |one: &mut Arrived| !bounds.admits(one.stream_sequence, one.delivered);
            let beyond = arrived.extract_if(.., is_beyond);
            let beyond: Vec<Claim> = beyond.map(|one| claim(&one)).collect();
            if !beyond.is_empty() {
                self.shared.give_back(beyond).await?;
            }
        }
        let earlier = self.shared.earlier_runs(&arrived).await;
        self.shared.accept(arrived, earlier).await
    }

    /// Tells the server that what waits here is still ours, and what is handed out if the consumer's own patience is
    /// shorter than the lease.
    async fn keep(&mut self) -> Result<()> {
        self.keep_at = Instant::now() + self.shared.ack_wait / 3;
        let replies: Vec<Subject> = {
            let mut desk = self.shared.desk();
            desk.expire();
            let waiting = desk.waiting.iter().map(|waiting| &waiting.claim);
            let patient = self.shared.ack_wait >= self.shared.lease;
            let held = desk
                .held
                .values()
                .filter(|_| !patient)
                .map(|held| &held.claim);
            waiting
                .chain(held)
                .map(|claim| claim.reply.clone())
                .collect()
        };
        self.shared.tell(replies, &WORKING).await
    }
}

fn claim(arrived: &Arrived) -> Claim {
    Claim {
        reply: arrived.reply.clone(),
        number: arrived.stream_sequence,
    }
}

impl Shared {
    /// Reads what is known of those that came before, in order.
    async fn earlier_runs(&self, arrived: &[Arrived]) -> Vec<Result<Option<Runs>>> {
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

    async fn accept(
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
    pub(super) async fn hold(&self, claim: &Claim, wait: Duration) -> Result<()> {
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
