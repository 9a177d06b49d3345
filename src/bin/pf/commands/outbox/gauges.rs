//! The state of an outbox as metrics, read now and then.

use std::time::Duration;

use metrics::{Unit, gauge};
use protoflow::outbox::{Outbox, OutboxStatus};
use tokio::time::{Instant, sleep};

/// Rows that are to be published now, ...
const PENDING: &str = "protoflow.outbox.pending";
/// ... and the age of the oldest.
const OLDEST: &str = "protoflow.outbox.oldest.age";
const DELAYED: &str = "protoflow.outbox.delayed";
const REFUSED: &str = "protoflow.outbox.refused";
const PARKED: &str = "protoflow.outbox.parked";
const PUBLISHED: &str = "protoflow.outbox.published";

/// The most of the time that reading may take: where it is slow, it is done less often.
const SHARE: u32 = 50;

/// Shows the state until dropped; while the database does not answer, nothing is a number.
pub async fn show(outbox: Outbox, every: Duration) {
    describe();
    loop {
        let asked = Instant::now();
        match outbox.status().await {
            Ok(status) => set(&status),
            Err(error) => {
                tracing::warn!(%error, "the state of the outbox is not known");
                for name in [PENDING, OLDEST, DELAYED, REFUSED, PARKED] {
                    gauge!(name).set(f64::NAN);
                }
            }
        }
        sleep(every.max(asked.elapsed() * SHARE)).await;
    }
}

fn set(status: &OutboxStatus) {
    for (name, rows) in [
        (PENDING, status.pending),
        (DELAYED, status.delayed),
        (REFUSED, status.refused),
        (PARKED, status.parked),
    ] {
        gauge!(name).set(f64::from(u32::try_from(rows).unwrap_or(u32::MAX)));
    }
    let oldest = status.oldest.unwrap_or_default();
    gauge!(OLDEST).set(oldest.as_secs_f64());
}

fn describe() {
    metrics::describe_gauge!(
        PENDING,
        Unit::Count,
        "Rows of the outbox to be published now"
    );
    metrics::describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest of them");
    metrics::describe_gauge!(DELAYED, Unit::Count, "Rows to be published later");
    metrics::describe_gauge!(
        REFUSED,
        Unit::Count,
        "Rows that the target refused, and that hold up their keys"
    );
    metrics::describe_gauge!(PARKED, Unit::Count, "Rows that are parked");
    metrics::describe_counter!(
        PUBLISHED,
        Unit::Count,
        "Rows that this process has published"
    );
}
