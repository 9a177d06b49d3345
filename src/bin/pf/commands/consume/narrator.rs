//! Notices of a consumer on stderr.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protoflow::{
    event::{Envelope, Group},
    runtime::{Notice, Observer, OpenBreaker, Summary},
    transport::{DeadLetterKind, Delivery, Failure, TransportError},
};

use crate::{
    metrics::Health,
    output::{Remarks, counted},
};

/// Prints failures and dead letters; events that succeed are only counted.
#[derive(Debug)]
pub struct Narrator {
    remarks: Remarks,
    group: Group,
    health: Arc<Health>,
    expired: AtomicBool,
    tombstone: AtomicBool,
}

impl Narrator {
    /// Creates a narrator, which also tells the state of health.
    pub fn new(remarks: Remarks, group: Group, health: Arc<Health>) -> Self {
        Self {
            remarks,
            group,
            health,
            expired: AtomicBool::new(false),
            tombstone: AtomicBool::new(false),
        }
    }

    /// Prints a remark that is made once per run, however many events it applies to.
    fn once(&self, said: &AtomicBool, remark: &str) {
        if !said.swap(true, Ordering::Relaxed) {
            self.remarks.remark(&format!("{remark} (reported once)"));
        }
    }

    fn opened(&self, open: &OpenBreaker) {
        let reaction = match open.next {
            Some(_) => "handling one at a time",
            None => "stopping",
        };
        let group = &self.group;
        self.remarks.warning(&format!(
            "nearly every event fails: {reaction} (pf dlq stats --group {group}); {open}"
        ));
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
            Notice::Expired(delivery, when) => {
                let remark = format!("skipped {}: {when}", name(delivery));
                self.once(&self.expired, &remark);
            }
            Notice::Tombstone(delivery) => {
                let remark = format!("skipped {}: a tombstone", name(delivery));
                self.once(&self.tombstone, &remark);
            }
            Notice::Retrying(delivery, after, failure) => {
                remarks.remark(&retry(delivery, after, failure));
            }
            Notice::DeadLettered(delivery, kind, failure) => {
                let remark = format!(
                    "dead letter {} ({kind}): {}",
                    name(delivery),
                    failure.message
                );
                match kind {
                    DeadLetterKind::Expired => self.once(&self.expired, &remark),
                    _ => remarks.remark(&remark),
                }
            }
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
            Notice::HeldElsewhere(held) => remarks.warning(&format!(
                "{held}; this run did not handle them"
            )),
            Notice::Warning(error) => remarks.warning(&error.to_string()),
            Notice::BreakerOpened(open) => self.opened(open),
            Notice::BreakerStaysOpen(open) => {
                remarks.warning(&format!("the event that was let through failed; {open}"));
            }
            Notice::BreakerClosed => remarks.remark("events succeed again: handling all"),
            Notice::Joined => self.health.set_working(true),
            Notice::Backlog(read) => self.health.set_answering(read.is_ok()),
            Notice::Draining(runs) => {
                self.health.set_working(false);
                if runs == 0 {
                    return;
                }
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
    let message = delivery.event_message();
    match Envelope::read(&message) {
        Ok(envelope) => format!("{} {}", envelope.ty, envelope.id),
        Err(_) => format!("{} at {}", message.topic, delivery.stored.position),
    }
}

/// Returns the summary of a consumer on one line.
pub fn summary(summary: &Summary) -> String {
    let held = summary.held_elsewhere.map_or(0, |held| held.count);
    let parts = [
        (summary.skipped, "skipped", "skipped"),
        (summary.filtered, "not matched", "not matched"),
        (summary.duplicates, "duplicate", "duplicates"),
        (summary.retried, "retry", "retries"),
        (summary.dead_lettered, "dead letter", "dead letters"),
        (summary.returned, "given back", "given back"),
        (held, "held elsewhere", "held elsewhere"),
        (
            summary.forgotten,
            "mark forgotten early",
            "marks forgotten early",
        ),
    ];
    // These are among those above.
    let causes = [
        (summary.expired, "expired", "expired"),
        (summary.tombstones, "tombstone", "tombstones"),
    ];
    let list = |parts: &[(u64, &str, &str)]| -> Vec<String> {
        let some = parts.iter().filter(|(number, ..)| *number > 0);
        some.map(|(number, one, many)| counted(*number, one, many))
            .collect()
    };
    let mut text = counted(summary.acked, "handled", "handled");
    for part in list(&parts) {
        text += ", ";
        text += &part;
    }
    match list(&causes) {
        causes if causes.is_empty() => text,
        causes => format!("{text} ({})", causes.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use protoflow::transport::HeldElsewhere;

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
        let left_out = Summary {
            skipped: 3,
            filtered: 5,
            duplicates: 4,
            expired: 1,
            tombstones: 2,
            ..Summary::default()
        };
        let text = "0 handled, 3 skipped, 5 not matched, 4 duplicates (1 expired, 2 tombstones)";
        assert_eq!(summary(&left_out), text);
        done.held_elsewhere = Some(HeldElsewhere {
            count: 5,
            until: None,
        });
        assert!(summary(&done).ends_with(", 5 held elsewhere"));
    }
}
