//! The loop: takes deliveries, runs the handler, settles, until there is a reason to end.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    ConsumeError, ConsumeOptions, Consumer, End, Stop, Summary,
    deliveries::{
        decode_check::Proof,
        fetch::{Fetch, Window},
        queue::Queue,
    },
    lifecycle::Phase,
    responses::Responder,
    run::runs::{ABORT_GRACE, Finished, Runner, Tasks},
    settlements::Ledger,
};
use crate::{
    lock::Mutex,
    runtime::{Breaker, Handler, Notice, Observer, RefusedAttributes},
    transport::{Delivery, ErrorKind, Receipt, Result, Subscription, Ticket},
};

/// While so many runs wait in the handler, ...
const MANY: usize = 128;
/// ... those that end may gather for so long: to be woken for each would take longer than many a run.
const REST: Duration = Duration::from_millis(1);

type Extension = Pin<Box<dyn Future<Output = Result<Vec<Ticket>>> + Send>>;

/// A consumer at work.
pub(super) struct Pump<H> {
    pub(super) runner: Arc<Runner<H>>,
    pub(super) options: ConsumeOptions,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) subscription: Arc<dyn Subscription>,
    pub(super) stop: Stop,
    pub(super) fetch: Fetch,
    pub(super) queue: Queue,
    pub(super) tasks: Tasks,
    pub(super) responder: Responder,
    pub(super) proof: Proof,
    pub(super) ledger: Ledger,
    pub(super) breaker: Breaker,
    pub(super) phase: Phase,
    /// So many runs start as tasks at once, because an earlier one held up the loop.
    pub(super) heavy: u32,
    /// So many runs were begun here since one held up the loop.
    pub(super) light: u32,
    /// Set when the store said that there is nothing more.
    pub(super) at_end: Option<Certainty>,
    extension: Option<Extension>,
    extend_at: Instant,
    deadline: Option<Instant>,
    /// Until then runs that end are let gather.
    rest_until: Option<Instant>,
    in_trouble: bool,
}

/// How much "nothing more" is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// Nothing was in flight.
    Sure,
    /// What was in flight may yet come again.
    Unsure,
}

/// What the loop was woken by.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart at once"
)]
enum Wake {
    Fetched(Result<Vec<Delivery>>),
    Ran(Finished),
    Settled(Vec<Result<()>>),
    Responded(Vec<Result<Receipt>>),
    Extended(Result<Vec<Ticket>>),
    Drain,
    Abort,
    Timer,
}

impl<H: Handler> Pump<H> {
    pub(super) fn new(
        consumer: Consumer<H>,
        subscription: Arc<dyn Subscription>,
        stop: Stop,
        deadline: Option<Instant>,
    ) -> Self {
        let Consumer {
            transport,
            options,
            handler,
            observer,
        } = consumer;
        let lease = options.request.lease;
        let most = options.request.max_in_flight;
        let window = Window::new(options.jobs, most);
        let runner = Runner {
            handler,
            group: options.request.group.clone(),
            policy: options.policy,
            event_decides_attempts: options.event_decides_attempts,
            timeout: options.handler_timeout,
            plain: options.plain,
            naming: options.handler_naming,
            refused: RefusedAttributes::new(Arc::clone(&observer)),
            abort: CancellationToken::new(),
            recalled: Mutex::default(),
        };
        let tasks = Tasks::of(&runner.handler, options.jobs.max(1));
        let now = Instant::now();
        Self {
            runner: Arc::new(runner),
            fetch: Fetch::new(Arc::clone(&subscription), window),
            queue: Queue::default(),
            tasks,
            responder: Responder::new(transport, lease),
            proof: Proof::default(),
            ledger: Ledger::new(Arc::clone(&subscription), Arc::clone(&observer), most),
            breaker: Breaker::new(options.breaker, options.policy),
            phase: Phase::Running,
            heavy: 0,
            light: u32::MAX,
            at_end: None,
            extension: None,
            extend_at: now + extend_every(lease),
            deadline,
            rest_until: None,
            in_trouble: false,
            options,
            observer,
            subscription,
            stop,
        }
    }

    /// Works until there is nothing left to do.
    pub(super) async fn run(mut self) -> std::result::Result<Summary, ConsumeError> {
        loop {
            self.ask().await;
            let startable = self.dispatch().await;
            self.responder.start();
            let more = self.tasks.len() + self.responder.len() > 0;
            self.ledger.start(more).await;
            self.ask().await;
            if self.is_over() {
                break;
            }
            let wake = self.wake(startable).await;
            self.act(wake);
        }
        self.leave().await
    }

    async fn wake(&mut self, more: bool) -> Wake {
        let timer = self.timer();
        let draining = !self.phase.is_running();
        let aborting = self.phase.is_aborting();
        let resting = self.is_resting();
        tokio::select! {
            biased;
            () = self.stop.abort.cancelled(), if !aborting => Wake::Abort,
            () = self.stop.drain.cancelled(), if !draining => Wake::Drain,
            results = self.ledger.next() => Wake::Settled(results),
            results = self.responder.next() => Wake::Responded(results),
            fetched = self.fetch.next() => Wake::Fetched(fetched),
            finished = self.tasks.next(), if !resting => Wake::Ran(finished),
            extended = extended(&mut self.extension) => Wake::Extended(extended),
            () = tokio::task::yield_now(), if more => Wake::Timer,
            () = sleep_until(timer) => Wake::Timer,
        }
    }

    fn act(&mut self, wake: Wake) {
        match wake {
            Wake::Fetched(result) => self.fetched(result),
            Wake::Ran(finished) => {
                self.rest_until = Some(Instant::now() + REST);
                self.ran(finished);
            }
            Wake::Settled(results) => self.settled(results),
            Wake::Responded(results) => self.responded(results),
            Wake::Extended(result) => self.extended(result),
            Wake::Drain => self.drain(Ok(End::Drained)),
            Wake::Abort => self.abort(Some(End::Aborted), ABORT_GRACE),
            Wake::Timer => {}
        }
        while let Some(finished) = self.tasks.try_next() {
            self.ran(finished);
        }
        self.keep_time();
    }

    fn keep_time(&mut self) {
        let now = Instant::now();
        if now >= self.extend_at {
            self.extend(now);
        }
        if self.phase.is_running() {
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                self.drain(Ok(End::TimedOut));
            }
            if self.is_idle() {
                self.settle_doubts(now);
            }
        } else if self.phase.wake_at().is_some_and(|until| now >= until) {
            self.run_out_of_time();
        }
    }

    fn run_out_of_time(&mut self) {
        if self.phase.is_aborting() {
            let (runs, mut told) = self.tasks.abandon();
            let causes = self.responder.abandon();
            let count = runs + causes.len();
            told.extend(causes.into_iter().map(|cause| cause.delivery));
            self.ledger.abandon(count, &told);
        } else {
            let drained = matches!(self.phase, Phase::Draining(Ok(End::Drained), _));
            self.abort(drained.then_some(End::Aborted), ABORT_GRACE);
        }
    }

    /// Ends at once; what runs is told to end and goes back uncounted.
    fn abort(&mut self, end: Option<End>, grace: Duration) {
        self.drain(Ok(End::Aborted));
        self.phase.abort(end, grace);
        self.runner.abort.cancel();
    }

    fn is_resting(&self) -> bool {
        let waiting = self.tasks.len().saturating_sub(self.jobs());
        waiting >= MANY && self.rest_until.is_some_and(|until| Instant::now() < until)
    }

    fn timer(&self) -> Instant {
        let deadline = self.deadline.filter(|_| self.phase.is_running());
        let doubts = self.proof.wake_at().filter(|_| self.is_idle());
        [
            deadline,
            doubts,
            self.phase.wake_at(),
            self.fetch.wake_at(),
            self.responder.wake_at(),
            self.ledger.wake_at(),
            self.probe_at(),
            self.rest_until.filter(|_| self.is_resting()),
        ]
        .into_iter()
        .flatten()
        .fold(self.extend_at, Instant::min)
    }

    /// Reports whether nothing waits or runs.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.len() + self.tasks.len() + self.responder.len() == 0
    }

    /// Counts what was handed out to us and is not durably settled.
    pub(super) fn in_flight(&self) -> usize {
        let undecided = self.queue.len() + self.tasks.len() + self.responder.len();
        undecided + self.proof.len() + self.ledger.unsettled()
    }

    fn is_over(&self) -> bool {
        match &self.phase {
            Phase::Running => false,
            Phase::Draining(..) => self.in_flight() == 0,
            Phase::Aborting(_, until) => {
                self.in_flight() == 0
                    || self.tasks.len() + self.responder.len() == 0 && Instant::now() >= *until
            }
        }
    }

    fn extend(&mut self, now: Instant) {
        self.extend_at = now + extend_every(self.options.request.lease);
        if self.extension.is_some() {
            return;
        }
        let tickets: Vec<Ticket> = self
            .queue
            .tickets()
            .chain(self.tasks.tickets())
            .chain(self.responder.tickets())
            .chain(self.proof.tickets())
            .chain(self.ledger.tickets())
            .collect();
        if tickets.is_empty() {
            return;
        }
        let subscription = Arc::clone(&self.subscription);
        self.extension = Some(Box::pin(async move { subscription.extend(&tickets).await }));
    }

    /// Does not start what is somebody else's by now; settling it would tell the same.
    fn extended(&mut self, result: Result<Vec<Ticket>>) {
        match result {
            Ok(lost) => {
                self.in_trouble = false;
                let lost = self.queue.remove(&lost);
                self.give_back(lost);
            }
            Err(error) if !self.in_trouble => {
                self.in_trouble = true;
                self.observer.notice(Notice::Trouble(&error));
            }
            Err(_) => {}
        }
    }

    /// Leaves the group and says how it ended.
    async fn leave(self) -> std::result::Result<Summary, ConsumeError> {
        let aborting = self.phase.is_aborting();
        let stop = self.stop;
        let patience = async {
            if !aborting {
                stop.abort.cancelled().await;
            }
            tokio::time::sleep(ABORT_GRACE).await;
        };
        let left = tokio::select! {
            left = self.subscription.close() => left,
            () = patience => Ok(()),
        };
        let end = self.phase.into_reason()?;
        let mut summary = self.ledger.summary;
        match left {
            Err(error) if error.kind() == ErrorKind::Gap => {
                summary.gaps += 1;
                self.observer.notice(Notice::Gap(&error));
            }
            Err(error) if end != End::Aborted => return Err(error.into()),
            _ => {}
        }
        summary.dead_lettered += self.subscription.buried();
        summary.end = Some(end);
        Ok(summary)
    }
}

async fn extended(extension: &mut Option<Extension>) -> Result<Vec<Ticket>> {
    let Some(future) = extension else {
        return std::future::pending().await;
    };
    let result = future.await;
    *extension = None;
    result
}

fn extend_every(lease: Duration) -> Duration {
    (lease / 3).max(Duration::from_millis(10))
}
