//! Buffering delivered messages, with the record of their failed runs, and not before they are due.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use crate::{
    backends::{
        delivery_buffer::Fetched,
        nats::{
            codec::headers,
            consume::{
                attempts::{self, AttemptRecord},
                session::Session,
                state::{AckHandle, Handle},
            },
            read::{pull::Received, stored},
        },
    },
    event::Headers,
    transport::{Attempts, Lineage, Result},
};

/// A retry that is delivered at most this early waits here; an earlier one is held back by the server again.
const MAX_EARLY: Duration = Duration::from_millis(20);
/// How long a message whose subject does not map to a topic is held back.
const UNMAPPED_DELAY: Duration = Duration::from_mins(1);

/// Returns the handle by which a delivery is acknowledged.
pub(crate) fn ack_handle(received: &Received) -> AckHandle {
    AckHandle {
        reply: received.reply.clone(),
        sequence: received.stream_sequence,
    }
}

/// Reports whether a message came without its payload, as a consumer with `headers_only` delivers it.
pub(crate) fn is_without_payload(received: &Received) -> bool {
    let size = || headers::find(received.headers.as_ref()?, "Nats-Msg-Size");
    received.payload.is_empty() && size().is_some_and(|size| size != "0")
}

/// Reads the records of messages that were delivered before, in order.
pub(crate) async fn attempt_records(
    session: &Session,
    received: &[Received],
) -> Vec<Result<Option<AttemptRecord>>> {
    let redelivered = received.iter().filter(|one| one.delivered > 1);
    let sequences: Vec<u64> = redelivered.map(|one| one.stream_sequence).collect();
    if sequences.is_empty() {
        return Vec::new();
    }
    stream::iter(sequences)
        .map(|sequence| attempts::read(&session.connection, &session.consumer, sequence))
        .buffered(64)
        .collect()
        .await
}

/// Buffers messages, and holds back those that are not due yet.
pub(crate) async fn buffer(
    session: &Session,
    received: Vec<Received>,
    records: Vec<Result<Option<AttemptRecord>>>,
) -> Result<()> {
    let mut records = records.into_iter();
    let (mut due, mut held_back) = (Vec::with_capacity(received.len()), Vec::new());
    let (mut result, mut wait, now) = (Ok(()), Duration::ZERO, Instant::now());
    for one in received {
        let record = if one.delivered > 1 {
            records.next()
        } else {
            None
        };
        let record = match record.transpose() {
            Ok(record) => record.flatten(),
            Err(failed) => {
                result = Err(failed);
                continue;
            }
        };
        let lineage = headers::read_lineage(one.headers.as_ref());
        let delay = remaining_delay(&one, record.as_ref(), lineage.is_some());
        if delay > MAX_EARLY {
            held_back.push((ack_handle(&one), delay));
            continue;
        }
        wait = wait.max(delay);
        let known = Known {
            record,
            lineage,
            since: now,
        };
        match decode(session, one, known) {
            Ok(fetched) => due.push(fetched),
            Err(handle) => {
                tracing::warn!(
                    position = handle.sequence,
                    "subject does not map to a topic; message skipped"
                );
                held_back.push((handle, UNMAPPED_DELAY));
            }
        }
    }
    if !wait.is_zero() {
        sleep(wait).await;
    }
    add(session, due);
    for (handle, delay) in held_back {
        session.hold_back(&handle, delay).await?;
    }
    result
}

fn add(session: &Session, due: Vec<Fetched<Handle>>) {
    let mut state = session.state();
    for fetched in due {
        state.retrying.remove(&fetched.handle.ack.sequence);
        state.deliveries.admit(fetched);
    }
    drop(state);
    session.delivered.notify_waiters();
}

/// What is known of a message besides its delivery.
struct Known {
    record: Option<AttemptRecord>,
    lineage: Option<Box<Lineage>>,
    since: Instant,
}

fn decode(
    session: &Session,
    received: Received,
    known: Known,
) -> std::result::Result<Fetched<Handle>, AckHandle> {
    let ack = ack_handle(&received);
    let Some(topic) = session.connection.names.topic(&received.subject) else {
        return Err(ack);
    };
    let stored = stored::with_topic(topic, received);
    let lineage = known.lineage;
    let (attempts, past) = match known.record {
        Some(record) => (record.attempts(), record.past),
        None if lineage.is_none() => (go_attempts(&stored.message.headers), Vec::new()),
        None => (Attempts::default(), Vec::new()),
    };
    let handle = Handle {
        ack,
        past,
        since: known.since,
    };
    Ok(Fetched {
        stored,
        attempts,
        lineage,
        handle,
    })
}

/// Returns how long a message still has to wait: for its next run, or as its publisher asked.
fn remaining_delay(
    received: &Received,
    record: Option<&AttemptRecord>,
    is_replayed: bool,
) -> Duration {
    match record {
        Some(record) => record.remaining_delay(),
        None if !is_replayed => go_delay(received.headers.as_ref()),
        None => Duration::ZERO,
    }
}

/// Returns how long the consumers of the Go library would still hold a message back: it stores delayed events at once.
fn go_delay(headers: Option<&HeaderMap>) -> Duration {
    let until = headers.and_then(|map| headers::find(map, "pf_delay_until")?.parse().ok());
    let until =
        until.and_then(|until| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(until)));
    let delay = until.and_then(|until| until.duration_since(SystemTime::now()).ok());
    delay.unwrap_or_default()
}

/// Returns the attempts that the Go library made: it stores an event again with their number.
fn go_attempts(headers: &Headers) -> Attempts {
    let failed = headers
        .text("pf_attempt")
        .and_then(|text| text.parse().ok());
    Attempts {
        failed: failed.unwrap_or(0),
        ..Attempts::default()
    }
}
