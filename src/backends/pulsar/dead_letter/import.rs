//! Dead letters from elsewhere, stored unless they exist.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};

use super::{decode::journal_key, journal::Journal, scan::LetterScan, store};
use crate::{
    backends::pulsar::{
        codec::properties,
        connection::{
            handle::Connection,
            keeper::{Keeper, keep},
            names::check_group,
            producer::Producer,
        },
    },
    transport::{DeadLetter, DeadLetterId, Result, Selection},
};

/// How many letters are stored at the same time.
const AT_ONCE: usize = 200;

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
    let mut known = HashSet::new();
    let mut producers = HashMap::new();
    for letter in &letters {
        let topic = topic_of(connection, letter);
        if let Entry::Vacant(vacant) = producers.entry(topic.clone()) {
            // A name that is not valid is reported for each of its letters.
            if check(connection, letter).is_ok() {
                keep(connection, &topic).await?;
                read_known(connection, letter, &mut known).await?;
            }
            vacant.insert(Producer::kept(connection, topic, Keeper::internal()));
        }
    }
    let journal = Journal::read(connection).await?;
    let tasks = letters.into_iter().map(|letter| {
        let is_new = known.insert(letter.id.clone());
        let copies = (0..u32::MAX).find(|copy| {
            let key = journal_key(&letter.id, *copy);
            !journal.resolved.contains(&key)
        });
        let producer = producers.get(&topic_of(connection, &letter));
        async move {
            if let Some(producer) = producer.filter(|_| is_new) {
                check(connection, &letter)?;
                store::store(connection, producer, &letter, copies.unwrap_or(0)).await?;
            }
            Ok(is_new)
        }
    });
    let tasks: Vec<_> = tasks.collect();
    let results = stream::iter(tasks).buffered(AT_ONCE).collect().await;
    for (_, producer) in producers {
        producer.close().await;
    }
    Ok(results)
}

fn topic_of(connection: &Connection, letter: &DeadLetter) -> String {
    let names = &connection.config.names;
    names.dead_letter_topic(&letter.record.origin.topic, &letter.record.group)
}

fn check(connection: &Connection, letter: &DeadLetter) -> Result<()> {
    let names = &connection.config.names;
    names.topic_name(&letter.record.origin.topic)?;
    names.topic_name(&letter.message.topic)?;
    check_group(&letter.record.group)?;
    properties::check(&letter.message)
}

/// Adds the ids of the letters of the same group and topic.
async fn read_known(
    connection: &Arc<Connection>,
    letter: &DeadLetter,
    known: &mut HashSet<DeadLetterId>,
) -> Result<()> {
    let record = &letter.record;
    let selection = Selection {
        topics: vec![record.origin.topic.as_str().to_owned()],
        group: Some(record.group.clone()),
        ..Selection::default()
    };
    let mut scan = LetterScan::open(connection, &selection).await?;
    while let Some(found) = scan.next_letter().await? {
        known.insert(found.letter.id);
    }
    Ok(())
}
