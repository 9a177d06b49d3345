//! Values by name, stored as the last message of a subject: read from the leader, and written against what was read.
//!
//! A write names the revision that it replaces, so that of two writers one fails. A write without an answer is resolved by
//! reading: payloads that are written by different processes differ, so that the own one is recognised.

use async_nats::HeaderMap;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish::{self, RawMessage},
            direct_get::{self, Query},
            handle::Connection,
            retry::{self, Attempt, RIDE_OUT, Transient as _},
        },
        error::{ApiError, WRONG_LAST_SEQUENCE, error},
    },
    transport::{ErrorKind, Result},
};

/// Where a value is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) stream: String,
    pub(crate) subject: String,
}

impl Key {
    /// Returns the key of a value in the state stream.
    pub(crate) fn in_state_stream(connection: &Connection, name: &str) -> Self {
        Self {
            stream: connection.names.state_stream(),
            subject: connection.names.state_subject(name),
        }
    }
}

/// A value with the revision that a later write has to name.
#[derive(Debug)]
pub(crate) struct Versioned<T> {
    pub(crate) value: T,
    pub(crate) revision: u64,
    /// When the server stored it.
    pub(crate) time: std::time::SystemTime,
}

/// Reads a value.
pub(crate) async fn get<T: DeserializeOwned>(
    connection: &Connection,
    key: &Key,
) -> Result<Option<Versioned<T>>> {
    let subject = &key.subject;
    let last = direct_get::from_leader(connection, &key.stream, Query::Last(subject)).await?;
    let Some(last) = last else {
        return Ok(None);
    };
    let value = serde_json::from_slice(&last.payload).map_err(|source| {
        let message = format!("the record at `{subject}` cannot be read");
        error(ErrorKind::Corrupt, message).because(source)
    })?;
    Ok(Some(Versioned {
        value,
        revision: last.sequence,
        time: last.time,
    }))
}

/// Reports whether there is a value.
pub(crate) async fn exists(connection: &Connection, key: &Key) -> Result<bool> {
    let last = Query::Last(&key.subject);
    let last = direct_get::from_leader(connection, &key.stream, last).await?;
    Ok(last.is_some())
}

/// Writes a value if the last revision still is this one (0: there is none), and returns the new revision.
pub(crate) async fn set<T: Serialize>(
    connection: &Connection,
    key: &Key,
    value: &T,
    revision: u64,
) -> Result<u64, ApiError> {
    write(connection, key, value, &guard(key, revision)).await
}

/// Does the same with a value that the server deletes after some seconds.
pub(crate) async fn set_expiring<T: Serialize>(
    connection: &Connection,
    key: &Key,
    value: &T,
    revision: u64,
    seconds: u64,
) -> Result<u64, ApiError> {
    let mut guard = guard(key, revision);
    guard.headers.insert("Nats-TTL", format!("{seconds}s"));
    write(connection, key, value, &guard).await
}

/// The condition under which a value is written.
struct Guard {
    revision: u64,
    headers: HeaderMap,
}

fn guard(key: &Key, revision: u64) -> Guard {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Subject-Sequence", revision.to_string());
    headers.insert(headers::EXPECTED_STREAM, key.stream.as_str());
    Guard { revision, headers }
}

async fn write<T: Serialize>(
    connection: &Connection,
    key: &Key,
    value: &T,
    guard: &Guard,
) -> Result<u64, ApiError> {
    let message = RawMessage {
        subject: key.subject.clone(),
        headers: guard.headers.clone(),
        payload: Bytes::from(headers::json(value).map_err(ApiError::Unanswered)?),
    };
    let (message, payload) = (&message, &message.payload);
    retry::attempts(Instant::now() + RIDE_OUT, |_| async move {
        let failed = match confirmed_publish::publish(connection, message).await {
            Ok(revision) => return Attempt::Final(Ok(revision)),
            Err(failed) => failed,
        };
        match resolve_unknown_write(connection, &failed, key, payload, guard.revision).await {
            Err(failed) => Attempt::Final(Err(failed)),
            Ok(WriteOutcome::Stored(revision)) => Attempt::Final(Ok(revision)),
            Ok(WriteOutcome::NotStored) => Attempt::Again(failed),
            Ok(WriteOutcome::Refused) => Attempt::Final(Err(failed)),
        }
    })
    .await
}

/// The outcome of a write that failed or got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// It is stored with this revision.
    Stored(u64),
    /// It was not stored and may be sent again.
    NotStored,
    /// It was refused for good.
    Refused,
}

/// Finds out whether a write that failed was stored nevertheless.
pub(crate) async fn resolve_unknown_write(
    connection: &Connection,
    failed: &ApiError,
    key: &Key,
    payload: &[u8],
    revision: u64,
) -> Result<WriteOutcome, ApiError> {
    let is_outrun = failed.has_code(WRONG_LAST_SEQUENCE);
    if !failed.is_transient() && !is_outrun {
        return Ok(WriteOutcome::Refused);
    }
    let deadline = Instant::now() + RIDE_OUT;
    connection.wait_until_connected(deadline).await;
    let last = Query::Last(&key.subject);
    let found = direct_get::from_leader(connection, &key.stream, last).await;
    Ok(match found.map_err(ApiError::Unanswered)? {
        Some(found) if found.sequence > revision && found.payload == payload => {
            WriteOutcome::Stored(found.sequence)
        }
        _ if is_outrun => WriteOutcome::Refused,
        _ => WriteOutcome::NotStored,
    })
}
