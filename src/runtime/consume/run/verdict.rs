//! The conclusion from a run that ended: acknowledge, retry, dead-letter, give back, or stop. Pure.

use std::time::Duration;

use super::{
    finished::{FinishedRun, LeftOut, RunEnd},
    screening::TOMBSTONE,
};
use crate::{
    runtime::{Decision, Ending, Outcome, RetryPolicy, reply::ADDRESS},
    transport::{DeadLetterKind, Delivery, Failure, Outgoing, Verdict},
};

/// The action after a run that ended.
pub(in crate::runtime::consume) enum Conclusion {
    /// Acknowledge; with a reason, it was not handled.
    Ack(Delivery, Option<LeftOut>),
    /// Store these first, then acknowledge.
    Respond(FinishedRun, Vec<Outgoing>),
    /// Settle with this verdict.
    Settle(Delivery, Verdict),
    /// The message is not a CloudEvent.
    Undecodable(Delivery, Failure),
    /// Give it back and stop.
    Stop(Delivery, Failure),
}

/// Decides. `aborting` means that the runs were aborted, so a failure says nothing about the event.
pub(in crate::runtime::consume) fn conclude(
    mut finished: FinishedRun,
    policy: &RetryPolicy,
    dice: f64,
    aborting: bool,
) -> Conclusion {
    let took = finished.started.elapsed();
    let end = std::mem::replace(&mut finished.end, RunEnd::Handled(Outcome::Return));
    let outcome = match end {
        RunEnd::GivenUp(kind, failure) => {
            let verdict = dead_letter(kind, failure);
            return Conclusion::Settle(finished.delivery, verdict);
        }
        RunEnd::LeftOut(why) => return Conclusion::Ack(finished.delivery, Some(why)),
        RunEnd::Handled(outcome) => outcome,
    };
    let failed = |failure| timed(failure, took);
    match outcome {
        Outcome::Ack(responses) if responses.is_empty() => Conclusion::Ack(finished.delivery, None),
        Outcome::Ack(responses) => Conclusion::Respond(finished, responses),
        Outcome::Skip(reason) => Conclusion::Ack(finished.delivery, Some(LeftOut::Skipped(reason))),
        Outcome::Unusable(failure) => Conclusion::Stop(finished.delivery, failure),
        _ if aborting => Conclusion::Settle(finished.delivery, Verdict::Return),
        Outcome::Return => Conclusion::Settle(finished.delivery, Verdict::Return),
        Outcome::Undecodable(failure) => Conclusion::Undecodable(finished.delivery, failure),
        Outcome::DeadLetter(failure) => {
            let verdict = dead_letter(DeadLetterKind::Permanent, failed(failure));
            Conclusion::Settle(finished.delivery, verdict)
        }
        Outcome::Retry(asked, failure) => {
            let verdict = failed_run(&finished, policy, asked, failed(failure), dice);
            Conclusion::Settle(finished.delivery, verdict)
        }
    }
}

/// Returns the verdict on a run that failed.
pub(in crate::runtime::consume) fn failed_run(
    finished: &FinishedRun,
    policy: &RetryPolicy,
    asked: Option<Duration>,
    failure: Failure,
    dice: f64,
) -> Verdict {
    let policy = RetryPolicy {
        max_attempts: finished.max_attempts,
        ..*policy
    };
    match policy.decide(finished.delivery.attempts.attempt(), asked, dice) {
        Decision::Retry(after) => Verdict::Retry {
            after,
            failure: Box::new(failure),
        },
        Decision::DeadLetter => dead_letter(DeadLetterKind::Exhausted, failure),
    }
}

/// Returns the verdict that dead-letters.
pub(in crate::runtime::consume) fn dead_letter(kind: DeadLetterKind, failure: Failure) -> Verdict {
    Verdict::DeadLetter {
        kind,
        failure: Box::new(failure),
    }
}

/// Returns what a verdict says about the handler; `None` if the handler did not run.
pub(in crate::runtime::consume) fn ending_of(verdict: &Verdict) -> Option<Ending> {
    match verdict {
        Verdict::Ack => Some(Ending::Success),
        Verdict::Retry { .. } => Some(Ending::Setback),
        Verdict::Return
        | Verdict::DeadLetter {
            kind: DeadLetterKind::Expired | DeadLetterKind::Terminated | DeadLetterKind::Unknown,
            ..
        } => None,
        Verdict::DeadLetter { failure, .. }
            if failure.class == TOMBSTONE || failure.class == ADDRESS =>
        {
            None
        }
        Verdict::DeadLetter { .. } => Some(Ending::FinalFailure),
    }
}

fn timed(mut failure: Failure, took: Duration) -> Failure {
    failure.duration.get_or_insert(took);
    failure
}
