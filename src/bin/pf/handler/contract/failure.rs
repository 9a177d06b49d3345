//! Failures of commands, as they are kept in a dead letter.

use std::time::{Duration, Instant};

use protoflow::{
    event::EventError,
    runtime::{Outcome, fingerprint},
    transport::Failure,
};

use super::{reply::Action, verdict::Judgement};
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

/// Turns a judgement into the outcome of a run that published nothing.
pub fn outcome(judgement: &Judgement, stderr: &StderrTail, started: Instant) -> Outcome {
    let message = || match stderr.last_line() {
        Some(line) if !judgement.complete => format!("{}: {line}", judgement.reason),
        _ => judgement.reason.clone(),
    };
    let failure = || {
        let took = Some(started.elapsed());
        failure(&judgement.class, message(), stderr.text(), took)
    };
    match judgement.action {
        Action::Ack => Outcome::Ack(Vec::new()),
        Action::Skip => Outcome::Skip(message()),
        Action::Retry(after) => Outcome::Retry(after, failure()),
        Action::DeadLetter => Outcome::DeadLetter(failure()),
        Action::Stop => Outcome::Unusable(failure()),
    }
}

/// The outcome of a run that could not write to stdout, as nobody reads it any more.
pub fn no_reader() -> Outcome {
    let message = "nobody reads its stdout any more".to_owned();
    Outcome::Unusable(failure("stdout", message, None, None))
}

/// The outcome of a message that is no event.
pub fn undecodable(error: &EventError) -> Outcome {
    Outcome::Undecodable(failure("decode", error.to_string(), None, None))
}
