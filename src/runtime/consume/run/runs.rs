//! Runs of the handler: polled at once where they stand, as a task of their own where that takes longer.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, MutexGuard},
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, StreamExt as _, stream::FuturesUnordered};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{event_overrides::Wishes, turns::Turns};
use crate::{
    event::{Envelope, Group, Naming, wrap_plain},
    lock::Mutex,
    runtime::consume::deliveries::queue::{Key, key_of},
    runtime::{
        Beginning, Handler, Outcome, RefusedAttributes, RetryPolicy, Run, describe_failure,
        panic_failure,
    },
    transport::{Delivery, Failure, LetterKind, Ticket},
};

/// How long a handler may take to end once it was told to.
pub(in crate::runtime::consume) const ABORT_GRACE: Duration = Duration::from_secs(1);

/// What every run of a consumer needs.
pub(in crate::runtime::consume) struct Runner<H> {
    pub(in crate::runtime::consume) handler: H,
    pub(in crate::runtime::consume) group: Group,
    pub(in crate::runtime::consume) policy: RetryPolicy,
    pub(in crate::runtime::consume) event_decides_attempts: bool,
    pub(in crate::runtime::consume) timeout: Option<Duration>,
    pub(in crate::runtime::consume) plain: bool,
    pub(in crate::runtime::consume) naming: Naming,
    pub(in crate::runtime::consume) refused: RefusedAttributes,
    pub(in crate::runtime::consume) abort: CancellationToken,
    /// For the runs that are given out from now on.
    pub(in crate::runtime::consume) recalled: Mutex<CancellationToken>,
}

/// How a run ended.
pub(in crate::runtime::consume) enum Ran {
    /// By its handler.
    Handled(Outcome),
    /// Not at all: the event's time is over, or it was given up before it came here.
    Over(LetterKind, Failure),
}

/// A run that ended.
pub(in crate::runtime::consume) struct Finished {
    pub(in crate::runtime::consume) delivery: Delivery,
    pub(in crate::runtime::consume) ran: Ran,
    pub(in crate::runtime::consume) max_attempts: u32,
    pub(in crate::runtime::consume) started: Instant,
    /// Whether the breaker let this one through to see.
    pub(in crate::runtime::consume) probe: bool,
}

pub(in crate::runtime::consume) type RunFuture = Pin<Box<dyn Future<Output = Finished> + Send>>;

impl<H: Handler> Runner<H> {
    /// Calls back the runs that were given out and have not begun.
    pub(in crate::runtime::consume) fn recall(&self) {
        std::mem::take(&mut *self.recalled()).cancel();
    }

    fn recalled(&self) -> MutexGuard<'_, CancellationToken> {
        self.recalled.lock()
    }

    /// Returns how many runs may wait in the handler.
    pub(in crate::runtime::consume) fn ahead(&self) -> usize {
        if self.timeout.is_some() {
            return 0;
        }
        self.handler.ahead()
    }

    /// Prepares a run. Its future does not unwind.
    pub(in crate::runtime::consume) fn run(
        self: Arc<Self>,
        delivery: Delivery,
        started: Instant,
        probe: bool,
    ) -> RunFuture {
        Box::pin(async move {
            let wishes = Wishes::of(&delivery, SystemTime::now());
            let max_attempts = self.max_attempts(&wishes);
            let ran = match wishes.over {
                Some((kind, failure)) => Ran::Over(kind, failure),
                None => Ran::Handled(self.handle(&delivery, max_attempts).await),
            };
            Finished {
                delivery,
                ran,
                max_attempts,
                started,
                probe,
            }
        })
    }

    fn max_attempts(&self, wishes: &Wishes) -> u32 {
        let own = wishes.max_attempts.filter(|_| self.event_decides_attempts);
        own.unwrap_or(self.policy.max_attempts.max(1))
    }

    async fn handle(&self, delivery: &Delivery, max_attempts: u32) -> Outcome {
        let wrapped = self.wrap(delivery);
        let run = Run {
            group: self.group.clone(),
            attempt: delivery.attempts.attempt(),
            max_attempts,
            naming: self.naming,
            refused: self.refused.clone(),
            abort: match self.timeout {
                Some(_) => self.abort.child_token(),
                None => self.abort.clone(),
            },
            recalled: self.recalled().clone(),
            beginning: Beginning::default(),
        };
        if self.handler.ahead() == 0 {
            run.beginning.mark();
        }
        let delivery = wrapped.as_ref().unwrap_or(delivery);
        let handling = AssertUnwindSafe(async { self.handler.handle(delivery, &run).await });
        let handling = handling.catch_unwind().map(|ended| {
            ended.unwrap_or_else(|panic| Outcome::Retry(None, panic_failure(&*panic)))
        });
        match self.timeout {
            Some(limit) => within(limit, &run, handling).await,
            None => handling.await,
        }
    }

    /// Returns the event that stands for a message which is none, if that is wanted.
    fn wrap(&self, delivery: &Delivery) -> Option<Delivery> {
        if !self.plain || Envelope::read(&delivery.stored.message).is_ok() {
            return None;
        }
        let mut wrapped = delivery.copy();
        wrapped.stored.message = wrap_plain(&delivery.stored);
        Some(wrapped)
    }
}

/// Tells a handler that takes too long to end, and counts the run as failed.
async fn within(limit: Duration, run: &Run, handling: impl Future<Output = Outcome>) -> Outcome {
    tokio::pin!(handling);
    let mut left = limit;
    while !left.is_zero() {
        if let Ok(outcome) = tokio::time::timeout(left, handling.as_mut()).await {
            return outcome;
        }
        let begun = run.beginning.at();
        left = begun.map_or(limit, |at| limit.saturating_sub(at.elapsed()));
    }
    run.abort.cancel();
    let last_words = tokio::time::timeout(ABORT_GRACE, handling).await;
    let detail = match last_words {
        Ok(Outcome::Retry(_, failure) | Outcome::DeadLetter(failure)) => failure.detail,
        _ => None,
    };
    let message = format!("took longer than {}", humantime::format_duration(limit));
    Outcome::Retry(
        None,
        describe_failure("timeout", &message, detail.as_deref()),
    )
}

/// What is remembered of a delivery while its run goes on elsewhere.
pub(in crate::runtime::consume) struct Mark {
    ticket: Ticket,
    pub(in crate::runtime::consume) key: Option<Key>,
    copy: Option<Delivery>,
}

impl Mark {
    pub(in crate::runtime::consume) fn of(delivery: &Delivery, with_copy: bool) -> Self {
        Self {
            ticket: delivery.ticket(),
            key: key_of(delivery),
            copy: with_copy.then(|| delivery.copy()),
        }
    }
}

/// Runs that were not ready at once.
pub(in crate::runtime::consume) struct Tasks {
    set: Set,
    marks: HashMap<Ticket, Mark>,
    /// Where a single job's runs may wait in the handler: several are under way, and keep their order.
    turns: Option<Turns>,
}

enum Set {
    /// Each as a task of its own.
    Apart(JoinSet<Finished>),
    /// All in the loop's task, as others work for them: handing each over to another task costs more.
    Here(FuturesUnordered<RunFuture>),
}

impl Tasks {
    /// Prepares for the runs of a handler, so many at a time.
    pub(in crate::runtime::consume) fn of(handler: &impl Handler, jobs: usize) -> Self {
        let some_wait = handler.ahead() > 0;
        Self {
            set: if some_wait {
                Set::Here(FuturesUnordered::new())
            } else {
                Set::Apart(JoinSet::new())
            },
            marks: HashMap::new(),
            turns: (some_wait && jobs == 1).then(Turns::default),
        }
    }

    /// Counts runs that have not ended, or not had their turn.
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.set.len() + self.turns.as_ref().map_or(0, Turns::early)
    }

    /// Takes in a run that ended as soon as it was begun; returns it if nothing before it is under way.
    pub(in crate::runtime::consume) fn ended_at_once(
        &mut self,
        mark: Mark,
        finished: Finished,
    ) -> Option<Finished> {
        match &mut self.turns {
            Some(turns) if self.set.len() + turns.early() > 0 => {
                turns.begin(mark.ticket);
                self.marks.insert(mark.ticket, mark);
                self.take(finished)
            }
            _ => Some(finished),
        }
    }

    pub(in crate::runtime::consume) fn spawn(&mut self, mark: Mark, run: RunFuture) {
        if let Some(turns) = &mut self.turns {
            turns.begin(mark.ticket);
        }
        self.marks.insert(mark.ticket, mark);
        match &mut self.set {
            Set::Apart(set) => drop(set.spawn(run)),
            Set::Here(set) => set.push(run),
        }
    }

    /// Waits for a run to end; for ever if there is none. May be dropped.
    pub(in crate::runtime::consume) async fn next(&mut self) -> Finished {
        loop {
            if let Some(finished) = self.in_turn() {
                return finished;
            }
            let Some(finished) = self.set.next().await else {
                return std::future::pending().await;
            };
            if let Some(finished) = self.take(finished) {
                return finished;
            }
        }
    }

    /// Returns a run that has ended already.
    pub(in crate::runtime::consume) fn try_next(&mut self) -> Option<Finished> {
        loop {
            if let Some(finished) = self.in_turn() {
                return Some(finished);
            }
            let finished = match &mut self.set {
                Set::Apart(set) => set.try_join_next()?.ok()?,
                Set::Here(set) => set.next().now_or_never()??,
            };
            if let Some(finished) = self.take(finished) {
                return Some(finished);
            }
        }
    }

    /// Takes in a run that ended; returns it if it need not wait for its turn.
    fn take(&mut self, finished: Finished) -> Option<Finished> {
        let finished = match &mut self.turns {
            Some(turns) => turns.end(finished)?,
            None => finished,
        };
        self.marks.remove(&finished.delivery.ticket());
        Some(finished)
    }

    /// Returns a run that ended and whose turn it is.
    fn in_turn(&mut self) -> Option<Finished> {
        let finished = self.turns.as_mut()?.next()?;
        self.marks.remove(&finished.delivery.ticket());
        Some(finished)
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        self.marks.keys().copied()
    }

    /// Drops every run where it stands; returns how many, and those that somebody is told about.
    pub(in crate::runtime::consume) fn abandon(&mut self) -> (usize, Vec<Delivery>) {
        let count = self.len();
        self.set.abandon();
        if let Some(turns) = &mut self.turns {
            turns.abandon();
        }
        let copies = self.marks.drain().filter_map(|(_, mark)| mark.copy);
        (count, copies.collect())
    }
}

impl Set {
    fn len(&self) -> usize {
        match self {
            Self::Apart(set) => set.len(),
            Self::Here(set) => set.len(),
        }
    }

    /// Waits for a run to end; none if there is none.
    async fn next(&mut self) -> Option<Finished> {
        match self {
            Self::Apart(set) => loop {
                // Only abandoned runs end otherwise, and their deliveries are gone already.
                if let Ok(finished) = set.join_next().await? {
                    return Some(finished);
                }
            },
            Self::Here(set) => set.next().await,
        }
    }

    fn abandon(&mut self) {
        match self {
            Self::Apart(set) => {
                set.abort_all();
                set.detach_all();
            }
            Self::Here(set) => set.clear(),
        }
    }
}
