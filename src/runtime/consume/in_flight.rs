//! Deliveries in flight: from the fetch to the durable settlement, and the decision about each run that ended.
//!
//! A delivery is in exactly one place at a time: the queue, a run, the decode check, the responses, or the settlements.
//! The breaker belongs here because the way in which runs end moves it.
//!
//! Nothing here ends the consumer. A reason to end is noted, and the loop takes it with [`InFlight::take_endings`]
//! before its next step.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    deliveries::{
        copies::Copies,
        decode_check::DecodeCheck,
        queue::{Queue, key_of},
    },
    lifecycle::Reason,
    metrics::meters::Meters,
    options::ConsumeOptions,
    responses::{Answered, Responses},
    run::{
        breaker_watch::BreakerWatch,
        failure_replies::FailureReplies,
        finished::{FinishedRun, LeftOut, RunEnd},
        runs::{Runner, Tasks},
        verdict::{Conclusion, conclude, dead_letter, ending_of, failed_run},
    },
    settlements::Settlements,
    summary::{ConsumeError, End},
};
use crate::{
    event::Mode,
    failpoint,
    runtime::{Ending, Handler, Notice, Observer, describe_failure},
    transport::{
        DeadLetterKind, Delivery, Failure, Receipt, Result, Subscription, Ticket, Transport,
        TransportError, Verdict,
    },
};

/// See the module.
pub(super) struct InFlight<H> {
    pub(super) runner: Arc<Runner<H>>,
    pub(super) queue: Queue,
    pub(super) copies: Copies,
    pub(super) tasks: Tasks,
    pub(super) responses: Responses,
    pub(super) settlements: Settlements,
    decode_check: DecodeCheck,
    pub(super) breaker: BreakerWatch,
    failure_replies: FailureReplies,
    options: Arc<ConsumeOptions>,
    observer: Arc<dyn Observer>,
    endings: Vec<Reason>,
}

impl<H: Handler> InFlight<H> {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        subscription: Arc<dyn Subscription>,
        runner: Runner<H>,
        options: Arc<ConsumeOptions>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let request = &options.request;
        let (encoding, system) = (transport.encoding(), transport.scheme());
        let is_hexa = encoding.mode == Mode::Hexa;
        Self {
            queue: Queue::default(),
            copies: Copies::default(),
            tasks: Tasks::of(&runner.handler, options.jobs.max(1)),
            runner: Arc::new(runner),
            responses: Responses::new(transport, request.lease),
            settlements: Settlements::new(
                subscription,
                Arc::clone(&observer),
                Meters::new(system, &request.group),
                request.max_in_flight,
                is_hexa.then(|| request.group.clone()),
                request.dedup.as_ref().map(|dedup| dedup.window),
            ),
            decode_check: DecodeCheck::default(),
            breaker: BreakerWatch::new(Arc::clone(&options), Arc::clone(&observer)),
            failure_replies: FailureReplies::new(&options, encoding),
            options,
            observer,
            endings: Vec::new(),
        }
    }

    /// Counts deliveries that were handed out and are not durably settled.
    pub(super) fn len(&self) -> usize {
        self.unjudged() + self.decode_check.len() + self.settlements.unsettled()
    }

    /// Reports whether nothing waits or runs.
    pub(super) fn is_idle(&self) -> bool {
        self.unjudged() == 0
    }

    fn unjudged(&self) -> usize {
        self.queue.len() + self.copies.len() + self.tasks.len() + self.responses.len()
    }

    /// Lists the deliveries whose lease must not run out.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.queue
            .tickets()
            .chain(self.copies.tickets())
            .chain(self.tasks.tickets())
            .chain(self.responses.tickets())
            .chain(self.decode_check.tickets())
            .chain(self.settlements.tickets())
            .collect()
    }

    /// Updates the metrics: what is in flight, and what the store itself has dead-lettered.
    pub(super) fn measure(&mut self, crashed: u64) {
        let count = self.len();
        self.settlements.meters.in_flight(count);
        self.settlements.meters.crashed(crashed);
    }

    /// Notes a reason to end the consumer.
    pub(super) fn end(&mut self, reason: Reason) {
        self.endings.push(reason);
    }

    /// Reports whether there is a reason to end that the loop has not taken yet.
    pub(super) fn is_ending(&self) -> bool {
        !self.endings.is_empty()
    }

    /// Takes the reasons to end, the first one first.
    pub(super) fn take_endings(&mut self) -> Vec<Reason> {
        std::mem::take(&mut self.endings)
    }

    /// Takes a run that ended. `aborting` means that the runs were aborted.
    pub(super) fn run_ended(&mut self, finished: FinishedRun, aborting: bool) {
        failpoint::reach("consume.handled");
        let probe = finished.probe;
        if let Some(took) = finished.took {
            let topic = &finished.delivery.stored.message.topic;
            self.settlements.meters.handled(topic, took);
        }
        match conclude(finished, &self.options.policy, fastrand::f64(), aborting) {
            Conclusion::Ack(delivery, left_out) => self.ack(delivery, left_out, probe),
            Conclusion::Respond(finished, responses) => {
                self.queue.occupy(key_of(&finished.delivery));
                self.responses.add(finished, responses);
            }
            Conclusion::Settle(delivery, verdict) => self.settle(delivery, verdict, probe),
            Conclusion::Undecodable(delivery, failure) => {
                self.hold_undecodable(delivery, failure, probe);
            }
            Conclusion::Stop(delivery, failure) => {
                self.settle(delivery, Verdict::Return, probe);
                self.end(Err(ConsumeError::Unusable(failure)));
            }
        }
    }

    fn ack(&mut self, mut delivery: Delivery, left_out: Option<LeftOut>, probe: bool) {
        let was_run = matches!(left_out, None | Some(LeftOut::Skipped(_)));
        let ending = was_run.then_some(Ending::Success);
        if !was_run {
            delivery.set_left_out();
        }
        if left_out != Some(LeftOut::Tombstone) {
            self.confirm_decodable();
        }
        self.queue.release(&delivery);
        self.settlements.ack(delivery, left_out);
        self.note_ending(ending, probe);
    }

    /// Settles with this verdict. A request that is given up gets a reply first, where the consumer replies.
    fn settle(&mut self, delivery: Delivery, verdict: Verdict, probe: bool) {
        match (self.failure_replies.of(&delivery, &verdict), verdict) {
            (Some(reply), Verdict::DeadLetter { kind, failure }) => {
                self.queue.occupy(key_of(&delivery));
                let given_up = FinishedRun {
                    delivery,
                    end: RunEnd::GivenUp(kind, *failure),
                    max_attempts: 0,
                    started: Instant::now(),
                    took: None,
                    probe,
                };
                self.responses.add(given_up, vec![reply]);
            }
            (_, verdict) => self.settle_now(delivery, verdict, probe),
        }
    }

    fn settle_now(&mut self, delivery: Delivery, verdict: Verdict, probe: bool) {
        let ending = ending_of(&verdict);
        if let (Some(Ending::FinalFailure), Verdict::DeadLetter { failure, .. }) =
            (ending, &verdict)
        {
            self.breaker.note_failure(failure);
        }
        // A delivery that comes again must not be overtaken by later ones of its key. One that is retried holds its key
        // only where order was asked for.
        let holds = match &verdict {
            Verdict::Return => true,
            Verdict::Retry { .. } => self.options.request.ordered,
            _ => false,
        };
        if ending.is_some() {
            self.confirm_decodable();
        }
        let held_back = if holds {
            self.queue.hold(&delivery)
        } else {
            self.queue.release(&delivery);
            Vec::new()
        };
        self.settlements.conclude(delivery, verdict, holds);
        self.give_back(held_back);
        self.note_ending(ending, probe);
    }

    /// Gives deliveries back uncounted.
    pub(super) fn give_back(&mut self, deliveries: impl IntoIterator<Item = Delivery>) {
        for delivery in deliveries {
            self.settlements.conclude(delivery, Verdict::Return, false);
        }
    }

    /// Gives back everything that has not started.
    pub(super) fn give_back_waiting(&mut self, fetched: Vec<Delivery>) {
        let waiting = self.queue.drain();
        let copies = self.copies.drain();
        let held: Vec<Delivery> = self.decode_check.give_back().collect();
        let all = waiting.into_iter().chain(copies).chain(fetched).chain(held);
        self.give_back(all);
    }

    /// Gives back deliveries that have not started and whose lease was lost. Running ones go on: another consumer may
    /// have them too, and their settlement will show it.
    pub(super) fn drop_lost(&mut self, lost: &[Ticket], looked_up: Vec<Delivery>) {
        let queued = self.queue.remove(lost);
        self.give_back(queued.into_iter().chain(looked_up));
    }

    /// Drops everything that runs.
    pub(super) fn abandon(&mut self) {
        let (runs, mut followed) = self.tasks.abandon();
        let causes = self.responses.abandon();
        let count = runs + causes.len();
        followed.extend(causes.into_iter().map(|cause| cause.delivery));
        self.settlements.abandon(count, &followed);
    }

    fn note_ending(&mut self, ending: Option<Ending>, probe: bool) {
        if !self.breaker.note_ending(ending, probe) {
            return;
        }
        if self.options.is_bounded() {
            self.end(Ok(End::BreakerOpened));
        } else {
            self.runner.recall();
            let waiting = self.queue.drain();
            self.give_back(waiting);
        }
    }

    /// Takes a message that is not a CloudEvent. Until one was decoded, it is held instead of dead-lettered.
    fn hold_undecodable(&mut self, delivery: Delivery, failure: Failure, probe: bool) {
        self.queue.release(&delivery);
        if self.decode_check.is_confirmed() {
            return self.dead_letter_undecodable(delivery, failure, probe);
        }
        if let Some(count) = self.decode_check.hold(delivery, failure.clone()) {
            self.end(Err(ConsumeError::Undecodable { count, failure }));
        }
        if probe {
            self.note_ending(None, probe);
        }
    }

    fn dead_letter_undecodable(&mut self, delivery: Delivery, failure: Failure, probe: bool) {
        self.breaker.note_failure(&failure);
        let verdict = dead_letter(DeadLetterKind::Decode, failure);
        self.settlements.conclude(delivery, verdict, false);
        self.note_ending(Some(Ending::FinalFailure), probe);
    }

    /// Notes that a message was decoded: the ones held so far are single bad messages.
    fn confirm_decodable(&mut self) {
        for (delivery, failure) in self.decode_check.confirm() {
            self.dead_letter_undecodable(delivery, failure, false);
        }
    }

    /// Returns the time at which held messages are dead-lettered, if nothing else comes.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.decode_check.wake_at().filter(|_| self.is_idle())
    }

    /// Dead-letters messages that were held for long enough while nothing else came.
    pub(super) fn settle_held(&mut self, now: Instant) {
        if !self.is_idle() {
            return;
        }
        for (delivery, failure) in self.decode_check.overdue(now) {
            self.dead_letter_undecodable(delivery, failure, false);
        }
    }

    /// Takes the results of a batch of settlements. `next_request` is the first request for deliveries that the store
    /// gets after them.
    pub(super) fn settled(&mut self, results: Vec<Result<()>>, next_request: u64) {
        let settled = self.settlements.apply(results);
        for key in &settled.holds {
            self.queue.hold_until(key, next_request);
        }
        for (key, is_final) in settled.marked {
            self.copies.settled(key, is_final, &mut self.settlements);
        }
        if let Some(error) = settled.fatal {
            self.end(Err(error));
        }
    }

    /// Takes the results of a batch of responses.
    pub(super) fn responded(&mut self, results: Vec<Result<Receipt>>) {
        for warning in self.responses.warnings() {
            self.observer.notice(Notice::Warning(&warning));
        }
        for answered in self.responses.apply(results) {
            match answered {
                Answered::Stored(cause) => self.ack(cause.delivery, None, cause.probe),
                Answered::Refused(cause, error) => self.response_refused(cause, &error),
                Answered::GivenUp(cause, error) => self.response_unsettled(cause, &error),
                Answered::Barred(cause, error) => {
                    self.response_unsettled(cause, &error);
                    self.end(Err(error.into()));
                }
                Answered::Reported(cause, verdict, error) => {
                    if let Some(error) = &error {
                        self.observer.notice(Notice::Warning(error));
                    }
                    self.settle_now(cause.delivery, verdict, cause.probe);
                }
            }
        }
    }

    /// Gives back a cause whose responses could not be stored; it is redelivered uncounted. A run that is made at most once
    /// is not repeated for them.
    fn response_unsettled(&mut self, mut cause: FinishedRun, error: &TransportError) {
        if self.runner.once.is_some() {
            cause.delivery.set_cut_short();
        }
        self.observer
            .notice(Notice::Unsettled(&cause.delivery, error));
        self.settle(cause.delivery, Verdict::Return, cause.probe);
    }

    /// Counts a failed run: the store will never take one of its responses.
    fn response_refused(&mut self, cause: FinishedRun, error: &TransportError) {
        let failure = describe_failure("response refused", &error.to_string(), None);
        let policy = &self.options.policy;
        let verdict = failed_run(&cause, policy, None, failure, fastrand::f64());
        self.settle(cause.delivery, verdict, cause.probe);
    }
}
