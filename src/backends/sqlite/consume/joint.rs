//! Consumers that share an action, and so must not run two copies of an event at the same moment.
//!
//! A consumer that is alone need not mark the runs that it begins: it knows what it has in flight. The first that joins it
//! marks them for it, in the transaction in which it joins; from then on each sees the other and marks its own.

use std::time::Duration;

use rusqlite::{Connection, params};

use crate::{
    backends::sqlite::{
        codec::row::{LogEntry, read_lineage, stored},
        connection::{marks, session::Session},
        error::{StoreResult, damaged},
    },
    event::{Action, Group, Topic},
    transport::{Attempts, Dedup, DedupMode, Delivery, Handling, SubscribeRequest, Ticket},
};

/// The marks that a consumer keeps.
#[derive(Debug, Clone)]
pub(crate) struct Marking {
    consumer: i64,
    action: Action,
    pub(crate) window: Duration,
    /// Whether each run is begun with a mark, however alone the consumer is.
    pub(crate) begins: bool,
}

impl Marking {
    /// Returns the marks that a request asks for.
    pub(crate) fn of(request: &SubscribeRequest, consumer: i64) -> Option<Self> {
        let dedup = request.dedup.as_ref()?;
        Some(Self {
            consumer,
            action: dedup.action(&request.group),
            window: dedup.window,
            begins: dedup.mode == DedupMode::AtMostOnce,
        })
    }

    /// Reports whether no other consumer has this action.
    pub(crate) fn is_alone(&self, connection: &Connection) -> StoreResult<bool> {
        let sql = "SELECT NOT EXISTS(SELECT 1 FROM consumers WHERE action = ?1 AND id <> ?2)";
        let mut select = connection.prepare_cached(sql)?;
        let values = params![self.action.as_str(), self.consumer];
        Ok(select.query_row(values, |row| row.get(0))?)
    }
}

/// Marks the runs of what the others hold as begun. Those that begin each run with a mark do so themselves.
pub(crate) fn begin_for_others(
    session: &mut Session,
    consumer: i64,
    group: &Group,
    dedup: &Dedup,
) -> StoreResult<()> {
    let action = dedup.action(group);
    let handlings = held_by_others(&session.connection, consumer, &action)?;
    marks::begin(session, &handlings, marks::until(dedup.window)).map(drop)
}

fn held_by_others(
    connection: &Connection,
    consumer: i64,
    action: &Action,
) -> StoreResult<Vec<Handling>> {
    let sql = "SELECT m.seq, m.time, m.key, m.headers, m.payload, m.lineage, t.name, g.name \
         FROM consumers c CROSS JOIN held h ON h.group_id = c.group_id AND h.consumer = c.id \
         CROSS JOIN messages m ON m.seq = h.seq \
         JOIN topics t ON t.id = m.topic JOIN groups g ON g.id = c.group_id \
         WHERE c.action = ?1 AND c.id <> ?2 AND NOT c.begins";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![action.as_str(), consumer])?;
    let mut handlings = Vec::new();
    while let Some(row) = rows.next()? {
        let (topic, group): (String, String) = (row.get(6)?, row.get(7)?);
        let topic: Topic = topic.parse().map_err(|_| damaged("a topic's name"))?;
        let group: Group = group.parse().map_err(|_| damaged("a group's name"))?;
        let stored = stored(row, 2, topic, LogEntry::of(row)?)?;
        let (attempts, lineage) = (Attempts::default(), read_lineage(row, 5)?);
        let delivery = Delivery::new(stored, attempts, lineage, Ticket(0));
        handlings.extend(delivery.handling(action, &group));
    }
    Ok(handlings)
}
