//! Cancelling and rescheduling of delayed events. Kafka has no conditional write: of several records of one key, the first
//! tombstone decides, and each process finds out afterwards whether it was its own.
//!
//! - An event that is due later than any clock may be ahead is not being fired. A record is written, and the records that
//!   were written between the search and that record are read: a tombstone among them came first.
//! - Any other event may be firing at this moment. Its firer is fenced, as by a new owner of the partition: a transaction
//!   that it had not committed by then is aborted. Then the partition is read again and the change is committed under the
//!   same transactional id.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rdkafka::consumer::BaseConsumer;
use tokio::time::sleep;

use super::{
    delayed_record, enqueue, firing,
    scan::{self, ScheduledRecord},
};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, OutgoingRecord},
            topic_partition::{OffsetRange, TopicPartition},
        },
        connection::{
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            handle::{Connection, blocking},
            transaction::TransactionalProducer,
        },
        error::error,
        read::partition_reader::PartitionReader,
    },
    failpoint,
    transport::{ErrorKind, Result, ScheduleId},
};

/// How far ahead the clock of another process may be.
const AHEAD: Duration = Duration::from_mins(1);
/// The same once the change was stored, which takes a while.
const STILL_AHEAD: Duration = Duration::from_secs(30);
/// How often the partition is taken over again if another process takes it over at the same time.
const ROUNDS: usize = 8;
/// The longest pause before that, in milliseconds.
const PAUSE: u64 = 400;

/// A change of a delayed event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Cancel,
    Reschedule(SystemTime),
}

/// Changes a delayed event; false if it was fired or cancelled before.
pub(crate) async fn change(
    connection: &Arc<Connection>,
    id: &ScheduleId,
    change: Change,
) -> Result<bool> {
    let found = scan::find(connection, |key| key == id.0.as_bytes()).await?;
    let Some(found) = found.into_iter().next() else {
        return Ok(false);
    };
    if is_far(&found.read, AHEAD) {
        return change_before_horizon(connection, found, change).await;
    }
    for round in 0..ROUNDS {
        if round > 0 {
            // Two processes that fence each other would go on doing so.
            sleep(Duration::from_millis(fastrand::u64(..PAUSE))).await;
        }
        match change_by_fencing(connection, &found, change).await {
            Err(failed) if failed.kind() == ErrorKind::Held => {}
            result => return result,
        }
    }
    Err(error(
        ErrorKind::Ambiguous,
        format!("`{id}` may be firing right now"),
    ))
}

fn is_far(read: &FetchedRecord, ahead: Duration) -> bool {
    let limit = record::millis(SystemTime::now() + ahead);
    delayed_record::due(read).is_some_and(|due| due > limit)
}

async fn change_before_horizon(
    connection: &Arc<Connection>,
    found: ScheduledRecord,
    change: Change,
) -> Result<bool> {
    let record = changed_record(&found.read, change)?;
    let answer = connection.producer().await?.send_one(record).await;
    failpoint::reach("kafka.delay_changed");
    let stored =
        answer.map_err(|code| enqueue::unwritten(connection, code, "changing a delayed event"))?;
    if !is_far(&found.read, STILL_AHEAD) {
        return Err(error(
            ErrorKind::Ambiguous,
            "the change was stored late, and the event may have fired before it",
        ));
    }
    let ScheduledRecord { read, end } = found;
    conclude(connection, &read, (end, stored.offset), change).await
}

/// Fences the firer, reads the partition again, and commits the change under the same transactional id.
async fn change_by_fencing(
    connection: &Arc<Connection>,
    found: &ScheduledRecord,
    change: Change,
) -> Result<bool> {
    let read = &found.read;
    let (taken, high) = take_over(connection, read.partition).await?;
    failpoint::reach("kafka.firing_fenced");
    let latest = latest(connection, read, (found.end, high)).await?;
    let Some(read) = latest else {
        return Ok(false);
    };
    let record = changed_record(&read, change)?;
    let stored = blocking(move || Ok(taken.commit_one(record)?)).await?;
    failpoint::reach("kafka.delay_changed");
    conclude(connection, &read, (high, stored.offset), change).await
}

async fn take_over(
    connection: &Arc<Connection>,
    partition: i32,
) -> Result<(TransactionalProducer, i64)> {
    let connection = Arc::clone(connection);
    blocking(move || {
        let taken = TransactionalProducer::begin(
            &connection.config,
            &firing::transactional_id(&connection, partition),
        )?;
        let settings = settings::metadata(&connection.config, Isolation::Uncommitted);
        let client: BaseConsumer<Context> = client::create(&settings, Context::default())?;
        let topic = connection.names().delay_topic();
        let bounds = client::watermarks(
            &client,
            &connection.config,
            &TopicPartition::new(topic.as_str(), partition),
        )?;
        Ok((taken, bounds.high))
    })
    .await
}

/// Returns the last record of the same key in a part of the partition: none if it is a tombstone, the given one if there
/// is no other.
async fn latest(
    connection: &Arc<Connection>,
    known: &FetchedRecord,
    part: (i64, i64),
) -> Result<Option<FetchedRecord>> {
    let mut latest = Some(known.clone());
    for read in same_key(connection, known, part).await? {
        latest = delayed_record::due(&read).is_some().then_some(read);
    }
    Ok(latest)
}

/// Reports whether a change came first: a tombstone before it was written by another process, or means that the event
/// has fired. A record that reschedules after a tombstone would fire again, so it is ended.
async fn conclude(
    connection: &Arc<Connection>,
    read: &FetchedRecord,
    part: (i64, i64),
    change: Change,
) -> Result<bool> {
    let others = same_key(connection, read, part).await?;
    if others
        .iter()
        .all(|other| delayed_record::due(other).is_some())
    {
        return Ok(true);
    }
    if let Change::Reschedule(_) = change {
        let end = changed_record(read, Change::Cancel)?;
        let answer = connection.producer().await?.send_one(end).await;
        answer.map_err(|code| {
            enqueue::unwritten(connection, code, "cancelling an event that had fired")
        })?;
    }
    Ok(false)
}

/// Reads the records of the same key in a part of the partition.
async fn same_key(
    connection: &Arc<Connection>,
    known: &FetchedRecord,
    (from, until): (i64, i64),
) -> Result<Vec<FetchedRecord>> {
    let span = OffsetRange {
        topic: connection.names().delay_topic(),
        partition: known.partition,
        from,
        until: Some(until),
    };
    let mut reader = PartitionReader::open(connection, vec![span], Isolation::Committed)?;
    let mut found = Vec::new();
    while let Some(reads) = reader.next().await? {
        found.extend(reads.into_iter().filter(|read| read.key == known.key));
    }
    Ok(found)
}

fn changed_record(read: &FetchedRecord, change: Change) -> Result<OutgoingRecord> {
    let (topic, key) = (read.topic.to_string(), read.key.clone().unwrap_or_default());
    let due = match change {
        Change::Cancel => return Ok(OutgoingRecord::tombstone(topic, read.partition, key)),
        Change::Reschedule(due) => due,
    };
    let unreadable = || error(ErrorKind::Corrupt, "the delayed event cannot be decoded");
    let (mut waiting, message) = delayed_record::decode(read.clone()).ok_or_else(unreadable)?;
    waiting.due = record::millis(due);
    delayed_record::encode((&topic, read.partition), key, &waiting, &message)
}
