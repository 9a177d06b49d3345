//! Runs of the handler, and those that did not end on their first poll.

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
use tracing::Instrument as _;

use super::{
    event_overrides::EventOverrides,
    finished::{FinishedRun, RunEnd},
    once::Once,
    screening::{Screened, Screening},
    time_limit::within,
    turns::Turns,
};
use crate::{
    event::{Action, Group, Naming},
    lock::Mutex,
    runtime::consume::{
        deliveries::queue::{Key, key_of},
        options::ConsumeOptions,
    },
    runtime::{
        Handler, Observer, Outcome, RefusedAttributes, ReplyRules, RetryPolicy, Run, RunStart,
        panic_failure,
        spans::{process_span, record_outcome},
    },
    transport::{Delivery, Ticket},
};

/// Calls the handler.
pub(in crate::runtime::consume) struct Runner<H> {
    pub(in crate::runtime::consume) handler: H,
    /// The scheme of the transport.
    pub(in crate::runtime::consume) system: &'static str,
    pub(in crate::runtime::consume) group: Group,
    pub(in crate::runtime::consume) policy: RetryPolicy,
    pub(in crate::runtime::consume) event_decides_attempts: bool,
    pub(in crate::runtime::consume) timeout: Option<Duration>,
    pub(in crate::runtime::consume) screening: Screening,
    pub(in crate::runtime::consume) naming: Naming,
    pub(in crate::runtime::consume) refused: RefusedAttributes,
    replies: Arc<ReplyRules>,
    pub(in crate::runtime::consume) abort: CancellationToken,
    /// Set if each run is marked as begun, so that it is made at most once.
    pub(in crate::runtime::consume) once: Option<Once>,
    pub(in crate::runtime::consume) action: Action,
    /// Recalls runs that have not begun; replaced by each recall.
    pub(in crate::runtime::consume) recalled: Mutex<CancellationToken>,
}

pub(in crate::runtime::consume) type RunFuture = Pin<Box<dyn Future<Output = FinishedRun> + Send>>;

impl<H: Handler> Runner<H> {
    /// Prepares to call a handler under these options.
    pub(in crate::runtime::consume) fn new(
        handler: H,
        system: &'static str,
        options: &ConsumeOptions,
        observer: &Arc<dyn Observer>,
    ) -> Self {
        Self {
            handler,
            system,
            group: options.request.group.clone(),
            policy: options.policy,
            event_decides_attempts: options.event_decides_attempts,
            timeout: options.handler_timeout,
            screening: options.screening(),
            naming: options.handler_naming,
            refused: RefusedAttributes::new(Arc::clone(observer)),
            replies: Arc::new(options.replies.clone().unwrap_or_default()),
            abort: CancellationToken::new(),
            once: None,
            action: options.action(),
            recalled: Mutex::default(),
        }
    }

    /// Recalls the runs that wait in the handler and have not begun.
    pub(in crate::runtime::consume) fn recall(&self) {
        std::mem::take(&mut *self.recalled()).cancel();
    }

    fn recalled(&self) -> MutexGuard<'_, CancellationToken> {
        self.recalled.lock()
    }

    /// Returns how many runs may wait in the handler. With a time limit, none: it counts from the start of a run. With marks
    /// that begin a run, none: those that wait would be lost to a crash.
    pub(in crate::runtime::consume) fn max_queued(&self) -> usize {
        if self.timeout.is_some() || self.once.is_some() {
            return 0;
        }
        self.handler.max_queued()
    }

    /// Prepares a run. A panic of the handler does not unwind out of its future.
    pub(in crate::runtime::consume) fn run(
        self: Arc<Self>,
        mut delivery: Delivery,
        started: Instant,
        probe: bool,
    ) -> RunFuture {
        Box::pin(async move {
            let overrides = EventOverrides::of(&delivery, SystemTime::now());
            let max_attempts = self.max_attempts(&overrides);
            let (end, took) = match self.screen(&delivery, overrides) {
                Screened::NoRun(end) => (end, None),
                Screened::Run(wrapped) => {
                    let shown = wrapped.as_ref().unwrap_or(&delivery);
                    self.begin_and_handle(&delivery, shown, max_attempts).await
                }
            };
            if self.once.is_some() && self.abort.is_cancelled() {
                Once::aborted(&mut delivery, &end);
            }
            FinishedRun {
                delivery,
                end,
                max_attempts,
                started,
                took,
                probe,
            }
        })
    }

    fn max_attempts(&self, overrides: &EventOverrides) -> u32 {
        let own = overrides
            .max_attempts
            .filter(|_| self.event_decides_attempts);
        own.unwrap_or(self.policy.max_attempts.max(1))
    }

    /// Decides whether the handler gets the delivery. The filter comes first: what it leaves out is no concern of this
    /// consumer, expired or not.
    fn screen(&self, delivery: &Delivery, overrides: EventOverrides) -> Screened {
        let run = match self.screening.screen(delivery) {
            Screened::Run(wrapped) => wrapped,
            no_run @ Screened::NoRun(_) => return no_run,
        };
        if let Some((kind, failure)) = overrides.given_up {
            return Screened::NoRun(RunEnd::GivenUp(kind, failure));
        }
        let expired = overrides.expired;
        match expired.and_then(|failure| self.screening.expired(failure)) {
            Some(end) => Screened::NoRun(end),
            None => Screened::Run(run),
        }
    }

    /// Calls the handler, unless the run is one that is made at most once and may not begin.
    async fn begin_and_handle(
        &self,
        delivery: &Delivery,
        shown: &Delivery,
        max_attempts: u32,
    ) -> (RunEnd, Option<Duration>) {
        if let Some(once) = &self.once
            && let Some(end) = once.begin(delivery).await
        {
            return (end, None);
        }
        let (outcome, took) = self.handle(shown, max_attempts).await;
        (RunEnd::Handled(outcome), took)
    }

    async fn handle(&self, delivery: &Delivery, max_attempts: u32) -> (Outcome, Option<Duration>) {
        let run = Run {
            group: self.group.clone(),
            action: self.action.clone(),
            system: self.system,
            attempt: delivery.attempts.attempt(),
            max_attempts,
            naming: self.naming,
            refused: self.refused.clone(),
            replies: Arc::clone(&self.replies),
            abort: match self.timeout {
                Some(_) => self.abort.child_token(),
                None => self.abort.clone(),
            },
            recalled: self.recalled().clone(),
            start: RunStart::default(),
        };
        if self.handler.max_queued() == 0 {
            run.start.mark();
        }
        let span = process_span(self.system, &self.group, delivery);
        let handling = AssertUnwindSafe(async { self.handler.handle(delivery, &run).await });
        let handling = handling.catch_unwind().map(|ended| {
            ended.unwrap_or_else(|panic| Outcome::Retry(None, panic_failure(&*panic)))
        });
        let handling = handling.instrument(span.clone());
        let outcome = match self.timeout {
            Some(limit) => within(limit, &run, handling).await,
            None => handling.await,
        };
        record_outcome(&span, &outcome);
        (outcome, run.start.at().map(|begun| begun.elapsed()))
    }
}

/// A delivery whose run did not end on its first poll. The run owns the delivery itself.
pub(in crate::runtime::consume) struct RunningDelivery {
    ticket: Ticket,
    pub(in crate::runtime::consume) key: Option<Key>,
    copy: Option<Delivery>,
}

impl RunningDelivery {
    pub(in crate::runtime::consume) fn of(delivery: &Delivery, with_copy: bool) -> Self {
        Self {
            ticket: delivery.ticket(),
            key: key_of(delivery),
            copy: with_copy.then(|| delivery.copy()),
        }
    }
}

/// Runs that did not end on their first poll.
pub(in crate::runtime::consume) struct Tasks {
    set: Set,
    running: HashMap<Ticket, RunningDelivery>,
    /// Set for a single job whose runs may wait in the handler: several are in progress and must keep their order.
    turns: Option<Turns>,
}

enum Set {
    /// Each as a task of its own: the handler may compute, and must not hold up the loop.
    Apart(JoinSet<FinishedRun>),
    /// All within the task of the loop: other threads or processes do the work, and a task for each would cost more than
    /// the run.
    Here(FuturesUnordered<RunFuture>),
}

impl Tasks {
    /// Prepares for runs of this handler, `jobs` at the same time.
    pub(in crate::runtime::consume) fn of(handler: &impl Handler, jobs: usize) -> Self {
        let some_wait = handler.max_queued() > 0;
        Self {
            set: if some_wait {
                Set::Here(FuturesUnordered::new())
            } else {
                Set::Apart(JoinSet::new())
            },
            running: HashMap::new(),
            turns: (some_wait && jobs == 1).then(Turns::default),
        }
    }

    /// Counts runs that have not ended, or have ended before their turn.
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.set.len() + self.turns.as_ref().map_or(0, Turns::early)
    }

    /// Takes a run that ended on its first poll; returns it unless earlier ones are still in progress.
    pub(in crate::runtime::consume) fn ended_at_once(
        &mut self,
        running: RunningDelivery,
        finished: FinishedRun,
    ) -> Option<FinishedRun> {
        match &mut self.turns {
            Some(turns) if self.set.len() + turns.early() > 0 => {
                turns.begin(running.ticket);
                self.running.insert(running.ticket, running);
                self.take(finished)
            }
            _ => Some(finished),
        }
    }

    pub(in crate::runtime::consume) fn spawn(&mut self, running: RunningDelivery, run: RunFuture) {
        if let Some(turns) = &mut self.turns {
            turns.begin(running.ticket);
        }
        self.running.insert(running.ticket, running);
        match &mut self.set {
            Set::Apart(set) => drop(set.spawn(run)),
            Set::Here(set) => set.push(run),
        }
    }

    /// Waits for a run to end; indefinitely if there is none. Cancellation-safe.
    pub(in crate::runtime::consume) async fn next(&mut self) -> FinishedRun {
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

    /// Returns a run that has ended, if there is one.
    pub(in crate::runtime::consume) fn try_next(&mut self) -> Option<FinishedRun> {
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

    /// Takes a run that ended; returns it unless it must wait for its turn.
    fn take(&mut self, finished: FinishedRun) -> Option<FinishedRun> {
        let finished = match &mut self.turns {
            Some(turns) => turns.end(finished)?,
            None => finished,
        };
        self.running.remove(&finished.delivery.ticket());
        Some(finished)
    }

    /// Returns a run that ended and whose turn it is.
    fn in_turn(&mut self) -> Option<FinishedRun> {
        let finished = self.turns.as_mut()?.next()?;
        self.running.remove(&finished.delivery.ticket());
        Some(finished)
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        self.running.keys().copied()
    }

    /// Drops every run; returns their number, and the deliveries that the observer follows.
    pub(in crate::runtime::consume) fn abandon(&mut self) -> (usize, Vec<Delivery>) {
        let count = self.len();
        self.set.abandon();
        if let Some(turns) = &mut self.turns {
            turns.abandon();
        }
        let copies = self.running.drain().filter_map(|(_, running)| running.copy);
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

    /// Waits for a run to end; `None` if there is none.
    async fn next(&mut self) -> Option<FinishedRun> {
        match self {
            Self::Apart(set) => loop {
                // Only abandoned runs end with an error, and their deliveries have gone back already.
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
