//! Events and a guarded record in one atomic batch: all of it is stored, or nothing.
//!
//! The record is the last message of its subject, and names the revision that it replaces. A batch that is sent twice, or by
//! a process that was fenced, names an old one and fails as a whole.

use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish::{self, RawMessage},
            handle::Connection,
            kv::{self, Key, WriteOutcome},
            retry::{self, Attempt, RIDE_OUT},
        },
        error::{ApiError, BATCH_INCOMPLETE, error},
    },
    transport::ErrorKind,
};

/// How often a batch with a missing message is sent again.
const MAX_INCOMPLETE: u32 = 8;

/// Commits events and a record in the user's stream, and returns the revision of the record. If no answer comes, the record
/// tells whether the batch was committed.
pub(crate) async fn commit(
    connection: &Connection,
    events: &[RawMessage],
    (key, payload): (&Key, &Bytes),
    revision: u64,
) -> Result<u64, ApiError> {
    let mut incomplete = 0;
    retry::attempts(Instant::now() + RIDE_OUT, |last: Option<ApiError>| {
        let was_incomplete = last.is_some_and(|last| last.has_code(BATCH_INCOMPLETE));
        incomplete += u32::from(was_incomplete);
        let may_be_incomplete = incomplete < MAX_INCOMPLETE;
        async move {
            let failed = match commit_once(connection, events, key, payload, revision).await {
                Ok(revision) => return Attempt::Final(Ok(revision)),
                // The leader changed within the batch: the new one did not see its beginning.
                Err(failed) if failed.has_code(BATCH_INCOMPLETE) && may_be_incomplete => {
                    return Attempt::Again(failed);
                }
                Err(failed) => failed,
            };
            match kv::resolve_unknown_write(connection, &failed, key, payload, revision).await {
                Err(failed) => Attempt::Final(Err(failed)),
                Ok(WriteOutcome::Stored(revision)) => Attempt::Final(Ok(revision)),
                Ok(WriteOutcome::NotStored) => Attempt::Again(failed),
                Ok(WriteOutcome::Refused) => Attempt::Final(Err(failed)),
            }
        }
    })
    .await
}

async fn commit_once(
    connection: &Connection,
    events: &[RawMessage],
    key: &Key,
    value: &Bytes,
    revision: u64,
) -> Result<u64, ApiError> {
    let mut guard = HeaderMap::new();
    guard.insert("Nats-Expected-Last-Subject-Sequence", revision.to_string());
    guard.insert(headers::EXPECTED_STREAM, connection.names.stream.as_str());
    let mut record = RawMessage {
        subject: key.subject.clone(),
        headers: guard,
        payload: value.clone(),
    };
    if events.is_empty() {
        return confirmed_publish::publish(connection, &record).await;
    }
    let (id, since) = (connection.id(), Instant::now());
    for (index, event) in events.iter().enumerate() {
        let mut headers = event.headers.clone();
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", (index + 1).to_string());
        let (subject, payload) = (event.subject.clone(), event.payload.clone());
        let sent = connection
            .client
            .publish_with_headers(subject, headers, payload);
        sent.await.map_err(|source| {
            let message = "a message of the batch cannot be sent";
            ApiError::Unanswered(error(ErrorKind::Invalid, message).because(source))
        })?;
    }
    record.headers.insert("Nats-Batch-Id", id.as_str());
    let last = (events.len() + 1).to_string();
    record.headers.insert("Nats-Batch-Sequence", last);
    record.headers.insert("Nats-Batch-Commit", "1");
    // Sent once: the messages before it are gone if no leader took them.
    let committed = confirmed_publish::publish_once(connection, record).await;
    // The server calls a batch incomplete as well if the user may not publish one of its messages.
    committed.map_err(|failed| {
        let mut subjects = events.iter().map(|event| &event.subject);
        let denied = subjects.find_map(|subject| connection.denials.of(subject, since));
        denied.map_or(failed, ApiError::Unanswered)
    })
}
