//! Whether a claim would find something: a read without the write lock, so that idle consumers do not slow down
//! writers.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::membership::{EXPIRY_INTERVAL, Membership};
use crate::{
    backends::sqlite::{codec::timestamp, connection::session::Session, delay, error::StoreResult},
    event::Topic,
    transport::{Backlog, HeldElsewhere},
};

/// What a member can expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// A claim will find something.
    Ready,
    /// Nothing before this time, unless another process or consumer commits.
    Wait(i64),
    /// Everything up to the end of a bounded member is done.
    End,
}

/// Returns what a member can expect.
pub(crate) fn readiness(session: &Session, member: &Membership) -> StoreResult<Readiness> {
    let now = timestamp::now();
    let connection = &session.connection;
    let due = delay::next_due(connection)?;
    if due.is_some_and(|due| due <= now) || member.must_expire_leases(session, now)? {
        return Ok(Readiness::Ready);
    }
    if has_waiting(connection, member, now)?
        || has_new(connection, member)?
        || member.has_gap(connection)?
    {
        return Ok(Readiness::Ready);
    }
    if member.end.is_some() && !has_own(connection, member)? {
        return Ok(Readiness::End);
    }
    // The clock may have been set back.
    let expire_leases = member
        .next_expiry_check
        .clamp(now + EXPIRY_INTERVAL / 4, now + EXPIRY_INTERVAL);
    let retry = next_retry(connection, member, now)?;
    let soonest = [due, retry]
        .into_iter()
        .flatten()
        .fold(expire_leases, i64::min);
    Ok(Readiness::Wait(soonest))
}

fn has_waiting(connection: &Connection, member: &Membership, now: i64) -> StoreResult<bool> {
    let sql = "SELECT m.topic FROM waiting w CROSS JOIN messages m ON m.seq = w.seq \
         WHERE w.group_id = ?1 AND w.due <= ?2 AND w.seq <= ?3 ORDER BY w.due, w.seq";
    let mut select = connection.prepare_cached(sql)?;
    let end = member.end.unwrap_or(i64::MAX);
    let mut rows = select.query([member.group_id, now, end])?;
    while let Some(row) = rows.next()? {
        if member.topics.contains_key(&row.get(0)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reports whether the log has something new: for a bounded member, before its end.
fn has_new(connection: &Connection, member: &Membership) -> StoreResult<bool> {
    let sql = "SELECT max(id) FROM topics";
    let newest: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    let Some(end) = member.end else {
        return Ok(
            newest.unwrap_or(0) > member.newest_topic() || !pending(connection, member)?.is_empty()
        );
    };
    let sql = "SELECT EXISTS(SELECT 1 FROM messages \
         WHERE topic = ?1 AND seq > ?2 AND seq <= ?3 AND only_group IS NULL)";
    let mut select = connection.prepare_cached(sql)?;
    for (topic, cursor) in pending(connection, member)? {
        if select.query_row([topic, cursor, end], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reports whether a message that this member claimed is not done: in flight, or waiting for its retry.
fn has_own(connection: &Connection, member: &Membership) -> StoreResult<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM held WHERE group_id = ?1 AND consumer = ?2) \
         OR EXISTS(SELECT 1 FROM waiting WHERE group_id = ?1 AND owner = ?2)";
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_row([member.group_id, member.consumer], |row| row.get(0))?)
}

/// Returns the messages before the end of a bounded member that others hold, or that wait for their retry.
pub(crate) fn held_elsewhere(
    connection: &Connection,
    member: &Membership,
) -> StoreResult<Option<HeldElsewhere>> {
    let sql = "SELECT m.topic, h.lease_until FROM held h JOIN messages m ON m.seq = h.seq \
         WHERE h.group_id = ?1 AND h.consumer <> ?2 AND h.seq <= ?3 \
         UNION ALL SELECT m.topic, w.due FROM waiting w JOIN messages m ON m.seq = w.seq \
         WHERE w.group_id = ?1 AND w.seq <= ?3";
    let mut select = connection.prepare_cached(sql)?;
    let end = member.end.unwrap_or(i64::MAX);
    let mut rows = select.query([member.group_id, member.consumer, end])?;
    let mut ends = Vec::new();
    while let Some(row) = rows.next()? {
        if member.topics.contains_key(&row.get(0)?) {
            ends.push(timestamp::time(row.get(1)?));
        }
    }
    Ok(HeldElsewhere::of(ends))
}

/// Returns what the member's group has not finished, topic by topic.
pub(crate) fn backlog(connection: &Connection, member: &Membership) -> StoreResult<Vec<Backlog>> {
    // The index of topics counts by itself. It has replays for other groups too, where they are between new messages.
    let sql = "SELECT topic, sum(number), min(time) FROM ( \
         SELECT c.topic AS topic, (SELECT count(*) FROM messages m WHERE m.topic = c.topic \
         AND m.seq > c.seq AND m.seq <= t.last_seq) AS number, (SELECT m.time FROM messages m \
         WHERE m.topic = c.topic AND m.seq > c.seq ORDER BY m.seq LIMIT 1) AS time \
         FROM cursors c JOIN topics t ON t.id = c.topic WHERE c.group_id = ?1 AND t.last_seq > c.seq \
         UNION ALL SELECT m.topic, 1, m.time FROM held h JOIN messages m ON m.seq = h.seq \
         WHERE h.group_id = ?1 \
         UNION ALL SELECT m.topic, 1, m.time FROM waiting w JOIN messages m ON m.seq = w.seq \
         WHERE w.group_id = ?1) GROUP BY topic";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([member.group_id])?;
    let none = |(id, topic): (&i64, &Topic)| {
        let backlog = Backlog {
            topic: Some(topic.clone()),
            messages: 0,
            oldest: None,
        };
        (*id, backlog)
    };
    let mut topics: HashMap<i64, Backlog> = member.topics.iter().map(none).collect();
    while let Some(row) = rows.next()? {
        if let Some(backlog) = topics.get_mut(&row.get(0)?) {
            backlog.messages = row.get(1)?;
            backlog.oldest = row.get::<_, Option<i64>>(2)?.map(timestamp::time);
        }
    }
    Ok(topics.into_values().collect())
}

fn next_retry(connection: &Connection, member: &Membership, now: i64) -> StoreResult<Option<i64>> {
    let sql = "SELECT due FROM waiting WHERE group_id = ?1 AND due > ?2 ORDER BY due LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    let due = select.query_row(params![member.group_id, now], |row| row.get(0));
    Ok(due.optional()?)
}

/// Returns the member's topics that have something after the cursor, with the cursor.
pub(crate) fn pending(
    connection: &Connection,
    member: &Membership,
) -> StoreResult<Vec<(i64, i64)>> {
    let sql = "SELECT c.topic, c.seq FROM cursors c JOIN topics t ON t.id = c.topic \
         WHERE c.group_id = ?1 AND t.last_seq > c.seq AND c.seq < ?2";
    let mut select = connection.prepare_cached(sql)?;
    let end = member.end.unwrap_or(i64::MAX);
    let mut rows = select.query([member.group_id, end])?;
    let mut pending = Vec::new();
    while let Some(row) = rows.next()? {
        let topic = row.get(0)?;
        if member.topics.contains_key(&topic) {
            pending.push((topic, row.get(1)?));
        }
    }
    Ok(pending)
}
