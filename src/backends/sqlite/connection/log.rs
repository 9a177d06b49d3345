//! The log table: appending inside a transaction, and finding positions.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::session::Session;
use crate::{
    backends::sqlite::{
        codec::{
            headers,
            row::{key_hash, write_lineage},
        },
        error::StoreResult,
    },
    event::{Message, Topic},
    transport::Lineage,
};

/// How far timestamps may be out of order, in nanoseconds: each process reads its own clock, before it waits for the
/// lock.
const SLACK: i64 = 1_000_000_000;

const INSERT: &str = "INSERT INTO messages(seq, topic, time, key, headers, payload, only_group, \
     lineage) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Appends messages, and stores the last position of each topic at the end.
#[derive(Debug)]
pub(crate) struct Appender<'s> {
    session: &'s mut Session,
    time: i64,
    seq: i64,
    ends: HashMap<i64, i64>,
    /// The topic of the last message: most batches have one.
    last: Option<(Topic, i64)>,
}

impl<'s> Appender<'s> {
    /// Starts to append messages with this timestamp.
    pub(crate) fn new(session: &'s mut Session, time: i64) -> StoreResult<Self> {
        let seq = match session.last_seq {
            Some(seq) => seq,
            None => last_seq_of(&session.connection)?,
        };
        Ok(Self {
            session,
            time,
            seq,
            ends: HashMap::new(),
            last: None,
        })
    }

    /// Returns the store that it appends to.
    pub(crate) fn session(&self) -> &Session {
        self.session
    }

    /// Appends a message for every group and returns its position.
    pub(crate) fn push(&mut self, message: &Message) -> StoreResult<i64> {
        let (topic, seq) = self.insert(message, None, None)?;
        self.ends.insert(topic, seq);
        Ok(seq)
    }

    /// Appends a replayed message with its lineage; for one group alone, if one is given.
    pub(crate) fn push_replay(
        &mut self,
        message: &Message,
        lineage: &Lineage,
        group: Option<i64>,
    ) -> StoreResult<i64> {
        let lineage = write_lineage(lineage)?;
        let (topic, seq) = self.insert(message, group, Some(&lineage))?;
        match group {
            Some(group) => {
                let key = message.key.as_deref().map(key_hash);
                enqueue_for_group(self.session, group, seq, key)?;
            }
            None => drop(self.ends.insert(topic, seq)),
        }
        Ok(seq)
    }

    fn insert(
        &mut self,
        message: &Message,
        group: Option<i64>,
        lineage: Option<&str>,
    ) -> StoreResult<(i64, i64)> {
        let topic = self.topic(&message.topic)?;
        self.seq += 1;
        self.session
            .connection
            .prepare_cached(INSERT)?
            .execute(params![
                self.seq,
                topic,
                self.time,
                message.key.as_deref(),
                headers::pack(&message.headers),
                message.payload.as_deref(),
                group,
                lineage,
            ])?;
        Ok((topic, self.seq))
    }

    /// Stores the last position of each topic.
    pub(crate) fn finish(self) -> StoreResult<()> {
        self.session.last_seq = Some(self.seq);
        let mut note = self
            .session
            .connection
            .prepare_cached("UPDATE topics SET last_seq = ?2 WHERE id = ?1")?;
        for (topic, seq) in self.ends {
            note.execute([topic, seq])?;
        }
        Ok(())
    }

    fn topic(&mut self, topic: &Topic) -> StoreResult<i64> {
        if let Some((last, id)) = &self.last
            && last == topic
        {
            return Ok(*id);
        }
        let id = topic_id(self.session, topic)?;
        self.last = Some((topic.clone(), id));
        Ok(id)
    }
}

/// Returns the position of the newest message. No position is given out twice: retention keeps the newest message.
pub(crate) fn last_seq_of(connection: &rusqlite::Connection) -> StoreResult<i64> {
    let mut statement = connection.prepare_cached("SELECT max(seq) FROM messages")?;
    let seq: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(seq.unwrap_or(0))
}

/// Returns the first position whose message was stored at or after a time: a binary search up to the slack, then a
/// scan.
pub(crate) fn first_at(connection: &rusqlite::Connection, time: i64) -> StoreResult<i64> {
    let mut at = connection
        .prepare_cached("SELECT seq, time FROM messages WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let mut low = 0;
    let mut high = last_seq_of(connection)? + 1;
    while low < high {
        let middle = low + (high - low) / 2;
        let (seq, stored): (i64, i64) =
            at.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if stored < time.saturating_sub(SLACK) {
            low = seq + 1;
        } else {
            high = middle;
        }
    }
    let sql = "SELECT seq FROM messages WHERE seq >= ?1 AND time >= ?2 ORDER BY seq LIMIT 1";
    let mut first = connection.prepare_cached(sql)?;
    let found = first.query_row([low, time], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(last_seq_of(connection)? + 1))
}

/// Returns the id of a topic; creates it if it is new.
pub(crate) fn topic_id(session: &mut Session, topic: &Topic) -> StoreResult<i64> {
    if let Some(id) = session.topics.get(topic) {
        return Ok(*id);
    }
    let found = session
        .connection
        .prepare_cached("SELECT id FROM topics WHERE name = ?1")?
        .query_row([topic.as_str()], |row| row.get(0))
        .optional()?;
    let id = match found {
        Some(id) => id,
        None => session
            .connection
            .prepare_cached("INSERT INTO topics(name) VALUES(?1) RETURNING id")?
            .query_row([topic.as_str()], |row| row.get(0))?,
    };
    session.topics.insert(topic.clone(), id);
    Ok(id)
}

/// Enqueues a message for a group, beside its cursor.
pub(crate) fn enqueue_for_group(
    session: &Session,
    group: i64,
    seq: i64,
    key_hash: Option<i64>,
) -> StoreResult<()> {
    let sql = "INSERT INTO waiting(group_id, seq, due, key_hash, failed, crashed) \
         VALUES(?1, ?2, 0, ?3, 0, 0)";
    let mut insert = session.connection.prepare_cached(sql)?;
    insert.execute(params![group, seq, key_hash])?;
    Ok(())
}
