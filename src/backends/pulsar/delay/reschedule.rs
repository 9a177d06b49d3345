//! Cancelling delayed events, and moving them to another time.

use std::{sync::Arc, time::SystemTime};

use super::{
    cancellations,
    pending::{self, Delayed},
    withdraw,
};
use crate::{
    backends::pulsar::{
        codec::{message::Outbound, message_id::parse_position, properties::Marks},
        connection::{handle::Connection, producer::Producer},
        error::{error, exclusive_delay},
    },
    event::Position,
    failpoint,
    transport::{ErrorKind, Result, ScheduleId},
};

/// Cancels a delayed event, and reports whether it was pending.
pub(crate) async fn cancel(connection: &Arc<Connection>, id: &ScheduleId) -> Result<bool> {
    let position = Position::new(&id.0);
    let Some((topic, entry)) = parse_position(&position) else {
        let message = format!("`{id}` is not a valid schedule id");
        return Err(error(ErrorKind::NotFound, message));
    };
    let found = pending::find(connection, &position, (&topic, entry)).await?;
    let Some(first) = found.first() else {
        return Ok(false);
    };
    // It is listed until it is noted, so that one who was interrupted can repeat it.
    withdraw_all(connection, &found).await?;
    failpoint::reach("pulsar.withdrawn");
    let was_noted = cancellations::read(connection).await?.contains(&position);
    if !was_noted {
        cancellations::note(connection, &position).await?;
        // A subscription that was created before the note may not have read it.
        withdraw_all(connection, &found).await?;
    }
    if first.due <= SystemTime::now() {
        let message = format!("event {position} became due while it was cancelled");
        return Err(error(ErrorKind::Ambiguous, message));
    }
    Ok(!was_noted)
}

async fn withdraw_all(connection: &Arc<Connection>, found: &[Delayed]) -> Result<()> {
    for one in found {
        withdraw::withdraw(connection, &one.log, one.id).await?;
    }
    Ok(())
}

/// Moves a delayed event to another time, under a new id, and reports whether it was pending. The new one is stored before the old
/// one is cancelled: a crash between the two leaves both.
pub(crate) async fn reschedule(
    connection: &Arc<Connection>,
    id: &ScheduleId,
    due: SystemTime,
) -> Result<bool> {
    if !connection.config.is_shared() {
        return Err(exclusive_delay());
    }
    let position = Position::new(&id.0);
    let Some((topic, entry)) = parse_position(&position) else {
        return cancel(connection, id).await;
    };
    let mut found = pending::find(connection, &position, (&topic, entry)).await?;
    if found.is_empty() || cancellations::read(connection).await?.contains(&position) {
        return Ok(false);
    }
    let stored = found.swap_remove(0).stored;
    let mut outbound = Outbound::internal(&stored.message, &Marks::default());
    if due > SystemTime::now() {
        outbound.deliver_at(due);
    }
    let log = connection.config.names.log(&topic, entry.partition)?;
    let producer = Producer::new(connection, log);
    let sent = producer.send(outbound).await;
    producer.close().await;
    let new = sent?;
    failpoint::reach("pulsar.rescheduled");
    let was_pending = cancel(connection, id).await?;
    if !was_pending && let Some(mut new) = new {
        // Another operator cancelled it first.
        new.partition = entry.partition;
        let new = ScheduleId(new.position(&topic).as_str().to_owned());
        cancel(connection, &new).await?;
    }
    Ok(was_pending)
}
