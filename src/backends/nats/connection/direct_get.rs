//! Single messages, read by sequence or subject without a consumer.
//!
//! The leader of the stream knows every message that was confirmed; a replica, which answers a direct get, may lack the
//! last ones. What is compared or written back is read from the leader, what only has to be found is not.

use std::{str::FromStr as _, time::SystemTime};

use async_nats::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    backends::nats::{
        connection::handle::Connection,
        error::{ApiError, NO_MESSAGE, NO_STREAM, error},
    },
    transport::{ErrorKind, Result},
};

/// Which message to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Query<'a> {
    /// The message with this sequence.
    Sequence(u64),
    /// The last message of a subject.
    Last(&'a str),
    /// The first message from a sequence on that a filter matches.
    Next {
        /// The sequence.
        from: u64,
        /// The filter.
        filter: &'a str,
    },
}

impl Query<'_> {
    fn body(self) -> Value {
        match self {
            Self::Sequence(sequence) => json!({"seq": sequence}),
            Self::Last(subject) => json!({"last_by_subj": subject}),
            Self::Next { from, filter } => json!({"seq": from, "next_by_subj": filter}),
        }
    }
}

/// A message as it is stored in a stream.
#[derive(Debug)]
pub(crate) struct StoredMessage {
    pub(crate) subject: String,
    pub(crate) sequence: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    /// When the server stored it.
    pub(crate) time: SystemTime,
}

/// Reads a message from the leader of the stream.
pub(crate) async fn from_leader(
    connection: &Connection,
    stream: &str,
    query: Query<'_>,
) -> Result<Option<StoredMessage>> {
    let verb = format!("STREAM.MSG.GET.{stream}");
    match connection.api(verb, &query.body()).await {
        Ok(answer) => decode(&answer)
            .map(Some)
            .ok_or_else(|| error(ErrorKind::Other, "unexpected STREAM.MSG.GET response")),
        Err(refused) if refused.has_code(NO_MESSAGE) || refused.has_code(NO_STREAM) => Ok(None),
        Err(failed) => Err(failed.into()),
    }
}

/// Reads a message from any replica of the stream.
pub(crate) async fn from_any_replica(
    connection: &Connection,
    stream: &str,
    query: Query<'_>,
) -> Result<Option<async_nats::Message>> {
    let subject = connection.api_subject(&format!("DIRECT.GET.{stream}"));
    let body = Bytes::from(query.body().to_string());
    let found = connection.ride_out(|| async {
        let answer = connection.client.request(subject.clone(), body.clone());
        connection.answer(&subject, answer).await
    });
    let found = found.await?;
    match found.status {
        None => Ok(Some(found)),
        Some(StatusCode::NOT_FOUND) => Ok(None),
        Some(status) => {
            let message = format!("a message could not be read: {status}");
            Err(error(ErrorKind::Other, message))
        }
    }
}

/// How many subjects are asked for at once.
const SUBJECTS: usize = 512;
/// The end of several answers.
const END: u16 = 204;

/// Reads the last message of each of these subjects, where there is one, from any replica of the stream.
pub(crate) async fn last_of_each(
    connection: &Connection,
    stream: &str,
    subjects: &[String],
) -> Result<Vec<StoredMessage>> {
    let mut found = Vec::new();
    for subjects in subjects.chunks(SUBJECTS) {
        let some = connection.ride_out(|| last_of_some(connection, stream, subjects));
        found.extend(some.await?);
    }
    Ok(found)
}

async fn last_of_some(
    connection: &Connection,
    stream: &str,
    subjects: &[String],
) -> Result<Vec<StoredMessage>, ApiError> {
    let client = &connection.client;
    let lost = || {
        let message = "the server did not answer";
        ApiError::Unanswered(error(ErrorKind::Unavailable, message))
    };
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|_| lost())?;
    let body = json!({"multi_last": subjects, "batch": subjects.len()}).to_string();
    let subject = connection.api_subject(&format!("DIRECT.GET.{stream}"));
    let asked = client.publish_with_reply(subject, inbox, body.into()).await;
    asked.map_err(|_| lost())?;
    let mut found = Vec::with_capacity(subjects.len());
    loop {
        let next = timeout(connection.timeout, answers.next()).await;
        let Some(message) = next.map_err(|_| lost())? else {
            return Err(lost());
        };
        match message.status {
            None => found.extend(direct(message)),
            Some(status) if status == StatusCode::NOT_FOUND || status.as_u16() == END => {
                return Ok(found);
            }
            Some(StatusCode::NO_RESPONDERS) => return Err(lost()),
            Some(status) => {
                let message = format!("messages could not be read: {status}");
                return Err(ApiError::NotStored(error(ErrorKind::Other, message)));
            }
        }
    }
}

/// Reads the answer to a direct get.
fn direct(message: async_nats::Message) -> Option<StoredMessage> {
    let headers = message.headers?;
    let text = |name: &str| headers.get(name).map(HeaderValue::as_str);
    let time = chrono::DateTime::parse_from_rfc3339(text("Nats-Time-Stamp")?).ok()?;
    Some(StoredMessage {
        subject: text("Nats-Subject")?.to_owned(),
        sequence: text("Nats-Sequence")?.parse().ok()?,
        time: SystemTime::from(time),
        payload: message.payload,
        headers,
    })
}

/// Asks the leader of a stream whether it holds, in a range of sequences, a message that a filter matches and that was
/// stored at a time that is admitted. The replica that serves a consumer may lack what was just confirmed.
pub(crate) async fn leader_holds(
    connection: &Connection,
    stream: &str,
    filters: &[String],
    range: std::ops::RangeInclusive<u64>,
    admits: impl Fn(SystemTime) -> bool,
) -> Result<bool> {
    let all = [">".to_owned()];
    let filters = if filters.is_empty() { &all } else { filters };
    for filter in filters.iter().filter(|_| !range.is_empty()) {
        let from = *range.start();
        match from_leader(connection, stream, Query::Next { from, filter }).await {
            Ok(Some(found)) if found.sequence <= *range.end() && admits(found.time) => {
                return Ok(true);
            }
            // A user who may not ask the leader has to trust the replica.
            Ok(_) => {}
            Err(failed) if failed.kind() == ErrorKind::Denied => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(false)
}

fn decode(answer: &Value) -> Option<StoredMessage> {
    let message = answer.get("message")?;
    let bytes = |name: &str| match message.get(name).and_then(Value::as_str) {
        Some(text) => STANDARD.decode(text).ok(),
        None => Some(Vec::new()),
    };
    let time = message.get("time")?.as_str()?;
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?;
    Some(StoredMessage {
        subject: message.get("subject")?.as_str()?.to_owned(),
        sequence: message.get("seq")?.as_u64()?,
        headers: headers(&String::from_utf8(bytes("hdrs")?).ok()?),
        payload: bytes("data")?.into(),
        time: SystemTime::from(time),
    })
}

fn headers(text: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in text.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_str(name),
            HeaderValue::from_str(value.trim()),
        ) {
            map.append(name, value);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_line_by_line() {
        let map = headers("NATS/1.0\r\na: 1\r\na:2\r\nb: x:y\r\n\r\n");
        let values: Vec<_> = map.get_all("a").map(HeaderValue::as_str).collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!(map.get("b").map(HeaderValue::as_str), Some("x:y"));
    }
}
