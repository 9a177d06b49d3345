//! Rehearsals: a handler is tried on a copy of a dead letter, in the way in which a consumer would call it after a replay.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    finished::{LeftOut, RunEnd},
    runs::Runner,
};
use crate::{
    runtime::{
        Handler, Observer, Outcome,
        consume::{options::ConsumeOptions, summary::Stop},
    },
    transport::{Attempts, DeadLetter, Delivery, Ticket},
};

/// Runs a handler on a copy of a dead letter, as a consumer with these options would run its first attempt after a replay.
/// Nothing is settled, and what the handler responds is not published. What it does by itself is real.
///
/// An abort of `stop` ends the run.
pub async fn rehearse(
    handler: impl Handler,
    letter: &DeadLetter,
    options: &ConsumeOptions,
    observer: &Arc<dyn Observer>,
    stop: &Stop,
) -> Outcome {
    let mut runner = Runner::new(handler, "", options, observer);
    runner.abort = stop.abort.clone();
    let lineage = Some(Box::new(letter.lineage()));
    let delivery = Delivery::new(letter.stored(), Attempts::default(), lineage, Ticket(0));
    let finished = Arc::new(runner).run(delivery, Instant::now(), false).await;
    match finished.end {
        RunEnd::Handled(outcome) => outcome,
        RunEnd::GivenUp(_, failure) => Outcome::DeadLetter(failure),
        RunEnd::LeftOut(LeftOut::Skipped(reason) | LeftOut::Expired(reason)) => {
            Outcome::Skip(reason)
        }
        RunEnd::LeftOut(LeftOut::Tombstone) => Outcome::Skip("a tombstone".to_owned()),
        RunEnd::LeftOut(LeftOut::Duplicate) => Outcome::Skip("a duplicate".to_owned()),
        RunEnd::LeftOut(LeftOut::Filtered) => Outcome::Skip("not matched".to_owned()),
    }
}
