//! Failures of commands in the form that a dead letter keeps.

use std::time::{Duration, Instant};

use protoflow::{
    event::EventError,
    runtime::{Outcome, fingerprint},
    transport::Failure,
};

use super::{reply::Action, verdict::Verdict};
use crate::handler::process::stderr_tail::StderrTail;

/// Describes a failure.
pub fn failure(
    class: &str,
    message: String,
    detail: Option<String>,
    duration: Option<Duration>,
) -> Failure {
    Failure {
        fingerprint: fingerprint(class, &message),
        class: class.to_owned(),
        message,
        detail,
        duration,
    }
}

/// Returns the outcome of a run that published nothing.
pub fn outcome(verdict: &Verdict, stderr: &StderrTail, started: Instant) -> Outcome {
    let message = || match stderr.last_line() {
        Some(line) if !verdict.complete => format!("{}: {line}", verdict.reason),
        _ => verdict.reason.clone(),
    };
    let failure = || {
        let took = Some(started.elapsed());
        failure(&verdict.class, message(), stderr.text(), took)
    };
    match verdict.action {
        Action::Ack => Outcome::Ack(Vec::new()),
        Action::Skip => Outcome::Skip(message()),
        Action::Retry(after) => Outcome::Retry(after, failure()),
        Action::DeadLetter => Outcome::DeadLetter(failure()),
        Action::Stop => Outcome::Unusable(failure()),
    }
}

/// Returns the outcome of a run that failed after the reader of stdout closed it.
pub fn stdout_closed() -> Outcome {
    let message = "stdout was closed by its reader".to_owned();
    Outcome::Unusable(failure("stdout", message, None, None))
}

/// Returns the outcome of a message that is not a CloudEvent.
pub fn undecodable(error: &EventError) -> Outcome {
    Outcome::Undecodable(failure("decode", error.to_string(), None, None))
}
