//! Whether a claim would find something, asked without taking the lock: who waits disturbs nobody.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    claim,
    membership::{Member, SWEEP},
};
use crate::backends::sqlite::{
    codec::timestamp as clock, connection::session::Session, delay as schedules, error::Outcome,
};

/// What a member can expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// There is something to claim.
    Ready,
    /// Nothing before this time, unless somebody commits.
    Wait(i64),
    /// Everything up to the member's end is done.
    End,
}

/// Looks what a member can expect.
pub(crate) fn outlook(session: &Session, member: &Member) -> Outcome<Outlook> {
    let now = clock::now();
    let connection = &session.connection;
    let due = schedules::next_due(connection)?;
    if due.is_some_and(|due| due <= now) || member.must_sweep(session, now)? {
        return Ok(Outlook::Ready);
    }
    if has_waiting(connection, member, now)?
        || has_new(connection, member)?
        || member.has_gap(connection)?
    {
        return Ok(Outlook::Ready);
    }
    if member.end.is_some() && !has_own(connection, member)? {
        return Ok(Outlook::End);
    }
    // The clock may have been set back.
    let sweep = member.next_sweep.clamp(now + SWEEP / 4, now + SWEEP);
    let retry = next_retry(connection, member, now)?;
    let soonest = [due, retry].into_iter().flatten().fold(sweep, i64::min);
    Ok(Outlook::Wait(soonest))
}

fn has_waiting(connection: &Connection, member: &Member, now: i64) -> Outcome<bool> {
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
fn has_new(connection: &Connection, member: &Member) -> Outcome<bool> {
    let sql = "SELECT max(id) FROM topics";
    let newest: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))?;
    let Some(end) = member.end else {
        return Ok(newest.unwrap_or(0) > member.newest_topic()
            || !claim::pending(connection, member)?.is_empty());
    };
    let sql = "SELECT EXISTS(SELECT 1 FROM messages \
         WHERE topic = ?1 AND seq > ?2 AND seq <= ?3 AND only_group IS NULL)";
    let mut select = connection.prepare_cached(sql)?;
    for (topic, cursor) in claim::pending(connection, member)? {
        if select.query_row([topic, cursor, end], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reports whether something that this member took is not done: in hand, or waiting for its retry.
fn has_own(connection: &Connection, member: &Member) -> Outcome<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM held WHERE group_id = ?1 AND consumer = ?2) \
         OR EXISTS(SELECT 1 FROM waiting WHERE group_id = ?1 AND owner = ?2)";
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_row([member.group_id, member.consumer], |row| row.get(0))?)
}

fn next_retry(connection: &Connection, member: &Member, now: i64) -> Outcome<Option<i64>> {
    let sql = "SELECT due FROM waiting WHERE group_id = ?1 AND due > ?2 ORDER BY due LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    let due = select.query_row(params![member.group_id, now], |row| row.get(0));
    Ok(due.optional()?)
}
