//! Dead letters from elsewhere, stored unless they exist.

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt as _, stream};

use super::{
    resolved, scan,
    state_topic::{self, TriageState},
    store, topics,
};
use crate::{
    backends::kafka::{codec::record, connection::handle::Connection, error::error},
    event::Topic,
    transport::{DeadLetter, ErrorKind, Limits, Result, Selection},
};

/// How many letters are stored at the same time.
const AT_ONCE: usize = 1000;

/// Stores letters unless one with the same id exists: one result each, in order.
pub(crate) async fn import(
    connection: &Arc<Connection>,
    letters: Vec<DeadLetter>,
) -> Vec<Result<bool>> {
    let count = letters.len();
    match import_new(connection, letters).await {
        Ok(results) => results,
        Err(failed) => failed.for_each(count),
    }
}

async fn import_new(
    connection: &Arc<Connection>,
    letters: Vec<DeadLetter>,
) -> Result<Vec<Result<bool>>> {
    let mut topics: HashSet<Topic> = HashSet::new();
    for letter in &letters {
        topics.insert(letter.record.origin.topic.clone());
    }
    let mut known = make_places(connection, topics).await?;
    let state = TriageState::read(connection).await?;
    let tasks = letters.into_iter().map(|letter| {
        let id = resolved::compact_id(&letter.id);
        let is_new = known.insert(id);
        let was_dealt_with = state.resolved.has(id);
        let connection = Arc::clone(connection);
        async move {
            if is_new {
                import_one(&connection, &letter, was_dealt_with).await?;
            }
            Ok(is_new)
        }
    });
    let tasks: Vec<_> = tasks.collect();
    Ok(stream::iter(tasks).buffered(AT_ONCE).collect().await)
}

async fn import_one(
    connection: &Arc<Connection>,
    letter: &DeadLetter,
    was_dealt_with: bool,
) -> Result<()> {
    record::check(&letter.message)?;
    if was_dealt_with {
        let again =
            state_topic::record(connection, state_topic::reopened_key(&letter.id), Some(&1))?;
        state_topic::write(connection, vec![again]).await?;
    }
    store::store(connection, letter).await
}

/// Creates the dead-letter topics of topics, and returns the ids of the letters that they hold.
async fn make_places(connection: &Arc<Connection>, topics: HashSet<Topic>) -> Result<HashSet<u64>> {
    let mut wanted = Vec::with_capacity(topics.len());
    for topic in topics {
        // A name that is not valid is reported for each of its letters.
        if let Ok(name) = connection.names().topic_name(&topic)
            && connection.names().dead_letter_topic(&topic).is_ok()
        {
            let partitions = connection.topics.partitions(&name).await?;
            let partitions = partitions.unwrap_or(connection.topics.default_partitions());
            wanted.push((topic, name, partitions));
        }
    }
    topics::create(connection, &wanted).await?;
    let mut known = HashSet::new();
    let topics = wanted.iter().map(|(topic, ..)| topic.as_str().to_owned());
    let selection = Selection {
        topics: topics.collect(),
        ..Selection::default()
    };
    let mut scan = scan::scan(connection, &selection).await?;
    loop {
        let letters = scan.next(500).await?;
        if letters.is_empty() {
            return Ok(known);
        }
        known.extend(
            letters
                .iter()
                .map(|letter| resolved::compact_id(&letter.id)),
        );
    }
}

/// Checks that a dead letter can be stored, and replayed to its topic.
pub(crate) fn check(connection: &Connection, letter: &DeadLetter, limits: &Limits) -> Result<()> {
    record::check(&letter.message)?;
    connection.names().topic_name(&letter.message.topic)?;
    connection
        .names()
        .dead_letter_topic(&letter.record.origin.topic)?;
    let size = store::size(letter)?;
    match limits.max_payload {
        Some(most) if size > most => {
            let message = format!("a record of it has {size} bytes, and this cluster takes {most}");
            Err(error(ErrorKind::TooLarge, message)
                .hint("raise `message.max.bytes` of the brokers"))
        }
        _ => Ok(()),
    }
}
