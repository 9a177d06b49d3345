//! What follows from the end of a run, of a settlement, of a response.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    ConsumeError, End,
    deliveries::queue::key_of,
    event_loop::Pump,
    lifecycle::Reason,
    responses::Answered,
    run::{
        runs::Finished,
        verdict::{Conclusion, conclude, ending_of, failed_run, letter},
    },
};
use crate::{
    failpoint,
    runtime::{Ending, Handler, Notice, Shift, describe_failure},
    transport::{Delivery, Failure, LetterKind, Receipt, Result, TransportError, Verdict},
};

impl<H: Handler> Pump<H> {
    /// Takes a run that ended.
    pub(super) fn ran(&mut self, finished: Finished) {
        failpoint::reach("consume.handled");
        let probe = finished.probe;
        let aborting = self.phase.is_aborting();
        match conclude(finished, &self.options.policy, fastrand::f64(), aborting) {
            Conclusion::Ack(delivery, skipped) => self.handled(delivery, skipped, probe),
            Conclusion::Respond(finished, responses) => {
                self.queue.occupy(key_of(&finished.delivery));
                self.responder.add(finished, responses);
            }
            Conclusion::Settle(delivery, verdict) => self.settle(delivery, verdict, probe),
            Conclusion::Doubt(delivery, failure) => self.doubt(delivery, failure, probe),
            Conclusion::Stop(delivery, failure) => {
                self.settle(delivery, Verdict::Return, probe);
                self.drain(Err(ConsumeError::Unusable(failure)));
            }
        }
    }

    fn handled(&mut self, delivery: Delivery, skipped: Option<String>, probe: bool) {
        self.believe();
        self.queue.release(&delivery);
        self.ledger.ack(delivery, skipped);
        self.note_ending(Some(Ending::Success), probe);
    }

    fn settle(&mut self, delivery: Delivery, verdict: Verdict, probe: bool) {
        let ending = ending_of(&verdict);
        let holds = match &verdict {
            Verdict::Return => true,
            Verdict::Retry { .. } => self.options.request.ordered,
            _ => false,
        };
        if ending.is_some() {
            self.believe();
        }
        let back = if holds {
            self.queue.hold(&delivery)
        } else {
            self.queue.release(&delivery);
            Vec::new()
        };
        self.ledger.conclude(delivery, verdict, holds);
        self.give_back(back);
        self.note_ending(ending, probe);
    }

    fn note_ending(&mut self, ending: Option<Ending>, probe: bool) {
        let now = Instant::now().into_std();
        let dice = fastrand::f64();
        let shift = match (probe, ending) {
            (true, ending) => self.breaker.end_probe(ending, now, dice),
            (false, Some(ending)) => self.breaker.record(ending, now, dice),
            (false, None) => Shift::None,
        };
        match shift {
            Shift::None => {}
            Shift::Closed => self.observer.notice(Notice::BreakerClosed),
            Shift::Opened => self.opened(),
        }
    }

    fn opened(&mut self) {
        let options = self.options.breaker;
        self.observer.notice(Notice::BreakerOpened(options));
        if self.options.is_bounded() {
            self.drain(Ok(End::Broken));
        } else {
            self.runner.recall();
            let waiting = self.queue.drain();
            self.give_back(waiting);
        }
    }

    /// Takes a message that is no event.
    fn doubt(&mut self, delivery: Delivery, failure: Failure, probe: bool) {
        self.queue.release(&delivery);
        if self.proof.is_proven() {
            return self.undecodable(delivery, failure, probe);
        }
        if let Some(count) = self.proof.hold(delivery, failure.clone()) {
            self.drain(Err(ConsumeError::Undecodable { count, failure }));
        }
        if probe {
            self.note_ending(None, probe);
        }
    }

    fn undecodable(&mut self, delivery: Delivery, failure: Failure, probe: bool) {
        let verdict = letter(LetterKind::Decode, failure);
        self.ledger.conclude(delivery, verdict, false);
        self.note_ending(Some(Ending::FinalFailure), probe);
    }

    /// Notes that a message was an event: those before that were none are single bad ones.
    fn believe(&mut self) {
        for (delivery, failure) in self.proof.prove() {
            self.undecodable(delivery, failure, false);
        }
    }

    /// Gives up messages that are no events, if nothing else came for a while.
    pub(super) fn settle_doubts(&mut self, now: Instant) {
        for (delivery, failure) in self.proof.overdue(now) {
            self.undecodable(delivery, failure, false);
        }
    }

    /// Takes the results of a batch of settlements.
    pub(super) fn settled(&mut self, results: Vec<Result<()>>) {
        let settled = self.ledger.apply(results);
        let next = self.fetch.latest() + 1;
        for key in &settled.holds {
            self.queue.hold_until(key, next);
        }
        if let Some(error) = settled.fatal {
            self.drain(Err(error));
        }
    }

    /// Takes the results of a batch of responses.
    pub(super) fn responded(&mut self, results: Vec<Result<Receipt>>) {
        for warning in self.responder.warnings() {
            self.observer.notice(Notice::Warning(&warning));
        }
        for answered in self.responder.apply(results) {
            match answered {
                Answered::Stored(cause) => self.handled(cause.delivery, None, cause.probe),
                Answered::Refused(cause, error) => self.refused(cause, &error),
                Answered::GivenUp(cause, error) => self.unanswered(cause, &error),
                Answered::Barred(cause, error) => {
                    self.unanswered(cause, &error);
                    self.drain(Err(error.into()));
                }
            }
        }
    }

    /// Gives back a cause whose responses are not stored; it comes again uncounted.
    fn unanswered(&mut self, cause: Finished, error: &TransportError) {
        self.observer
            .notice(Notice::Unsettled(&cause.delivery, error));
        self.settle(cause.delivery, Verdict::Return, cause.probe);
    }

    /// A response that the store will never take is a failed run.
    fn refused(&mut self, cause: Finished, error: &TransportError) {
        let failure = describe_failure("response refused", &error.to_string(), None);
        let policy = &self.options.policy;
        let verdict = failed_run(&cause, policy, None, failure, fastrand::f64());
        self.settle(cause.delivery, verdict, cause.probe);
    }

    /// Takes nothing more, gives back what has not started, and lets the rest end.
    pub(super) fn drain(&mut self, reason: Reason) {
        let was_running = self.phase.is_running();
        let grace = match &reason {
            Ok(End::Counted | End::Reached) => Duration::MAX,
            _ => self.options.grace,
        };
        let tell = !matches!(reason, Ok(End::Counted | End::Reached));
        self.phase.drain(reason, grace);
        if !was_running {
            return;
        }
        self.runner.recall();
        if tell {
            let running = self.tasks.len().min(self.jobs()) + self.responder.len();
            self.observer.notice(Notice::Draining(running));
        }
        let early = self.fetch.stop();
        let waiting = self.queue.drain();
        let doubtful: Vec<Delivery> = self.proof.give_back().collect();
        self.give_back(waiting.into_iter().chain(early).chain(doubtful));
    }
}
