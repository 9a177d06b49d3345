//! Ending and moving what waits for its time. Kafka writes nothing on a condition: of several records of one key, the
//! first end decides.
//!
//! - What is due later than anybody's clock could have it is not being fired: a record is written, and what was written
//!   before it since the look is read.
//! - Anything else may be firing right now. Whoever fires is fenced, as by a new owner of the partition; what it had not
//!   committed by then never happened.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use super::{
    delayed_record, firing,
    scan::{self, Found},
};
use crate::{
    backends::kafka::{
        codec::record::{self, FetchedRecord, OutgoingRecord},
        connection::{
            client::{
                self,
                errors::ClientErrors,
                settings::{self, Isolation},
            },
            handle::{self, Connection, blocking},
            transaction::TransactionalProducer,
        },
        error::{self, error},
        read::partition_reader::{OffsetRange, PartitionReader},
    },
    failpoint,
    transport::{ErrorKind, Result, ScheduleId},
};

/// How far ahead somebody's clock may be.
const AHEAD: Duration = Duration::from_mins(1);
/// The same once the change was stored, which takes a while.
const STILL_AHEAD: Duration = Duration::from_secs(30);
/// So often the partition is taken over anew, should somebody else do so at the same time.
const ROUNDS: usize = 8;
/// The longest pause before that, in milliseconds.
const PAUSE: u64 = 400;

/// What is to become of something that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    End,
    Move(SystemTime),
}

/// Changes what waits under a name; tells whether it still waited.
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
        return from_afar(connection, found, change).await;
    }
    for round in 0..ROUNDS {
        if round > 0 {
            // Two who shut each other out would go on doing so.
            sleep(Duration::from_millis(fastrand::u64(..PAUSE))).await;
        }
        match by_force(connection, &found, change).await {
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

async fn from_afar(connection: &Arc<Connection>, found: Found, change: Change) -> Result<bool> {
    let record = lay_out(&found.read, change)?;
    let placed = connection.producer().await?.send(vec![record]).await;
    failpoint::reach("kafka.delay_changed");
    let offset = match placed.first() {
        Some(Ok(placed)) => placed.offset,
        Some(Err(code)) => return Err(error::from_code(*code, "changing what waits")),
        None => return Err(error(ErrorKind::Ambiguous, "a change got no answer")),
    };
    if !is_far(&found.read, STILL_AHEAD) {
        return Err(error(
            ErrorKind::Ambiguous,
            "storing the change took so long that it may have fired meanwhile",
        ));
    }
    let Found { read, end } = found;
    conclude(connection, &read, (end, offset), change).await
}

/// Fences whoever fires, looks again, and makes the change in a transaction under the same name.
async fn by_force(connection: &Arc<Connection>, found: &Found, change: Change) -> Result<bool> {
    let read = &found.read;
    let (taken, high) = take_over(connection, read.partition).await?;
    failpoint::reach("kafka.firing_fenced");
    let latest = latest(connection, read, (found.end, high)).await?;
    let Some(read) = latest else {
        return Ok(false);
    };
    let record = lay_out(&read, change)?;
    let placed = blocking(move || Ok(taken.commit(vec![record], None)?)).await?;
    failpoint::reach("kafka.delay_changed");
    let offset = placed.first().map_or(high, |placed| placed.offset);
    conclude(connection, &read, (high, offset), change).await
}

async fn take_over(
    connection: &Arc<Connection>,
    partition: i32,
) -> Result<(TransactionalProducer, i64)> {
    let connection = Arc::clone(connection);
    blocking(move || {
        let taken = TransactionalProducer::begin(
            &connection.config,
            &firing::name(&connection, partition),
        )?;
        let settings = settings::metadata(&connection.config, Isolation::Uncommitted);
        let client = client::create(&settings, ClientErrors::default())?;
        let topic = connection.names().delay_topic();
        let bounds = handle::bounds(&client, &connection.config, &topic, partition)?;
        Ok((taken, bounds.high))
    })
    .await
}

/// Returns the last record of the same key in a part of the partition: none if it was an end, the one given if there is
/// no other.
async fn latest(
    connection: &Arc<Connection>,
    known: &FetchedRecord,
    part: (i64, i64),
) -> Result<Option<FetchedRecord>> {
    let mut latest = Some(known.clone());
    for read in same(connection, known, part).await? {
        latest = delayed_record::due(&read).is_some().then_some(read);
    }
    Ok(latest)
}

/// Tells whether a change came first: an end that was written before it is somebody else's, or means that it has fired.
/// What was moved after its end would fire again, and is ended.
async fn conclude(
    connection: &Arc<Connection>,
    read: &FetchedRecord,
    part: (i64, i64),
    change: Change,
) -> Result<bool> {
    let others = same(connection, read, part).await?;
    if others
        .iter()
        .all(|other| delayed_record::due(other).is_some())
    {
        return Ok(true);
    }
    if let Change::Move(_) = change {
        let end = lay_out(read, Change::End)?;
        for placed in connection.producer().await?.send(vec![end]).await {
            placed.map_err(|code| error::from_code(code, "ending what had fired"))?;
        }
    }
    Ok(false)
}

/// Reads the records of the same key in a part of the partition.
async fn same(
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

fn lay_out(read: &FetchedRecord, change: Change) -> Result<OutgoingRecord> {
    let (topic, key) = (read.topic.to_string(), read.key.clone().unwrap_or_default());
    let due = match change {
        Change::End => return Ok(OutgoingRecord::tombstone(topic, read.partition, key)),
        Change::Move(due) => due,
    };
    let unreadable = || error(ErrorKind::Corrupt, "what waits cannot be read");
    let (mut waiting, message) = delayed_record::read(read.clone()).ok_or_else(unreadable)?;
    waiting.due = record::millis(due);
    delayed_record::write((&topic, read.partition), key, &waiting, &message)
}
