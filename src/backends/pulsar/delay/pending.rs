//! Where delayed events wait: in their topic, and in the retry topic of a group that had many of them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    backends::pulsar::{
        codec::{
            message::Inbound,
            message_id::{MessageId, parse_position},
            properties::RETRY,
            retry::read_retry,
        },
        connection::{
            consumer::Start,
            handle::Connection,
            names::{is_retry_topic, split_partition},
            topic_directory::TopicInfo,
            topics,
        },
        error::error,
        read::reader::Reader,
    },
    event::{Position, Stored, Topic},
    transport::{ErrorKind, Result},
};

/// An event that is due within this time may be on its way to a consumer.
const IMMINENT: Duration = Duration::from_secs(1);

/// A log in which delayed events wait.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) log: String,
    pub(super) partition: i32,
    /// None for a retry topic: it says where the original is stored.
    pub(super) topic: Option<Topic>,
}

/// An event that is held back.
#[derive(Debug)]
pub(super) struct Delayed {
    /// Where it waits.
    pub(super) log: String,
    pub(super) id: MessageId,
    /// As it was published.
    pub(super) stored: Stored,
    pub(super) due: SystemTime,
}

impl Place {
    /// Returns the delayed event that a message is, if it is one.
    pub(super) fn delayed(&self, inbound: &Inbound) -> Option<Delayed> {
        let due = inbound.due?;
        let stored = match &self.topic {
            Some(topic) => inbound.stored(topic),
            None => moved(inbound)?,
        };
        Some(Delayed {
            log: self.log.clone(),
            id: inbound.id,
            stored,
            due,
        })
    }
}

/// Reads an event that was moved to a retry topic before it was delivered.
fn moved(inbound: &Inbound) -> Option<Stored> {
    inbound.marks.get(RETRY)?;
    // The topic is that of the original, which is not known before.
    let first = read_retry(inbound, &"unknown".parse().ok()?, "");
    let (topic, _) = parse_position(&first.stored.position)?;
    let consumed = read_retry(inbound, &topic, "");
    (consumed.attempts.failed == 0).then_some(consumed.stored)
}

/// Returns the logs of all topics of users, then those of retries.
pub(super) async fn places(connection: &Arc<Connection>) -> Result<Vec<Place>> {
    let names = &connection.config.names;
    let (mut places, mut retries) = (Vec::new(), Vec::new());
    for local in topics::list(connection).await?.keys() {
        let topic = names.user_topic(local);
        if topic.is_none() && !is_retry_topic(local) {
            continue;
        }
        let Some(info) = topics::find_name(connection, &names.full(local)).await? else {
            continue;
        };
        let all = if topic.is_some() {
            &mut places
        } else {
            &mut retries
        };
        all.extend(of(&info, topic.as_ref()));
    }
    places.append(&mut retries);
    Ok(places)
}

fn of(info: &TopicInfo, topic: Option<&Topic>) -> Vec<Place> {
    let place = |(log, partition)| Place {
        log,
        partition,
        topic: topic.cloned(),
    };
    info.logs().into_iter().map(place).collect()
}

/// Finds an event that is held back, wherever it waits; nothing if it does not exist, or is due.
///
/// # Errors
/// [`ErrorKind::Ambiguous`] if it is due within a second.
pub(super) async fn find(
    connection: &Arc<Connection>,
    position: &Position,
    (topic, id): (&Topic, MessageId),
) -> Result<Vec<Delayed>> {
    let retries = format!("{topic}-");
    let mut found = Vec::new();
    for place in places(connection).await? {
        let local = connection
            .config
            .names
            .local(&place.log)
            .unwrap_or_default();
        let may_have_it = match &place.topic {
            Some(other) => other == topic && place.partition == id.partition,
            None => split_partition(local).0.starts_with(&retries),
        };
        if may_have_it {
            found.extend(find_in(connection, &place, position, id).await?);
        }
    }
    let now = SystemTime::now();
    found.retain(|one| one.due > now);
    if found.iter().any(|one| one.due < now + IMMINENT) {
        let message = format!("event {position} is due within a second: it may be delivered");
        return Err(error(ErrorKind::Ambiguous, message));
    }
    Ok(found)
}

async fn find_in(
    connection: &Arc<Connection>,
    place: &Place,
    position: &Position,
    id: MessageId,
) -> Result<Option<Delayed>> {
    let start = match place.topic {
        Some(_) => Start::Entry(id),
        None => Start::Earliest,
    };
    let (log, partition) = (place.log.clone(), place.partition);
    let mut reader = match Reader::open(connection, log, partition, start).await {
        Err(gone) if gone.kind() == ErrorKind::NotFound => return Ok(None),
        reader => reader?,
    };
    let Some(end) = reader.last_id().await? else {
        return Ok(None);
    };
    while let Some(messages) = reader.next_until(end).await? {
        let is_behind = |one: &Inbound| place.topic.is_some() && one.id.place() > id.place();
        let is_passed = messages.iter().any(is_behind);
        let delayed = messages.iter().filter_map(|one| place.delayed(one));
        let found = delayed
            .into_iter()
            .find(|one| one.stored.position == *position);
        if found.is_some() || is_passed {
            return Ok(found);
        }
    }
    Ok(None)
}
