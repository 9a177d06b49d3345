//! Notices of a consumer on stderr.

use std::time::Duration;

use protoflow::{
    event::{Envelope, Group},
    runtime::{Notice, Observer, Summary},
    transport::{Delivery, Failure, TransportError},
};

use crate::output::{Remarks, counted};

/// Prints failures and dead letters; events that succeed are only counted.
#[derive(Debug)]
pub struct Narrator {
    remarks: Remarks,
    group: Group,
}

impl Narrator {
    /// Creates a narrator.
    pub fn new(remarks: Remarks, group: Group) -> Self {
        Self { remarks, group }
    }

    fn warn(&self, what: &str, error: &TransportError) {
        self.remarks.warning(&format!("{what}: {error}"));
    }
}

impl Observer for Narrator {
    fn notice(&self, notice: Notice<'_>) {
        let remarks = &self.remarks;
        match notice {
            Notice::Created(what) => remarks.remark(what),
            Notice::Skipped(delivery, reason) => {
                remarks.remark(&format!("skipped {}: {reason}", name(delivery)));
            }
            Notice::Retrying(delivery, after, failure) => {
                remarks.remark(&retry(delivery, after, failure));
            }
            Notice::DeadLettered(delivery, kind, failure) => remarks.remark(&format!(
                "dead letter {} ({kind}): {}",
                name(delivery),
                failure.message
            )),
            Notice::RefusedAttribute(delivery, error) => remarks.warning(&format!(
                "{}: {error}; it is passed on unchanged, but official CloudEvents SDKs refuse such events \
                 (reported once)",
                name(delivery)
            )),
            Notice::Unsettled(delivery, error) => {
                self.warn(&format!("{} will be redelivered", name(delivery)), error);
            }
            Notice::TransientError(error) => self.warn("reading failed, retrying", error),
            Notice::Gap(error) => self.warn("messages were removed before they were read", error),
            Notice::Warning(error) => remarks.warning(&error.to_string()),
            Notice::BreakerOpened(_) => remarks.warning(&format!(
                "nearly every event fails: handling one at a time (pf dlq stats --group {})",
                self.group
            )),
            Notice::BreakerClosed => remarks.remark("events succeed again: handling all"),
            Notice::Draining(0) => {}
            Notice::Draining(runs) => {
                let runs = counted(runs as u64, "run", "runs");
                remarks.remark(&format!("waiting for {runs} to finish"));
            }
            _ => {}
        }
    }
}

fn retry(delivery: &Delivery, after: Duration, failure: &Failure) -> String {
    let after = humantime::format_duration(Duration::from_millis(
        u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
    ));
    format!(
        "attempt {} of {} failed, retrying in {after}: {}",
        delivery.attempts.attempt(),
        name(delivery),
        failure.message
    )
}

/// Returns the event's type and id; of a message that is not a CloudEvent, its topic and position.
fn name(delivery: &Delivery) -> String {
    let message = &delivery.stored.message;
    match Envelope::read(message) {
        Ok(envelope) => format!("{} {}", envelope.ty, envelope.id),
        Err(_) => format!("{} at {}", message.topic, delivery.stored.position),
    }
}

/// Returns the summary of a consumer on one line.
pub fn summary(summary: &Summary) -> String {
    let parts = [
        (summary.skipped, "skipped", "skipped"),
        (summary.retried, "retry", "retries"),
        (summary.dead_lettered, "dead letter", "dead letters"),
        (summary.returned, "given back", "given back"),
    ];
    let mut text = counted(summary.acked, "handled", "handled");
    for (number, one, many) in parts {
        if number > 0 {
            text += ", ";
            text += &counted(number, one, many);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_lists_the_counts() {
        let mut done = Summary {
            acked: 3,
            ..Summary::default()
        };
        assert_eq!(summary(&done), "3 handled");
        done.retried = 2;
        done.dead_lettered = 1;
        assert_eq!(summary(&done), "3 handled, 2 retries, 1 dead letter");
    }
}
