//! Values by name in the stream beside the user's: read from its leader, written against what was read.

use async_nats::HeaderMap;
use serde::{Serialize, de::DeserializeOwned};

use super::{connection::Link, error, errors::Refusal, headers};
use crate::transport::{ErrorKind, Result};

/// A value and the number under which it was written.
#[derive(Debug)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) number: u64,
    /// When the server stored it.
    pub(super) time: std::time::SystemTime,
}

impl Link {
    /// Reads a value of ours.
    pub(super) async fn value<T: DeserializeOwned>(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<Option<Written<T>>> {
        let Some(last) = self.last(stream, subject).await? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&last.payload).map_err(|source| {
            let message = format!("what stands under `{subject}` cannot be read");
            error(ErrorKind::Corrupt, message).because(source)
        })?;
        Ok(Some(Written {
            value,
            number: last.number,
            time: last.time,
        }))
    }

    /// Writes a value if the last one still is the one of that number (0: none), for a time if there is one.
    pub(super) async fn set_value<T: Serialize>(
        &self,
        subject: String,
        value: &T,
        last: u64,
        seconds: Option<u64>,
    ) -> Result<u64, Refusal> {
        let mut map = HeaderMap::new();
        map.insert("Nats-Expected-Last-Subject-Sequence", last.to_string());
        if let Some(seconds) = seconds {
            map.insert("Nats-TTL", format!("{seconds}s"));
        }
        let payload = headers::json(value).map_err(Refusal::Lost)?;
        self.put(subject, map, payload.into()).await
    }
}
