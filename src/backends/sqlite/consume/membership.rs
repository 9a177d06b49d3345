//! What a group and its members have on record: joining, leaving, and giving back what the dead held.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    event::{Group, Pattern, Topic},
    transport::{ErrorKind, StartFrom, SubscribeRequest},
};

use crate::backends::sqlite::{
    codec::timestamp as clock,
    connection::liveness::{self as presence, Life},
    connection::log,
    connection::session::Session,
    delay as schedules,
    error::{Fault, Outcome},
};

/// How often a consumer looks whether the others live, in nanoseconds.
pub(crate) const SWEEP: i64 = 1_000_000_000;

/// How often a group is noted as being used, in nanoseconds.
const SEEN: i64 = 60_000_000_000;

/// A consumer of a group, as the writing thread knows it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) group: Group,
    pub(crate) group_id: i64,
    pub(crate) consumer: i64,
    pub(crate) ordered: bool,
    /// Nothing behind this position is wanted.
    pub(crate) end: Option<i64>,
    pub(crate) lease: i64,
    pub(crate) max_crashes: u32,
    /// Topics that the patterns match.
    pub(crate) topics: HashMap<i64, Topic>,
    pub(crate) next_ticket: u64,
    /// When the others are looked at again.
    pub(crate) next_sweep: i64,
    patterns: Vec<Pattern>,
    newest_topic: i64,
    next_seen: i64,
}

/// Adds a consumer under the name of its lock.
pub(crate) fn join(
    session: &mut Session,
    request: &SubscribeRequest,
    presence: &str,
) -> Outcome<Member> {
    let now = clock::now();
    let group_id = group_id(&session.connection, &request.group, now)?;
    let consumer = session
        .connection
        .prepare_cached(
            "INSERT INTO consumers(group_id, name, joined) VALUES(?1, ?2, ?3) RETURNING id",
        )?
        .query_row(params![group_id, presence, now], |row| row.get(0))?;
    let mut member = Member {
        group: request.group.clone(),
        group_id,
        consumer,
        ordered: request.ordered,
        end: None,
        lease: clock::span(request.lease),
        max_crashes: request.max_crashes.max(1),
        topics: HashMap::new(),
        next_ticket: 0,
        next_sweep: 0,
        patterns: request.patterns.clone(),
        newest_topic: 0,
        next_seen: now + SEEN,
    };
    // What is due belongs to what is there, however much it is.
    while schedules::fire(session, now)? {}
    member.sweep(session, now)?;
    let start = start_seq(&session.connection, request.from)?;
    member.learn_topics(&session.connection, start)?;
    if request.until_end {
        member.end = Some(log::end_of(&session.connection)?);
    }
    let (group, topics, end) = (&member.group, member.topics.len(), member.end);
    tracing::debug!(%group, consumer, topics, end, "joined");
    Ok(member)
}

/// Finds a group, or makes it.
pub(crate) fn group_id(connection: &Connection, group: &Group, now: i64) -> Outcome<i64> {
    let sql = "INSERT INTO groups(name, seen) VALUES(?1, ?2) \
         ON CONFLICT(name) DO UPDATE SET seen = excluded.seen RETURNING id";
    let mut insert = connection.prepare_cached(sql)?;
    Ok(insert.query_row(params![group.as_str(), now], |row| row.get(0))?)
}

/// Returns the position behind which a new group starts; none is the beginning of each topic.
fn start_seq(connection: &Connection, from: StartFrom) -> Outcome<Option<i64>> {
    match from {
        StartFrom::Earliest => Ok(None),
        StartFrom::New => log::end_of(connection).map(Some),
        StartFrom::Time(time) => {
            let first = log::first_at(connection, clock::nanos(time))?;
            Ok(Some(first - 1))
        }
    }
}

impl Member {
    /// Returns the newest topic that was looked at.
    pub(crate) fn newest_topic(&self) -> i64 {
        self.newest_topic
    }

    /// Looks at every topic again: what was noted of them was undone.
    pub(crate) fn relearn(&mut self) {
        self.newest_topic = 0;
    }

    /// Finds topics that are new, and starts them at their beginning.
    pub(crate) fn refresh(&mut self, connection: &Connection) -> Outcome<()> {
        let sql = "SELECT max(id) FROM topics";
        let mut newest = connection.prepare_cached(sql)?;
        let newest: Option<i64> = newest.query_row([], |row| row.get(0))?;
        if newest.unwrap_or(0) > self.newest_topic {
            self.learn_topics(connection, None)?;
        }
        Ok(())
    }

    fn learn_topics(&mut self, connection: &Connection, start: Option<i64>) -> Outcome<()> {
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
                return Err(log::damaged("a topic's name"));
            };
            if self.patterns.iter().any(|pattern| pattern.matches(&topic)) {
                let start = start.unwrap_or(0).max(removed);
                place.execute([self.group_id, id, start])?;
                self.topics.insert(id, topic);
            }
        }
        Ok(())
    }

    /// Reports whether retention removed something before this group had read it.
    pub(crate) fn has_gap(&self, connection: &Connection) -> Outcome<bool> {
        Ok(!self.gaps(connection)?.is_empty())
    }

    /// Goes behind what retention removed before this group had read it, and says so once.
    pub(crate) fn pass_gaps(&self, connection: &Connection) -> Outcome<Option<Fault>> {
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
        let told: Vec<String> = gaps
            .iter()
            .map(|(name, _, seq)| format!("`{name}` up to {seq}"))
            .collect();
        let told = told.join(", ");
        Ok(Some(Fault::refuse(
            ErrorKind::Gap,
            format!("retention removed messages unread, of {told}"),
        )))
    }

    fn gaps(&self, connection: &Connection) -> Outcome<Vec<(String, i64, i64)>> {
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

    /// Gives back what the dead held, and what was kept beyond its lease.
    pub(crate) fn sweep(&mut self, session: &Session, now: i64) -> Outcome<()> {
        self.next_sweep = now + SWEEP;
        let connection = &session.connection;
        for (consumer, name) in self.others(connection)? {
            if presence::look(&session.config, &name) == Life::Dead {
                release_dead(session, (self.group_id, consumer), &name)?;
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

    /// Reports whether it is time to look. More than one period ahead, the clock was set back.
    pub(crate) fn is_sweep_due(&self, now: i64) -> bool {
        now >= self.next_sweep || self.next_sweep - now > SWEEP
    }

    /// Reports whether [`sweep`](Self::sweep) would find something.
    pub(crate) fn must_sweep(&self, session: &Session, now: i64) -> Outcome<bool> {
        if !self.is_sweep_due(now) {
            return Ok(false);
        }
        let connection = &session.connection;
        let dead = self
            .others(connection)?
            .iter()
            .any(|(_, name)| presence::look(&session.config, name) == Life::Dead);
        Ok(dead || now >= self.next_seen || !self.expired(connection, now)?.is_empty())
    }

    fn others(&self, connection: &Connection) -> Outcome<Vec<(i64, String)>> {
        let sql = "SELECT id, name FROM consumers WHERE group_id = ?1 AND id <> ?2";
        let mut select = connection.prepare_cached(sql)?;
        let rows = select.query_map([self.group_id, self.consumer], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn expired(&self, connection: &Connection, now: i64) -> Outcome<Vec<(i64, i64)>> {
        let sql = "SELECT seq, consumer FROM held WHERE group_id = ?1 AND lease_until < ?2";
        let mut select = connection.prepare_cached(sql)?;
        let rows = select.query_map([self.group_id, now], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// A lease that ran out is a crash only if its holder is not seen to live: a suspended machine took
    /// nothing down.
    fn expire(&self, session: &Session, now: i64) -> Outcome<()> {
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
                "a lease ran out; the message goes to others"
            );
            give_back(&session.connection, self.group_id, Held::At(seq), !alive)?;
        }
        Ok(())
    }
}

fn is_alive(session: &Session, consumer: i64) -> Outcome<bool> {
    let sql = "SELECT name FROM consumers WHERE id = ?1";
    let name: Option<String> = session
        .connection
        .prepare_cached(sql)?
        .query_row([consumer], |row| row.get(0))
        .optional()?;
    Ok(name.is_some_and(|name| presence::look(&session.config, &name) == Life::Alive))
}

/// Takes all consumers off the record that died, of any group.
pub(crate) fn release_all_dead(session: &Session) -> Outcome<()> {
    let known = {
        let sql = "SELECT group_id, id, name FROM consumers";
        let mut select = session.connection.prepare_cached(sql)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<rusqlite::Result<Vec<(i64, i64, String)>>>()?
    };
    for (group, consumer, name) in known {
        if presence::look(&session.config, &name) == Life::Dead {
            release_dead(session, (group, consumer), &name)?;
        }
    }
    Ok(())
}

fn release_dead(session: &Session, (group, consumer): (i64, i64), name: &str) -> Outcome<()> {
    tracing::warn!(
        group,
        consumer,
        name,
        "a consumer died; what it held goes to others"
    );
    give_back(&session.connection, group, Held::By(consumer), true)?;
    remove(&session.connection, consumer)?;
    presence::clear(&session.config, name);
    Ok(())
}

/// Takes a consumer off the record; what it held is for others, uncounted.
pub(crate) fn leave(session: &Session, group_id: i64, consumer: i64) -> Outcome<()> {
    tracing::debug!(group = group_id, consumer, "left");
    give_back(&session.connection, group_id, Held::By(consumer), false)?;
    remove(&session.connection, consumer)
}

fn remove(connection: &Connection, consumer: i64) -> Outcome<()> {
    let sql = "DELETE FROM consumers WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([consumer])?;
    Ok(())
}

/// What of `held` is given back.
#[derive(Debug, Clone, Copy)]
enum Held {
    By(i64),
    At(i64),
}

fn give_back(connection: &Connection, group: i64, held: Held, crashed: bool) -> Outcome<()> {
    let (column, value) = match held {
        Held::By(consumer) => ("consumer", consumer),
        Held::At(seq) => ("seq", seq),
    };
    let sql = format!(
        "INSERT INTO waiting(group_id, seq, due, key_hash, failed, crashed, first_failed) \
         SELECT group_id, seq, 0, key_hash, failed, crashed + ?3, first_failed FROM held \
         WHERE group_id = ?1 AND {column} = ?2"
    );
    connection
        .prepare_cached(&sql)?
        .execute(params![group, value, crashed])?;
    let sql = format!("DELETE FROM held WHERE group_id = ?1 AND {column} = ?2");
    connection.prepare_cached(&sql)?.execute([group, value])?;
    Ok(())
}
