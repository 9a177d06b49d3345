//! A group and its members in the store: joining, cursors, and the checks that one member makes for the others.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{
    expiry::{Held, give_back, is_alive, release_dead},
    joint,
};
use crate::{
    backends::sqlite::{
        codec::timestamp,
        connection::{
            liveness::{self, Liveness},
            log,
            session::Session,
        },
        delay,
        error::{StoreError, StoreResult, damaged},
    },
    event::{Group, Pattern, Topic},
    transport::{Dedup, DedupMode, ErrorKind, StartFrom, SubscribeRequest},
};

/// The interval at which a member checks the leases and the liveness of the others, in nanoseconds.
pub(crate) const EXPIRY_INTERVAL: i64 = 1_000_000_000;

/// The interval at which a group is marked as in use, in nanoseconds.
const SEEN: i64 = 60_000_000_000;

/// A member of a group, as the writing thread knows it.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) group: Group,
    pub(crate) group_id: i64,
    pub(crate) consumer: i64,
    pub(crate) ordered: bool,
    /// A bounded member ends after this position.
    pub(crate) end: Option<i64>,
    pub(crate) lease: i64,
    pub(crate) max_crashes: u32,
    /// The marks that it keeps.
    pub(crate) dedup: Option<Dedup>,
    /// Topics that the patterns match.
    pub(crate) topics: HashMap<i64, Topic>,
    pub(crate) next_ticket: u64,
    /// The time of the next check of the others.
    pub(crate) next_expiry_check: i64,
    patterns: Vec<Pattern>,
    newest_topic: i64,
    next_seen: i64,
}

/// Adds a member under the name of its liveness lock.
pub(crate) fn join(
    session: &mut Session,
    request: &SubscribeRequest,
    lock_name: &str,
) -> StoreResult<Membership> {
    let now = timestamp::now();
    let group_id = group_id(&session.connection, &request.group, now)?;
    let dedup = request.dedup.as_ref();
    let action = dedup.map(|dedup| dedup.action(&request.group).as_str().to_owned());
    let begins = dedup.is_some_and(|dedup| dedup.mode == DedupMode::AtMostOnce);
    let consumer = session
        .connection
        .prepare_cached(
            "INSERT INTO consumers(group_id, name, joined, action, begins) \
             VALUES(?1, ?2, ?3, ?4, ?5) RETURNING id",
        )?
        .query_row(params![group_id, lock_name, now, action, begins], |row| {
            row.get(0)
        })?;
    let mut member = Membership {
        group: request.group.clone(),
        group_id,
        consumer,
        ordered: request.ordered,
        end: None,
        lease: timestamp::nanos_of(request.lease),
        max_crashes: request.max_crashes.max(1),
        dedup: request.dedup.clone(),
        topics: HashMap::new(),
        next_ticket: 0,
        next_expiry_check: 0,
        patterns: request.patterns.clone(),
        newest_topic: 0,
        next_seen: now + SEEN,
    };
    // Everything due counts as stored before the join, however much it is.
    while delay::fire(session, now)? {}
    member.expire_leases(session, now)?;
    if let Some(dedup) = &member.dedup {
        joint::begin_for_others(session, consumer, &member.group, dedup)?;
    }
    let start = start_seq(&session.connection, request.from)?;
    member.learn_topics(&session.connection, start)?;
    if request.until_end {
        member.end = Some(log::last_seq_of(&session.connection)?);
    }
    let (group, topics, end) = (&member.group, member.topics.len(), member.end);
    tracing::debug!(%group, consumer, topics, end, "joined");
    Ok(member)
}

/// Returns the id of a group; creates it if it is new.
pub(crate) fn group_id(connection: &Connection, group: &Group, now: i64) -> StoreResult<i64> {
    let sql = "INSERT INTO groups(name, seen) VALUES(?1, ?2) \
         ON CONFLICT(name) DO UPDATE SET seen = excluded.seen RETURNING id";
    let mut insert = connection.prepare_cached(sql)?;
    Ok(insert.query_row(params![group.as_str(), now], |row| row.get(0))?)
}

/// Returns the position after which a new group starts; `None` is the beginning of each topic.
fn start_seq(connection: &Connection, from: StartFrom) -> StoreResult<Option<i64>> {
    match from {
        StartFrom::Earliest => Ok(None),
        StartFrom::New => log::last_seq_of(connection).map(Some),
        StartFrom::Time(time) => {
            let first = log::first_at(connection, timestamp::nanos(time))?;
            Ok(Some(first - 1))
        }
    }
}

impl Membership {
    /// Returns the newest topic that it knows.
    pub(crate) fn newest_topic(&self) -> i64 {
        self.newest_topic
    }

    /// Makes the next refresh read all topics: their cursors were rolled back.
    pub(crate) fn invalidate_topics(&mut self) {
        self.newest_topic = 0;
    }

    /// Adds new topics, from their beginning.
    pub(crate) fn refresh(&mut self, connection: &Connection) -> StoreResult<()> {
        let sql = "SELECT max(id) FROM topics";
        let mut newest = connection.prepare_cached(sql)?;
        let newest: Option<i64> = newest.query_row([], |row| row.get(0))?;
        if newest.unwrap_or(0) > self.newest_topic {
            self.learn_topics(connection, None)?;
        }
        Ok(())
    }

    fn learn_topics(&mut self, connection: &Connection, start: Option<i64>) -> StoreResult<()> {
        let sql = "SELECT id, name, removed_seq FROM topics WHERE id > ?1";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([self.newest_topic])?;
        let mut place = connection.prepare_cached(
            "INSERT INTO cursors(group_id, topic, seq) VALUES(?1, ?2, ?3) \
             ON CONFLICT DO NOTHING",
        )?;
        while let Some(row) = rows.next()? {
            let (id, removed): (i64, i64) = (row.get(0)?, row.get(2)?);
            self.newest_topic = self.newest_topic.max(id);
            let name: String = row.get(1)?;
            let Ok(topic) = name.parse::<Topic>() else {
                return Err(damaged("a topic's name"));
            };
            if self.patterns.iter().any(|pattern| pattern.matches(&topic)) {
                let start = start.unwrap_or(0).max(removed);
                place.execute([self.group_id, id, start])?;
                self.topics.insert(id, topic);
            }
        }
        Ok(())
    }

    /// Reports whether retention deleted messages that this group had not read.
    pub(crate) fn has_gap(&self, connection: &Connection) -> StoreResult<bool> {
        Ok(!self.gaps(connection)?.is_empty())
    }

    /// Moves the cursors past messages that retention deleted unread, and returns the gap once.
    pub(crate) fn skip_gaps(&self, connection: &Connection) -> StoreResult<Option<StoreError>> {
        let gaps = self.gaps(connection)?;
        let sql = "UPDATE cursors SET seq = ?3 WHERE group_id = ?1 AND topic = ?2";
        for (_, id, seq) in &gaps {
            connection
                .prepare_cached(sql)?
                .execute([self.group_id, *id, *seq])?;
        }
        if gaps.is_empty() {
            return Ok(None);
        }
        let gaps: Vec<String> = gaps
            .iter()
            .map(|(name, _, seq)| format!("`{name}` up to {seq}"))
            .collect();
        let gaps = gaps.join(", ");
        Ok(Some(StoreError::refuse(
            ErrorKind::Gap,
            format!("retention deleted unread messages of {gaps}"),
        )))
    }

    fn gaps(&self, connection: &Connection) -> StoreResult<Vec<(String, i64, i64)>> {
        let sql = "SELECT t.name, t.id, t.removed_seq FROM cursors c JOIN topics t ON t.id = c.topic \
             WHERE c.group_id = ?1 AND t.removed_seq > c.seq";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([self.group_id])?;
        let mut gaps = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, id, seq): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if self.topics.contains_key(&id) {
                gaps.push((name, id, seq));
            }
        }
        Ok(gaps)
    }

    /// Redelivers the messages of members that died and of leases that ended.
    pub(crate) fn expire_leases(&mut self, session: &Session, now: i64) -> StoreResult<()> {
        self.next_expiry_check = now + EXPIRY_INTERVAL;
        let connection = &session.connection;
        for (consumer, name) in self.others(connection)? {
            if liveness::check(&session.config, &name) == Liveness::Dead {
                release_dead(session, self.group_id, consumer, &name)?;
            }
        }
        self.expire(session, now)?;
        if now >= self.next_seen {
            self.next_seen = now + SEEN;
            let sql = "UPDATE groups SET seen = ?2 WHERE id = ?1";
            connection
                .prepare_cached(sql)?
                .execute([self.group_id, now])?;
        }
        Ok(())
    }

    /// Reports whether a check is due. If it is more than one interval away, the clock was set back.
    pub(crate) fn is_expiry_due(&self, now: i64) -> bool {
        now >= self.next_expiry_check || self.next_expiry_check - now > EXPIRY_INTERVAL
    }

    /// Reports whether [`expire_leases`](Self::expire_leases) would find something.
    pub(crate) fn must_expire_leases(&self, session: &Session, now: i64) -> StoreResult<bool> {
        if !self.is_expiry_due(now) {
            return Ok(false);
        }
        let connection = &session.connection;
        let dead = self
            .others(connection)?
            .iter()
            .any(|(_, name)| liveness::check(&session.config, name) == Liveness::Dead);
        Ok(dead || now >= self.next_seen || !self.expired(connection, now)?.is_empty())
    }

    fn others(&self, connection: &Connection) -> StoreResult<Vec<(i64, String)>> {
        let sql = "SELECT id, name FROM consumers WHERE group_id = ?1 AND id <> ?2";
        let mut select = connection.prepare_cached(sql)?;
        let rows = select.query_map([self.group_id, self.consumer], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn expired(&self, connection: &Connection, now: i64) -> StoreResult<Vec<(i64, i64)>> {
        let sql = "SELECT seq, consumer FROM held WHERE group_id = ?1 AND lease_until < ?2";
        let mut select = connection.prepare_cached(sql)?;
        let rows = select.query_map([self.group_id, now], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Redelivers messages whose leases ended. That is a crash only if the holder is not seen to be alive: a laptop
    /// that slept has killed no process.
    fn expire(&self, session: &Session, now: i64) -> StoreResult<()> {
        let mut lives = HashMap::from([(self.consumer, true)]);
        for (seq, consumer) in self.expired(&session.connection, now)? {
            let alive = match lives.get(&consumer) {
                Some(alive) => *alive,
                None => is_alive(session, consumer)?,
            };
            lives.insert(consumer, alive);
            tracing::warn!(
                position = seq,
                consumer,
                alive,
                "a lease ended; the message is redelivered"
            );
            give_back(&session.connection, self.group_id, Held::At(seq), !alive)?;
        }
        Ok(())
    }
}
