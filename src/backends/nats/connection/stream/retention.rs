//! Whether a stream keeps what it confirms.
//!
//! A confirmation says that the server accepted a message, not that it is kept: a stream with interest retention drops at
//! once what no consumer covers, and a message that alone exceeds `max_bytes` is dropped together with all before it. The
//! server confirms both like any other message, so the settings have to be read: beside a publish, which does not wait
//! for that, and before a replay, which deletes the dead letters that it publishes.

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::{
            consumer::{self, ConsumerInfo},
            handle::Connection,
            names::{self, Names, is_reader_consumer},
            stream::info::StreamInfo,
        },
        error::error,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// The bytes that a stored message takes besides its subject, headers and payload.
const OVERHEAD: usize = 16;

/// Which of the messages that a stream confirms it keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retention {
    stream: String,
    /// The filters of consumers, where the stream keeps nothing else.
    interest: Option<Vec<String>>,
    /// Whether messages are stored under other subjects than they were published to.
    transforms_subjects: bool,
    /// Larger messages are dropped at once.
    max_bytes: Option<usize>,
    /// Whether nothing is confirmed.
    no_ack: bool,
}

impl Retention {
    /// Reads the settings of a stream, and the filters of its consumers if it keeps nothing else.
    pub(crate) async fn of(connection: &Connection, info: &StreamInfo) -> Result<Self> {
        let config = &info.config;
        let interest = match config.retention.as_str() {
            "interest" if info.state.consumer_count == 0 => Some(Vec::new()),
            "interest" => Some(consumer_filters(connection, &config.name).await?),
            _ => None,
        };
        let max_bytes = usize::try_from(config.max_bytes).ok();
        Ok(Self {
            stream: config.name.clone(),
            interest,
            transforms_subjects: config.subject_transform.is_some(),
            max_bytes: max_bytes.filter(|max| *max > 0 && config.discard == "old"),
            no_ack: config.no_ack,
        })
    }

    /// Reports whether the settings could not be read.
    pub(crate) fn is_unknown(&self) -> bool {
        self.stream.is_empty()
    }

    /// Reports whether the stream keeps only what a consumer covers.
    pub(crate) fn needs_consumer(&self) -> bool {
        self.interest.is_some()
    }

    /// Returns that the stream confirms nothing, if so.
    pub(crate) fn unconfirmed(&self) -> Option<TransportError> {
        let stream = &self.stream;
        self.no_ack.then(|| {
            let message = format!("the stream `{stream}` does not confirm what is published");
            error(ErrorKind::Configuration, message).hint("`pf doctor --fix` makes it confirm")
        })
    }

    /// Returns why a message of this size would be dropped at once, if so.
    pub(crate) fn too_large(&self, bytes: usize) -> Option<TransportError> {
        let (stream, max) = (&self.stream, self.max_bytes?);
        (bytes + OVERHEAD > max).then(|| {
            let message = format!(
                "the stream `{stream}` confirms a message of {bytes} bytes and drops it at once: it keeps at most {max} bytes"
            );
            error(ErrorKind::TooLarge, message).hint("raise the stream's `max_bytes`")
        })
    }

    /// Returns why a message would be dropped because no consumer covers it, if so.
    pub(crate) fn without_consumer(&self, names: &Names, subject: &str) -> Option<TransportError> {
        let (stream, interest) = (&self.stream, self.interest.as_ref()?);
        if self.transforms_subjects && !interest.is_empty() {
            let message = format!(
                "the stream `{stream}` keeps only what a consumer covers, and stores `{subject}` under another subject: whether it is kept is unknown"
            );
            return Some(error(ErrorKind::NotFound, message));
        }
        if interest.iter().any(|filter| names::covers(filter, subject)) {
            return None;
        }
        let message = format!(
            "no consumer covers `{subject}`: the stream `{stream}` keeps only what a consumer covers, and drops the event"
        );
        let hint = format!("`{}` creates a consumer", names.consume_command(subject));
        Some(error(ErrorKind::NotFound, message).hint(hint))
    }

    /// Returns why a message would not be kept, if so.
    pub(crate) fn objection(
        &self,
        names: &Names,
        subject: &str,
        bytes: usize,
    ) -> Option<TransportError> {
        let whole = self.unconfirmed().or_else(|| self.too_large(bytes));
        whole.or_else(|| self.without_consumer(names, subject))
    }

    /// Returns the subjects of the stream that consumers do not cover completely.
    pub(crate) fn uncovered_subjects<'a>(&self, info: &'a StreamInfo) -> Vec<&'a str> {
        let Some(interest) = &self.interest else {
            return Vec::new();
        };
        let is_read = |subject: &str| interest.iter().any(|filter| names::covers(filter, subject));
        let subjects = info.config.subjects.iter().map(String::as_str);
        let topics = subjects.filter(|subject| !subject.starts_with("_pf."));
        topics.filter(|subject| !is_read(subject)).collect()
    }
}

/// Asks for the filters of consumers, except those of readers without a group.
async fn consumer_filters(connection: &Connection, stream: &str) -> Result<Vec<String>> {
    let consumers = consumers(connection, stream).await?.into_iter();
    let consumers = consumers.filter(|consumer| !is_reader_consumer(&consumer.name));
    Ok(consumers.flat_map(|consumer| consumer.filters()).collect())
}

/// Asks for all consumers of a stream.
pub(crate) async fn consumers(connection: &Connection, stream: &str) -> Result<Vec<ConsumerInfo>> {
    let (mut consumers, mut offset) = (Vec::new(), 0);
    loop {
        let verb = format!("CONSUMER.LIST.{stream}");
        let answer = connection.api(verb, &json!({"offset": offset})).await;
        let answer = answer.map_err(TransportError::from)?;
        let page = answer.get("consumers").and_then(Value::as_array);
        let page = page.map(Vec::as_slice).unwrap_or_default();
        for consumer in page {
            consumers.push(consumer::parse(consumer.clone())?);
        }
        offset += page.len() as u64;
        let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
        if page.is_empty() || offset >= total {
            return Ok(consumers);
        }
    }
}
