//! From how a run ended to what should become of its delivery. Pure.

use std::time::Duration;

use super::runs::{Finished, Ran};
use crate::{
    runtime::{Decision, Ending, Outcome, RetryPolicy},
    transport::{Delivery, Failure, LetterKind, Outgoing, Verdict},
};

/// What is to be done about a run that ended.
pub(in crate::runtime::consume) enum Conclusion {
    /// Acknowledge; with a reason, it was skipped.
    Ack(Delivery, Option<String>),
    /// Store these first, then acknowledge.
    Respond(Finished, Vec<Outgoing>),
    /// Settle so.
    Settle(Delivery, Verdict),
    /// The message is no event.
    Doubt(Delivery, Failure),
    /// Give it back and stop.
    Stop(Delivery, Failure),
}

/// Decides. `aborting` says that the run was told to end, so that a failure says nothing about the event.
pub(in crate::runtime::consume) fn conclude(
    mut finished: Finished,
    policy: &RetryPolicy,
    dice: f64,
    aborting: bool,
) -> Conclusion {
    let took = finished.started.elapsed();
    let ran = std::mem::replace(&mut finished.ran, Ran::Handled(Outcome::Return));
    let outcome = match ran {
        Ran::Over(kind, failure) => {
            let verdict = letter(kind, failure);
            return Conclusion::Settle(finished.delivery, verdict);
        }
        Ran::Handled(outcome) => outcome,
    };
    let failed = |failure| timed(failure, took);
    match outcome {
        Outcome::Ack(responses) if responses.is_empty() => Conclusion::Ack(finished.delivery, None),
        Outcome::Ack(responses) => Conclusion::Respond(finished, responses),
        Outcome::Skip(reason) => Conclusion::Ack(finished.delivery, Some(reason)),
        Outcome::Unusable(failure) => Conclusion::Stop(finished.delivery, failure),
        _ if aborting => Conclusion::Settle(finished.delivery, Verdict::Return),
        Outcome::Return => Conclusion::Settle(finished.delivery, Verdict::Return),
        Outcome::Undecodable(failure) => Conclusion::Doubt(finished.delivery, failure),
        Outcome::DeadLetter(failure) => {
            let verdict = letter(LetterKind::Permanent, failed(failure));
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
    finished: &Finished,
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
        Decision::DeadLetter => letter(LetterKind::Exhausted, failure),
    }
}

/// Returns the verdict that gives up.
pub(in crate::runtime::consume) fn letter(kind: LetterKind, failure: Failure) -> Verdict {
    Verdict::DeadLetter {
        kind,
        failure: Box::new(failure),
    }
}

/// Returns what a verdict tells about the handler; nothing if it never ran.
pub(in crate::runtime::consume) fn ending_of(verdict: &Verdict) -> Option<Ending> {
    match verdict {
        Verdict::Ack => Some(Ending::Success),
        Verdict::Retry { .. } => Some(Ending::Setback),
        Verdict::Return
        | Verdict::DeadLetter {
            kind: LetterKind::Expired | LetterKind::Terminated,
            ..
        } => None,
        Verdict::DeadLetter { .. } => Some(Ending::FinalFailure),
    }
}

fn timed(mut failure: Failure, took: Duration) -> Failure {
    failure.duration.get_or_insert(took);
    failure
}
