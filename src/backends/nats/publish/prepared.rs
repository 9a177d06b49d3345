//! Messages of a batch: prepared, sent and confirmed.

use std::time::SystemTime;

use async_nats::{HeaderMap, Subject};
use ulid::Ulid;

use crate::{
    backends::nats::{
        codec::headers::{self, EXPECTED_STREAM, MESSAGE_ID, PUBLISH},
        connection::{
            handle::Connection,
            retry::Transient as _,
            stream::info::{self, StreamInfo},
        },
        delay,
        error::{self, ApiError, SCHEME, error},
        publish::duplicates::Mark,
    },
    event::Message,
    transport::{ErrorKind, Outgoing, Receipt, Result, ScheduleId, TransportError},
};

/// A message as it is sent to the server.
#[derive(Debug)]
pub(crate) struct PreparedMessage {
    pub(crate) subject: Subject,
    pub(crate) message: Message,
    /// The id by which the server drops duplicates.
    id: String,
    /// The mark by which it is recognised if the id may be known from an earlier publish.
    mark: Option<String>,
    pub(crate) schedule: Option<ScheduledDelivery>,
    /// Encoded to be checked, and taken by the first attempt.
    pub(crate) encoded: Option<HeaderMap>,
    /// Whether an attempt got no answer, so that it may have been stored.
    pub(crate) outcome_unknown: bool,
}

/// When and to which subject the server delivers a scheduled message.
#[derive(Debug)]
pub(crate) struct ScheduledDelivery {
    pub(crate) id: ScheduleId,
    due: SystemTime,
    subject: Subject,
}

impl PreparedMessage {
    /// Returns the bytes that it takes, at least.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.encoded.as_ref().map_or(0, headers::size);
        self.subject.len() + headers + self.message.bytes().len()
    }

    /// Returns its mark as this attempt needs it.
    pub(crate) fn mark(&self) -> Option<Mark> {
        let value = self.mark.clone()?;
        Some(Mark {
            value,
            is_repeat: self.outcome_unknown,
        })
    }

    /// Encodes its headers.
    pub(crate) fn headers(&self, connection: &Connection) -> Result<HeaderMap> {
        let mut headers = if connection.broker_headers {
            headers::write_with_commands(&self.message)?
        } else {
            headers::write(&self.message)?
        };
        if headers.get(MESSAGE_ID).is_none() {
            headers.insert(MESSAGE_ID, self.id.as_str());
        }
        if let Some(mark) = &self.mark {
            headers.insert(PUBLISH, mark.as_str());
        }
        if headers.get(EXPECTED_STREAM).is_none() {
            headers.insert(EXPECTED_STREAM, connection.names.stream.as_str());
        }
        if let Some(schedule) = &self.schedule {
            headers.insert("Nats-Schedule", delay::at(schedule.due));
            headers.insert("Nats-Schedule-Target", schedule.subject.as_str());
        }
        Ok(headers)
    }
}

/// The progress of one message of a batch.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are pending, and a box for each would cost more"
)]
pub(crate) enum Progress {
    /// Not confirmed yet, and why the last attempt failed.
    Pending(PreparedMessage, Option<ApiError>),
    Done(Result<Receipt>),
}

/// Prepares the messages of a batch; one that cannot be published is done at once.
pub(crate) async fn prepare(connection: &Connection, batch: Vec<Outgoing>) -> Vec<Progress> {
    let now = SystemTime::now();
    let is_delayed = |outgoing: &Outgoing| outgoing.due.is_some_and(|due| due > now);
    let info = if batch.iter().any(is_delayed) {
        Some(info::require(connection).await)
    } else {
        None
    };
    let mut batch_progress = Vec::with_capacity(batch.len());
    for outgoing in batch {
        let due = outgoing.due.filter(|due| *due > now);
        let prepared = prepare_one(connection, outgoing).and_then(|message| match due {
            None => Ok(message),
            Some(due) => match &info {
                Some(Ok(info)) => delayed(connection, message, due, info),
                Some(Err(failed)) => Err(failed.clone()),
                None => Err(error(ErrorKind::Other, "the stream is unknown")),
            },
        });
        batch_progress.push(match prepared {
            Ok(message) => Progress::Pending(message, None),
            Err(failed) => Progress::Done(Err(failed)),
        });
    }
    batch_progress
}

fn prepare_one(connection: &Connection, outgoing: Outgoing) -> Result<PreparedMessage> {
    let key = outgoing.dedup_key(SCHEME, connection.dedup)?;
    let message = outgoing.message;
    let id = key.map_or_else(|| connection.id(), |key| key.to_string());
    // A header of the user may set the id too.
    let is_known =
        key.is_some() || connection.broker_headers && message.headers.text(MESSAGE_ID).is_some();
    let mut prepared = PreparedMessage {
        subject: connection.names.subject(&message.topic)?.into(),
        message,
        id,
        mark: is_known.then(|| connection.id()),
        schedule: None,
        encoded: None,
        outcome_unknown: false,
    };
    let headers = prepared.headers(connection)?;
    if prepared.message.bytes().len() + headers::size(&headers) > connection.client.max_payload() {
        return Err(error::too_large());
    }
    prepared.encoded = Some(headers);
    Ok(prepared)
}

/// Turns a message into a schedule, unless the stream cannot keep the delay.
fn delayed(
    connection: &Connection,
    mut message: PreparedMessage,
    due: SystemTime,
    info: &StreamInfo,
) -> Result<PreparedMessage> {
    delay::check_delay(connection, due, info)?;
    if !info.covers(&message.subject) {
        return Err(error::uncovered(&message.subject));
    }
    let id = Ulid::generate().to_string().to_lowercase();
    let subject = Subject::from(connection.names.schedule_subject(&id));
    message.schedule = Some(ScheduledDelivery {
        id: ScheduleId(id),
        due,
        subject: std::mem::replace(&mut message.subject, subject),
    });
    message.encoded = Some(message.headers(connection)?);
    Ok(message)
}

/// Returns the result of a message.
pub(crate) fn result(progress: Progress) -> Result<Receipt> {
    match progress {
        Progress::Done(result) => result,
        Progress::Pending(message, Some(failed))
            if message.outcome_unknown && failed.is_transient() =>
        {
            let message = "outcome unknown: the message may have been stored";
            Err(error(ErrorKind::Ambiguous, message).because(TransportError::from(failed)))
        }
        Progress::Pending(_, Some(failed)) => Err(failed.into()),
        Progress::Pending(_, None) => Err(error(ErrorKind::Other, "the message was not sent")),
    }
}
