//! Runs that are marked as begun: which of two members began one, and whether it may still be settled.
//!
//! A message that was settled by a consumer without marks leaves its mark behind, and the server does not say which messages
//! are unacknowledged. It is known to be settled if it is not after the consumer's ack floor, or if all that is
//! unacknowledged is in flight here and is something else. Until one of both shows, its copies go back.

use std::collections::HashSet;

use tokio::time::Instant;

use crate::{
    backends::nats::{
        connection::consumer,
        consume::{
            marks::{store::MarkStore, value::Found},
            session::Session,
        },
        error::error,
    },
    event::Position,
    failpoint,
    transport::{Beginning, DeadLetterId, ErrorKind, Handling, Mark, MarkChange, Result},
};

/// How often a mark is read again that another member has changed meanwhile.
const ATTEMPTS: usize = 8;

/// Looks up marks.
pub(crate) async fn look_up(
    session: &Session,
    marks: &MarkStore,
    handlings: &[Handling],
) -> Result<Vec<Option<Mark>>> {
    let store = session.store();
    let looked_up = marks.look_up(&session.connection, &store, handlings);
    let mut judged = Vec::with_capacity(handlings.len());
    for (found, handling) in looked_up.await?.into_iter().zip(handlings) {
        judged.push(judge(session, marks, found, handling).await?);
    }
    Ok(judged)
}

/// Begins a handling unless its mark does not admit it; returns what was there.
pub(crate) async fn begin(
    session: &Session,
    marks: &MarkStore,
    handling: &Handling,
) -> Result<Option<Mark>> {
    let (connection, store) = (&session.connection, session.store());
    for _ in 0..ATTEMPTS {
        let (found, revision) = marks.read(connection, &store, handling.key).await?;
        let mark = judge(session, marks, found, handling).await?;
        if mark.as_ref().is_some_and(|mark| !mark.admits(handling)) {
            return Ok(mark);
        }
        let begun = marks.begin(connection, &store, &session.consumer, handling, revision);
        if begun.await? {
            return Ok(mark);
        }
    }
    Err(error(ErrorKind::Unavailable, "a mark changes all the time"))
}

/// Returns the mark that was found, or that it is unknown how the run ended that began. What has changed meanwhile is judged
/// when the copy comes again.
async fn judge(
    session: &Session,
    marks: &MarkStore,
    found: Option<Found>,
    handling: &Handling,
) -> Result<Option<Mark>> {
    let Some(Found { mark, consumer }) = found else {
        return Ok(None);
    };
    let is_pending = match &mark {
        Mark::Begun(beginning) if *beginning != handling.beginning => {
            is_pending(session, beginning, &consumer).await?
        }
        _ => true,
    };
    if is_pending {
        return Ok(Some(mark));
    }
    // Its end is marked before it is acknowledged.
    let (connection, store) = (&session.connection, session.store());
    let (latest, _) = marks.read(connection, &store, handling.key).await?;
    let has_ended = latest.is_none_or(|latest| latest.mark != mark);
    Ok(Some(if has_ended { mark } else { Mark::Unknown }))
}

/// Reports whether a consumer may still settle the delivery on which a run began.
async fn is_pending(session: &Session, beginning: &Beginning, name: &str) -> Result<bool> {
    let Ok(sequence) = beginning.position.as_str().parse::<u64>() else {
        return Ok(false);
    };
    let before = held_here(session);
    let Some(consumer) = consumer::find(&session.connection, name).await? else {
        return Ok(false);
    };
    if sequence <= consumer.ack_floor() {
        return Ok(false);
    }
    let is_elsewhere = || {
        let now = held_here(session);
        if now.contains(&sequence) || session.state().deliveries.buffered() > 0 {
            return true;
        }
        // What was here both before and after the answer is what it certainly counted.
        let held = before.intersection(&now).count();
        consumer.num_ack_pending > held as u64
    };
    Ok(name != session.consumer || is_elsewhere())
}

/// Returns the messages that this member holds, or that nobody gets before their retries are due.
fn held_here(session: &Session) -> HashSet<u64> {
    let (state, now) = (session.state(), Instant::now());
    let in_flight = state.deliveries.in_flight().iter();
    let in_flight = in_flight.map(|leased| leased.handle.ack.sequence);
    let retrying = state.retrying.iter();
    let retrying = retrying.filter(|(_, due)| **due > now);
    in_flight
        .chain(retrying.map(|(sequence, _)| *sequence))
        .collect()
}

/// A delivery whose run may be marked as begun, as it is settled.
pub(crate) struct Begun {
    pub(crate) change: Option<MarkChange>,
    pub(crate) position: Position,
    /// When its lease ends.
    pub(crate) until: Instant,
}

/// Lets a run be repeated that is marked as begun.
pub(crate) async fn forget(session: &Session, begun: Begun) -> Result<()> {
    let Some(marks) = &session.marks else {
        return Ok(());
    };
    let beginning = Beginning {
        group: session.group.clone(),
        position: begun.position,
    };
    let (connection, store) = (&session.connection, session.store());
    // Boxed as it is rare.
    Box::pin(marks.forget(connection, &store, begun.change, &beginning, begun.until)).await
}

/// Marks an event as given up, once its dead letter is stored: the other way round, a crash in between would acknowledge the
/// event as a copy of what has no letter.
pub(crate) async fn bury(session: &Session, begun: Begun, letter: &DeadLetterId) -> Result<()> {
    let (Some(marks), Some(MarkChange::Dead(key))) = (&session.marks, begun.change) else {
        return Ok(());
    };
    let (connection, store) = (&session.connection, session.store());
    // Boxed as it is rare.
    Box::pin(marks.dead(connection, &store, key, letter, begun.until)).await?;
    failpoint::reach("nats.letter_marked");
    Ok(())
}
