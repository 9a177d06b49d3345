//! What waits for its time: messages in the stream that the server fires.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::HeaderMap;
use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{handle::Link, stream::info::Facts},
        error::{WRONG_LAST_SEQUENCE, error},
        read::stream_reader::{Begin, Reader, Scope, written},
    },
    event::Message,
    transport::{ErrorKind, Result, Schedule, ScheduleId, ScheduleScan},
};

/// Begins to read what is pending, in the order in which it was accepted.
pub(crate) async fn scan(link: &Arc<Link>) -> Result<Box<dyn ScheduleScan>> {
    let Some(facts) = link.find_stream(&link.names.stream).await? else {
        return Ok(Box::new(Scan(Arc::clone(link), None)));
    };
    if !facts.covers(&link.names.inner()) {
        return Ok(Box::new(Scan(Arc::clone(link), None)));
    }
    let scope = Scope::once(
        link.names.stream.clone(),
        vec![link.names.later("*")],
        Begin::At(1),
    );
    let reader = Reader::open(link, scope).await?;
    Ok(Box::new(Scan(Arc::clone(link), Some(reader))))
}

/// Ends a schedule; tells whether it was there.
pub(crate) async fn cancel(link: &Link, id: &ScheduleId) -> Result<bool> {
    let subject = link.names.later(&known(id)?);
    Ok(link.purge(&link.names.stream, &subject).await? > 0)
}

/// Gives a schedule another time; tells whether it was there.
pub(crate) async fn reschedule(link: &Link, id: &ScheduleId, due: SystemTime) -> Result<bool> {
    can_keep(link, due, &link.facts().await?)?;
    let subject = link.names.later(&known(id)?);
    let Some(last) = link.last(&link.names.stream, &subject).await? else {
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
    map.insert(headers::EXPECTED_STREAM, link.names.stream.as_str());
    map.insert(
        "Nats-Expected-Last-Subject-Sequence",
        last.number.to_string(),
    );
    match link.put(subject, map, last.payload).await {
        Ok(_) => Ok(true),
        Err(refusal) if refusal.is(WRONG_LAST_SEQUENCE) => Ok(false),
        Err(refusal) => Err(refusal.into()),
    }
}

fn known(id: &ScheduleId) -> Result<String> {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_name(&id.0) {
        return Ok(id.0.clone());
    }
    let message = format!("`{id}` is not the name of a schedule");
    Err(error(ErrorKind::NotFound, message))
}

/// What was pending when the scan began, in the order in which it was accepted.
struct Scan(Arc<Link>, Option<Reader>);

#[async_trait]
impl ScheduleScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        let Self(link, Some(reader)) = self else {
            return Ok(Vec::new());
        };
        loop {
            let arrived = reader.take(max.max(1)).await?;
            let end = arrived.is_empty();
            let read = |one: crate::backends::nats::read::pull::Arrived| {
                let headers = one.headers?;
                schedule(link, &one.subject, &headers, one.payload)
            };
            let schedules: Vec<_> = arrived.into_iter().filter_map(read).collect();
            if end || !schedules.is_empty() {
                return Ok(schedules);
            }
        }
    }
}

fn schedule(
    link: &Link,
    subject: &str,
    map: &HeaderMap,
    payload: bytes::Bytes,
) -> Option<Schedule> {
    let id = subject.rsplit('.').next()?.to_owned();
    let due = map.get("Nats-Schedule")?.as_str().strip_prefix("@at ")?;
    let due = chrono::DateTime::parse_from_rfc3339(due).ok()?;
    let topic = link
        .names
        .topic(map.get("Nats-Schedule-Target")?.as_str())?;
    let message: Message = headers::read(topic, Some(map), payload);
    Some(Schedule {
        id: ScheduleId(id),
        due: due.into(),
        message,
    })
}

/// Says why a delay cannot be kept, if so.
pub(crate) fn can_keep(link: &Link, due: SystemTime, facts: &Facts) -> Result<()> {
    if let Some(reason) = facts.no_delay(&link.names.inner()) {
        let stream = &facts.config.name;
        let message = format!("{reason}: `{stream}` cannot keep a delay");
        let hint = match facts.too_old {
            Some(_) => facts.mend().to_owned(),
            None => format!(
                "{}; that it allows schedules cannot be undone",
                facts.mend()
            ),
        };
        return Err(error(ErrorKind::Unsupported, message).hint(hint));
    }
    let delay = due.duration_since(SystemTime::now()).unwrap_or_default();
    match facts.longest_delay() {
        Some(longest) if delay > longest => {
            let message = format!(
                "the stream drops events after {}, before this one is due",
                humantime::format_duration(Duration::from_nanos(facts.config.max_age))
            );
            Err(error(ErrorKind::Unsupported, message).hint("raise the stream's `max_age`"))
        }
        _ => Ok(()),
    }
}

/// Writes a time as a schedule has it.
pub(crate) fn at(due: SystemTime) -> String {
    format!("@at {}", written(due))
}

/// The last message of a subject.
#[derive(Debug)]
pub(crate) struct Last {
    pub(crate) subject: String,
    pub(crate) number: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: bytes::Bytes,
    /// When the server stored it.
    pub(crate) time: SystemTime,
}

impl Link {
    /// Reads the last message of a subject from the stream's leader.
    pub(crate) async fn last(&self, stream: &str, subject: &str) -> Result<Option<Last>> {
        self.get(stream, &json!({"last_by_subj": subject})).await
    }

    /// Reads a message from the stream's leader.
    pub(crate) async fn get(&self, stream: &str, what: &Value) -> Result<Option<Last>> {
        let verb = format!("STREAM.MSG.GET.{stream}");
        let answer = match self.api(verb, what).await {
            Ok(answer) => answer,
            Err(refusal)
                if refusal.is(crate::backends::nats::error::NO_MESSAGE)
                    || refusal.is(crate::backends::nats::error::NO_STREAM) =>
            {
                return Ok(None);
            }
            Err(refusal) => return Err(refusal.into()),
        };
        crate::backends::nats::connection::direct_get::read(&answer).map(Some)
    }
}
