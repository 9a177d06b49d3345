//! Delayed events: messages in the user's stream that the server publishes to their topic when they are due.
//!
//! A schedule has a subject of its own, under which the stream holds one message: to cancel is to purge the subject, to
//! reschedule is to replace the message under the condition that it is still the same one.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::HeaderMap;
use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    backends::nats::{
        codec::{headers, timestamp::rfc3339},
        connection::{
            confirmed_publish::{self, RawMessage},
            direct_get::{self, Query},
            handle::Connection,
            stream::info::{self, StreamInfo},
        },
        error::{WRONG_LAST_SEQUENCE, error},
        read::{
            pull::Received,
            scope::{ReadScope, StartAt},
            topic_reader::TopicReader,
        },
    },
    event::Message,
    transport::{ErrorKind, Result, Schedule, ScheduleId, ScheduleScan},
};

/// Starts to read the pending schedules, in the order in which they were accepted.
pub(crate) async fn scan(connection: &Arc<Connection>) -> Result<Box<dyn ScheduleScan>> {
    let names = &connection.names;
    let info = info::find(connection, &names.stream).await?;
    let info = info.filter(|info| info.covers(&names.internal_wildcard()));
    let reader = match info {
        Some(info) => {
            let filters = vec![names.schedule_subject("*")];
            let scope = ReadScope::once(names.stream.clone(), filters, StartAt::Sequence(1));
            Some(TopicReader::open(connection, scope, &info).await?)
        }
        None => None,
    };
    Ok(Box::new(NatsScheduleScan {
        connection: Arc::clone(connection),
        reader,
    }))
}

/// Cancels a schedule and reports whether it was pending.
pub(crate) async fn cancel(connection: &Connection, id: &ScheduleId) -> Result<bool> {
    let subject = connection.names.schedule_subject(&checked(id)?);
    Ok(connection.purge(&connection.names.stream, &subject).await? > 0)
}

/// Moves a schedule to another time and reports whether it was pending.
pub(crate) async fn reschedule(
    connection: &Connection,
    id: &ScheduleId,
    due: SystemTime,
) -> Result<bool> {
    check_delay(connection, due, &info::require(connection).await?)?;
    let (stream, subject) = (
        &connection.names.stream,
        connection.names.schedule_subject(&checked(id)?),
    );
    let last = direct_get::from_leader(connection, stream, Query::Last(&subject)).await?;
    let Some(last) = last else {
        return Ok(false);
    };
    let mut map = HeaderMap::new();
    for (name, values) in last.headers.iter() {
        let name: &str = name.as_ref();
        if !name.starts_with("Nats-") || name == "Nats-Schedule-Target" {
            for value in values {
                map.append(name, value.clone());
            }
        }
    }
    map.insert("Nats-Schedule", at(due.max(SystemTime::now())));
    map.insert(headers::EXPECTED_STREAM, stream.as_str());
    map.insert(
        "Nats-Expected-Last-Subject-Sequence",
        last.sequence.to_string(),
    );
    let message = RawMessage {
        subject,
        headers: map,
        payload: last.payload,
    };
    match confirmed_publish::publish(connection, &message).await {
        Ok(_) => Ok(true),
        Err(refused) if refused.has_code(WRONG_LAST_SEQUENCE) => Ok(false),
        Err(failed) => Err(failed.into()),
    }
}

fn checked(id: &ScheduleId) -> Result<String> {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_name(&id.0) {
        return Ok(id.0.clone());
    }
    let message = format!("`{id}` is not a valid schedule id");
    Err(error(ErrorKind::NotFound, message))
}

/// An open read of the schedules that were pending when it started; none where the stream cannot have any.
struct NatsScheduleScan {
    connection: Arc<Connection>,
    reader: Option<TopicReader>,
}

#[async_trait]
impl ScheduleScan for NatsScheduleScan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        let Some(reader) = &mut self.reader else {
            return Ok(Vec::new());
        };
        loop {
            let received = reader.take(max.max(1)).await?;
            let is_end = received.is_empty();
            let decode = |one: Received| {
                let headers = one.headers?;
                decode(&self.connection, &one.subject, &headers, one.payload)
            };
            let schedules: Vec<_> = received.into_iter().filter_map(decode).collect();
            if is_end || !schedules.is_empty() {
                return Ok(schedules);
            }
        }
    }
}

fn decode(
    connection: &Connection,
    subject: &str,
    map: &HeaderMap,
    payload: Bytes,
) -> Option<Schedule> {
    let id = subject.rsplit('.').next()?.to_owned();
    let due = map.get("Nats-Schedule")?.as_str().strip_prefix("@at ")?;
    let due = chrono::DateTime::parse_from_rfc3339(due).ok()?;
    let topic = connection
        .names
        .topic(map.get("Nats-Schedule-Target")?.as_str())?;
    let message: Message = headers::read(topic, Some(map), payload);
    Some(Schedule {
        id: ScheduleId(id),
        due: due.into(),
        message,
    })
}

/// Refuses a delay that the stream cannot keep.
pub(crate) fn check_delay(
    connection: &Connection,
    due: SystemTime,
    info: &StreamInfo,
) -> Result<()> {
    if let Some(reason) = info.delay_obstacle(&connection.names.internal_wildcard()) {
        let stream = &info.config.name;
        let message = format!("{reason}: `{stream}` cannot keep a delay");
        let hint = match info.too_old {
            Some(_) => info.fix_hint().to_owned(),
            None => format!("{}; allowing schedules cannot be undone", info.fix_hint()),
        };
        return Err(error(ErrorKind::Unsupported, message).hint(hint));
    }
    let delay = due.duration_since(SystemTime::now()).unwrap_or_default();
    match info.longest_delay() {
        Some(longest) if delay > longest => {
            let message = format!(
                "the stream drops events after {}, before this one is due",
                humantime::format_duration(Duration::from_nanos(info.config.max_age))
            );
            Err(error(ErrorKind::Unsupported, message).hint("raise the stream's `max_age`"))
        }
        _ => Ok(()),
    }
}

/// Returns a time in the syntax of schedules.
pub(crate) fn at(due: SystemTime) -> String {
    format!("@at {}", rfc3339(due))
}
