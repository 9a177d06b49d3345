//! The consume loop: takes deliveries, runs the handler, settles, until there is a reason to end.
//!
//! One task does all of it. Everything that waits (a request, runs, responses, settlements, lease extension) is a future
//! that the loop polls, so their order is decided in one place and no state is shared between tasks. Each turn asks for
//! deliveries *before* it starts runs, so that the store works while the handler does, and settles afterwards, in
//! batches.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use super::{
    admission::Admission,
    deliveries::lookup::Fetched,
    in_flight::InFlight,
    lease_extension::LeaseExtension,
    lifecycle::{Lifecycle, Reason},
    options::ConsumeOptions,
    run::{finished::FinishedRun, once::Once, runs::Runner, time_limit::ABORT_GRACE},
    setup::Setup,
    summary::{ConsumeError, End, Stop, Summary},
};
use crate::{
    runtime::{Handler, Notice, Observer},
    transport::{
        ErrorKind, HeldElsewhere, Marks, Receipt, Result, Subscription, Ticket, TransportError,
    },
};

/// How long the question for events that others hold may take.
const HELD_TIMEOUT: Duration = Duration::from_secs(10);
/// While at least this many runs wait in the handler, ...
const MANY_WAITING: usize = 128;
/// ... runs that ended are gathered for this long. With a worker that answers in microseconds, the loop would otherwise be
/// woken for every single answer, which takes longer than the run.
const GATHER: Duration = Duration::from_millis(1);

/// A consumer at work.
pub(super) struct ConsumeLoop<H> {
    in_flight: InFlight<H>,
    admission: Admission,
    leases: LeaseExtension,
    lifecycle: Lifecycle,
    subscription: Arc<dyn Subscription>,
    options: Arc<ConsumeOptions>,
    observer: Arc<dyn Observer>,
    stop: Stop,
    deadline: Option<Instant>,
    /// Until then, runs that ended are gathered.
    gather_until: Option<Instant>,
}

/// The reason why the loop woke up.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart at once"
)]
enum Wake {
    Fetched(Result<Fetched>),
    RunEnded(FinishedRun),
    Settled(Vec<Result<()>>),
    Responded(Vec<Result<Receipt>>),
    Extended(Result<Vec<Ticket>>),
    Drain,
    Abort,
    Timer,
}

impl<H: Handler> ConsumeLoop<H> {
    pub(super) fn new(
        setup: Setup<H>,
        subscription: Arc<dyn Subscription>,
        stop: Stop,
        deadline: Option<Instant>,
    ) -> Self {
        let Setup {
            transport,
            options,
            handler,
            observer,
        } = setup;
        let mut runner = Runner::new(handler, transport.scheme(), &options, &observer);
        runner.once = Once::new(&subscription, &options);
        let options = Arc::new(options);
        Self {
            in_flight: InFlight::new(
                transport,
                Arc::clone(&subscription),
                runner,
                Arc::clone(&options),
                Arc::clone(&observer),
            ),
            admission: Admission::new(
                Arc::clone(&subscription),
                Arc::clone(&options),
                Arc::clone(&observer),
            ),
            leases: LeaseExtension::new(
                Arc::clone(&subscription),
                Arc::clone(&observer),
                options.request.lease,
            ),
            lifecycle: Lifecycle::Running,
            subscription,
            options,
            observer,
            stop,
            deadline,
            gather_until: None,
        }
    }

    /// Consumes until there is nothing left to do.
    pub(super) async fn run(mut self) -> std::result::Result<Summary, ConsumeError> {
        loop {
            self.ask().await;
            let more_to_start = self.dispatch().await;
            self.in_flight.responses.start();
            let more_to_settle = self.in_flight.tasks.len() + self.in_flight.responses.len() > 0;
            self.in_flight.settlements.start(more_to_settle).await;
            self.ask().await;
            if self.is_over() {
                break;
            }
            let wake = self.wake(more_to_start).await;
            self.act(wake);
        }
        self.leave().await
    }

    /// Requests more deliveries if there is room for them.
    async fn ask(&mut self) {
        if !self.lifecycle.is_running() {
            return;
        }
        let wanted = self.admission.wanted(&self.in_flight);
        if wanted > 0 {
            self.in_flight.copies.ask();
            self.admission.fetch.start(wanted).await;
        }
    }

    /// Starts runs; reports whether more could start at once.
    async fn dispatch(&mut self) -> bool {
        if !self.lifecycle.is_running() {
            return false;
        }
        let more = self.admission.dispatch(&mut self.in_flight).await;
        self.take_endings();
        if self.lifecycle.is_running()
            && let Some(end) = self.admission.end_if_done(&self.in_flight)
        {
            self.drain(Ok(end));
        }
        more
    }

    async fn wake(&mut self, more_to_start: bool) -> Wake {
        let timer = self.timer();
        let draining = !self.lifecycle.is_running();
        let aborting = self.lifecycle.is_aborting();
        let gathering = self.is_gathering();
        // Biased: a stop comes first, and settlements make room before more is taken.
        tokio::select! {
            biased;
            () = self.stop.abort.cancelled(), if !aborting => Wake::Abort,
            () = self.stop.drain.cancelled(), if !draining => Wake::Drain,
            results = self.in_flight.settlements.next() => Wake::Settled(results),
            results = self.in_flight.responses.next() => Wake::Responded(results),
            fetched = self.admission.fetch.next() => Wake::Fetched(fetched),
            finished = self.in_flight.tasks.next(), if !gathering => Wake::RunEnded(finished),
            extended = self.leases.next() => Wake::Extended(extended),
            () = tokio::task::yield_now(), if more_to_start => Wake::Timer,
            () = sleep_until(timer) => Wake::Timer,
        }
    }

    fn act(&mut self, wake: Wake) {
        match wake {
            Wake::Fetched(result) => self.admission.fetched(result, &mut self.in_flight),
            Wake::RunEnded(finished) => {
                self.gather_until = Some(Instant::now() + GATHER);
                self.run_ended(finished);
            }
            Wake::Settled(results) => {
                let next_request = self.admission.fetch.latest() + 1;
                self.in_flight.settled(results, next_request);
            }
            Wake::Responded(results) => self.in_flight.responded(results),
            Wake::Extended(result) => {
                let lost = self.leases.apply(result);
                let looked_up = self.admission.fetch.remove(&lost);
                self.in_flight.drop_lost(&lost, looked_up);
            }
            Wake::Drain => self.drain(Ok(End::Drained)),
            Wake::Abort => self.abort(Some(End::Aborted)),
            Wake::Timer => {}
        }
        self.take_endings();
        while let Some(finished) = self.in_flight.tasks.try_next() {
            self.run_ended(finished);
        }
        self.keep_time();
    }

    fn run_ended(&mut self, finished: FinishedRun) {
        let aborting = self.lifecycle.is_aborting();
        self.in_flight.run_ended(finished, aborting);
        self.take_endings();
    }

    fn take_endings(&mut self) {
        for reason in self.in_flight.take_endings() {
            self.drain(reason);
        }
    }

    fn keep_time(&mut self) {
        self.in_flight.measure(self.subscription.dead_lettered());
        let now = Instant::now();
        let (in_flight, fetch) = (&self.in_flight, &self.admission.fetch);
        let tickets = || [in_flight.tickets(), fetch.tickets()].concat();
        self.leases.start_if_due(now, tickets);
        if self.lifecycle.is_running() {
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                self.drain(Ok(End::TimedOut));
            }
            self.in_flight.settle_held(now);
            let in_flight = &mut self.in_flight;
            in_flight.copies.give_back(now, &mut in_flight.settlements);
            self.take_endings();
        } else if self.lifecycle.wake_at().is_some_and(|until| now >= until) {
            self.run_out_of_time();
        }
    }

    /// Ends a phase whose time is up: a drain becomes an abort, and an abort drops what still runs.
    fn run_out_of_time(&mut self) {
        if self.lifecycle.is_aborting() {
            self.in_flight.abandon();
        } else {
            let drained = matches!(self.lifecycle, Lifecycle::Draining(Ok(End::Drained), _));
            self.abort(drained.then_some(End::Aborted));
        }
    }

    /// Takes nothing more, gives back what has not started, and lets the rest end.
    fn drain(&mut self, reason: Reason) {
        let was_running = self.lifecycle.is_running();
        let is_done = matches!(reason, Ok(End::Counted | End::Reached));
        let grace = if is_done {
            Duration::MAX
        } else {
            self.options.grace
        };
        self.lifecycle.drain(reason, grace);
        if !was_running {
            return;
        }
        self.in_flight.runner.recall();
        if !is_done {
            let runs = self.in_flight.tasks.len().min(self.admission.jobs());
            let running = runs + self.in_flight.responses.len();
            self.observer.notice(Notice::Draining(running));
        }
        let fetched = self.admission.fetch.stop();
        self.in_flight.give_back_waiting(fetched);
    }

    /// Ends at once: tells runs to end and gives their deliveries back uncounted.
    fn abort(&mut self, end: Option<End>) {
        self.drain(Ok(End::Aborted));
        self.lifecycle.abort(end, ABORT_GRACE);
        self.in_flight.runner.abort.cancel();
    }

    fn is_gathering(&self) -> bool {
        let tasks = self.in_flight.tasks.len();
        let waiting = tasks.saturating_sub(self.admission.jobs());
        waiting >= MANY_WAITING
            && self
                .gather_until
                .is_some_and(|until| Instant::now() < until)
    }

    fn timer(&self) -> Instant {
        let deadline = self.deadline.filter(|_| self.lifecycle.is_running());
        [
            deadline,
            self.in_flight.held_until(),
            self.in_flight.copies.wake_at(),
            self.lifecycle.wake_at(),
            self.admission.fetch.wake_at(),
            self.in_flight.responses.wake_at(),
            self.in_flight.settlements.wake_at(),
            self.in_flight.breaker.probe_at(),
            self.gather_until.filter(|_| self.is_gathering()),
        ]
        .into_iter()
        .flatten()
        .fold(self.leases.wake_at(), Instant::min)
    }

    fn is_over(&self) -> bool {
        match &self.lifecycle {
            Lifecycle::Running => false,
            Lifecycle::Draining(..) => self.in_flight.len() == 0,
            Lifecycle::Aborting(_, until) => {
                let running = self.in_flight.tasks.len() + self.in_flight.responses.len();
                self.in_flight.len() == 0 || running == 0 && Instant::now() >= *until
            }
        }
    }

    /// Leaves the group and sums up.
    async fn leave(self) -> std::result::Result<Summary, ConsumeError> {
        let aborting = self.lifecycle.is_aborting();
        let is_at_end = matches!(self.lifecycle, Lifecycle::Draining(Ok(End::Reached), _));
        let held_elsewhere = if is_at_end {
            held_elsewhere(&self.subscription, &self.observer).await
        } else {
            None
        };
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
        let end = self.lifecycle.into_reason()?;
        let settlements = self.in_flight.settlements;
        let (mut summary, mut meters) = (settlements.summary, settlements.meters);
        match left {
            Err(error) if error.kind() == ErrorKind::Gap => {
                summary.gaps += 1;
                self.observer.notice(Notice::Gap(&error));
            }
            Err(error) if end != End::Aborted => return Err(error.into()),
            _ => {}
        }
        let crashed = self.subscription.dead_lettered();
        summary.dead_lettered += crashed;
        meters.crashed(crashed);
        summary.forgotten = self.subscription.marks().map_or(0, Marks::forgotten);
        summary.held_elsewhere = held_elsewhere;
        summary.end = Some(end);
        Ok(summary)
    }
}

/// Returns the events before the end that other consumers hold, and reports them.
async fn held_elsewhere(
    subscription: &Arc<dyn Subscription>,
    observer: &Arc<dyn Observer>,
) -> Option<HeldElsewhere> {
    let held = timeout(HELD_TIMEOUT, subscription.held_elsewhere()).await;
    let no_answer = || {
        let message = "the store did not answer";
        Err(TransportError::new("", ErrorKind::Unavailable, message))
    };
    match held.unwrap_or_else(|_| no_answer()) {
        Ok(Some(held)) => {
            tracing::warn!(%held, "the end was reached without them");
            observer.notice(Notice::HeldElsewhere(held));
            Some(held)
        }
        Ok(None) => None,
        Err(failed) => {
            let message = format!(
                "it is unknown whether other consumers of the group hold events: {}",
                failed.message()
            );
            observer.notice(Notice::Warning(&failed.with_message(message)));
            None
        }
    }
}
