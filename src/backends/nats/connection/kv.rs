//! Values by name in the stream beside the user's: read from its leader, written against what was read.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{confirmed_publish::RIDE_OUT, handle::Link},
        error::{Refusal, WRONG_LAST_SEQUENCE, error},
    },
    transport::{ErrorKind, Result},
};

/// The pause before something is sent again.
const PAUSE: Duration = Duration::from_millis(250);

/// A value and the number under which it was written.
#[derive(Debug)]
pub(crate) struct Written<T> {
    pub(crate) value: T,
    pub(crate) number: u64,
    /// When the server stored it.
    pub(crate) time: std::time::SystemTime,
}

impl Link {
    /// Reads a value of ours.
    pub(crate) async fn value<T: DeserializeOwned>(
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

    /// Writes a value if the last one still is the one of that number (0: none), for a time if there is one. Where no
    /// answer comes, what stands there tells.
    pub(crate) async fn set_value<T: Serialize>(
        &self,
        (stream, subject): (&str, &str),
        value: &T,
        last: u64,
        seconds: Option<u64>,
    ) -> Result<u64, Refusal> {
        let mut map = HeaderMap::new();
        map.insert("Nats-Expected-Last-Subject-Sequence", last.to_string());
        map.insert(headers::EXPECTED_STREAM, stream);
        if let Some(seconds) = seconds {
            map.insert("Nats-TTL", format!("{seconds}s"));
        }
        let payload = Bytes::from(headers::json(value).map_err(Refusal::Lost)?);
        let until = Instant::now() + RIDE_OUT;
        loop {
            let put = self.put(subject.to_owned(), map.clone(), payload.clone());
            let refusal = match put.await {
                Ok(number) => return Ok(number),
                Err(refusal) => refusal,
            };
            match self
                .what_became(&refusal, (stream, subject), &payload, last)
                .await?
            {
                Became::Stored(number) => return Ok(number),
                Became::Unsent if Instant::now() < until => sleep(PAUSE).await,
                _ => return Err(refusal),
            }
        }
    }

    /// Looks whether something that failed was stored nevertheless.
    pub(crate) async fn what_became(
        &self,
        refusal: &Refusal,
        (stream, subject): (&str, &str),
        payload: &[u8],
        last: u64,
    ) -> Result<Became, Refusal> {
        if !refusal.may_pass() && !refusal.is(WRONG_LAST_SEQUENCE) {
            return Ok(Became::Refused);
        }
        self.wait_for_connection(Instant::now() + RIDE_OUT).await;
        let found = self.last(stream, subject).await.map_err(Refusal::Lost)?;
        Ok(match found {
            Some(found) if found.number > last && found.payload == payload => {
                Became::Stored(found.number)
            }
            _ if refusal.is(WRONG_LAST_SEQUENCE) => Became::Refused,
            _ => Became::Unsent,
        })
    }
}

/// What became of a write that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// It is stored under this number.
    Stored(u64),
    /// It was not stored, and may be sent again.
    Unsent,
    /// It was refused for good.
    Refused,
}
