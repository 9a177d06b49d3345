//! The log of messages: appending inside a transaction, and rows as messages.

use std::{collections::HashMap, sync::Arc};

use bytes::{Bytes, BytesMut};
use rusqlite::{OptionalExtension, Row, params, types::ValueRef};

use crate::{
    event::{Headers, Message, Position, Stored, Topic},
    transport::{ErrorKind, Lineage, Result},
};

use super::{reader::Reader, session::Session};
use crate::backends::sqlite::{
    codec::headers,
    codec::timestamp as clock,
    connection::write::transaction::Step,
    connection::write::writer::Writer,
    error::{Fault, Outcome},
};

/// Columns that [`message`] reads, in its order.
pub(crate) const COLUMNS: &str = "m.key, m.headers, m.payload";

/// How far times may be out of order, in nanoseconds: another process's clock reading, a commit that waited.
const SLACK: i64 = 1_000_000_000;

const INSERT: &str = "INSERT INTO messages(seq, topic, time, key, headers, payload, only_group, \
     lineage) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Appends to the log, and at the end notes how far each topic goes.
#[derive(Debug)]
pub(crate) struct Appender<'s> {
    session: &'s mut Session,
    time: i64,
    seq: i64,
    ends: HashMap<i64, i64>,
    /// The topic of the message before: most batches have one.
    last: Option<(Topic, i64)>,
}

impl<'s> Appender<'s> {
    /// Starts to append with this time.
    pub(crate) fn new(session: &'s mut Session, time: i64) -> Outcome<Self> {
        let seq = match session.last_seq {
            Some(seq) => seq,
            None => end_of(&session.connection)?,
        };
        Ok(Self {
            session,
            time,
            seq,
            ends: HashMap::new(),
            last: None,
        })
    }

    /// Appends a message for every group and returns where it stands.
    pub(crate) fn push(&mut self, message: &Message) -> Outcome<i64> {
        let (topic, seq) = self.insert(message, None, None)?;
        self.ends.insert(topic, seq);
        Ok(seq)
    }

    /// Appends a replayed message: with its history, and for one group alone if one is named.
    pub(crate) fn push_replay(
        &mut self,
        message: &Message,
        lineage: &Lineage,
        group: Option<i64>,
    ) -> Outcome<i64> {
        let lineage = write_lineage(lineage)?;
        let (topic, seq) = self.insert(message, group, Some(&lineage))?;
        match group {
            Some(group) => {
                let key = message.key.as_deref().map(key_hash);
                set_aside(self.session, group, seq, key)?;
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
    ) -> Outcome<(i64, i64)> {
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

    /// Notes how far each topic goes now.
    pub(crate) fn finish(self) -> Outcome<()> {
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

    fn topic(&mut self, topic: &Topic) -> Outcome<i64> {
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

/// Returns the position of the newest message. Positions are never given out twice: retention keeps the
/// newest.
pub(crate) fn end_of(connection: &rusqlite::Connection) -> Outcome<i64> {
    let mut statement = connection.prepare_cached("SELECT max(seq) FROM messages")?;
    let seq: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(seq.unwrap_or(0))
}

/// Finds the first position whose message was stored at or after a time.
pub(crate) fn first_at(connection: &rusqlite::Connection, time: i64) -> Outcome<i64> {
    let mut at = connection
        .prepare_cached("SELECT seq, time FROM messages WHERE seq >= ?1 ORDER BY seq LIMIT 1")?;
    let mut low = 0;
    let mut high = end_of(connection)? + 1;
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
    Ok(found.unwrap_or(end_of(connection)? + 1))
}

/// Finds a topic, or makes it.
pub(crate) fn topic_id(session: &mut Session, topic: &Topic) -> Outcome<i64> {
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

/// Returns the topics of a store.
pub(crate) async fn topics(reader: &Arc<Reader>) -> Result<Vec<Topic>> {
    reader
        .read(|connection| {
            let sql = "SELECT name FROM topics ORDER BY name";
            let mut select = connection.prepare_cached(sql)?;
            let names = select.query_map([], |row| row.get::<_, String>(0))?;
            names
                .map(|name| name?.parse().map_err(|_| damaged("a topic's name")))
                .collect()
        })
        .await
}

/// Makes a topic unless it is there.
pub(crate) async fn create_topic(writer: &Writer, topic: &Topic) -> Result<()> {
    let topic = topic.clone();
    writer
        .write(Step::Other, move |session| {
            topic_id(session, &topic).map(drop)
        })
        .await
}

/// Sets a message aside for a group, ready to be handed out.
pub(crate) fn set_aside(
    session: &Session,
    group: i64,
    seq: i64,
    key_hash: Option<i64>,
) -> Outcome<()> {
    let sql = "INSERT INTO waiting(group_id, seq, due, key_hash, failed, crashed) \
         VALUES(?1, ?2, 0, ?3, 0, 0)";
    let mut insert = session.connection.prepare_cached(sql)?;
    insert.execute(params![group, seq, key_hash])?;
    Ok(())
}

/// Where the bytes of many small messages are put together: one allocation for a few dozen. A message that is
/// kept keeps its neighbours' bytes too, but no more than a block of them.
#[derive(Debug, Default)]
pub(crate) struct Block(BytesMut);

impl Block {
    const SIZE: usize = 16 * 1024;

    fn keep(&mut self, parts: [Option<&[u8]>; 2]) -> [Option<Bytes>; 2] {
        let size = parts.iter().flatten().map(|part| part.len()).sum();
        if size > Self::SIZE / 8 {
            return copy(parts);
        }
        if self.0.capacity() < size {
            self.0 = BytesMut::with_capacity(Self::SIZE);
        }
        for part in parts.iter().flatten() {
            self.0.extend_from_slice(part);
        }
        let mut kept = self.0.split().freeze();
        parts.map(|part| part.map(|part| kept.split_to(part.len())))
    }
}

fn copy(parts: [Option<&[u8]>; 2]) -> [Option<Bytes>; 2] {
    parts.map(|part| part.map(Bytes::copy_from_slice))
}

/// Reads [`COLUMNS`] that begin at `first`.
pub(crate) fn message(row: &Row<'_>, first: usize, topic: Topic) -> Outcome<Message> {
    message_with(row, first, topic, copy)
}

fn message_with(
    row: &Row<'_>,
    first: usize,
    topic: Topic,
    keep: impl FnOnce([Option<&[u8]>; 2]) -> [Option<Bytes>; 2],
) -> Outcome<Message> {
    let [key, payload] = keep([blob(row, first)?, blob(row, first + 2)?]);
    Ok(Message {
        topic,
        key,
        headers: match row.get_ref(first + 1)? {
            ValueRef::Null => Headers::new(),
            value => value
                .as_blob()
                .ok()
                .and_then(headers::unpack)
                .ok_or_else(|| damaged("headers"))?,
        },
        payload,
    })
}

/// Reads [`COLUMNS`] that begin at `first`, with where and when.
pub(crate) fn stored(
    row: &Row<'_>,
    first: usize,
    topic: Topic,
    (seq, time): (i64, i64),
) -> Outcome<Stored> {
    Ok(Stored {
        message: message(row, first, topic)?,
        position: position(seq),
        time: clock::time(time),
    })
}

/// Does what [`stored`] does, with the bytes in a block.
pub(crate) fn stored_in(
    block: &mut Block,
    row: &Row<'_>,
    first: usize,
    topic: Topic,
    (seq, time): (i64, i64),
) -> Outcome<Stored> {
    Ok(Stored {
        message: message_with(row, first, topic, |parts| block.keep(parts))?,
        position: position(seq),
        time: clock::time(time),
    })
}

/// Turns a number into a position.
pub(crate) fn position(seq: i64) -> Position {
    Position::number(seq)
}

fn blob<'r>(row: &'r Row<'_>, index: usize) -> Outcome<Option<&'r [u8]>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(Some(bytes)),
        _ => Err(damaged("a payload or key")),
    }
}

/// Reads a history.
pub(crate) fn read_lineage(row: &Row<'_>, index: usize) -> Outcome<Option<Box<Lineage>>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        value => value
            .as_str()
            .ok()
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| damaged("a replay's history")),
    }
}

fn write_lineage(lineage: &Lineage) -> Outcome<String> {
    serde_json::to_string(lineage).map_err(|_| damaged("a replay's history"))
}

/// Says that something stored cannot be read.
pub(crate) fn damaged(what: &str) -> Fault {
    Fault::refuse(
        ErrorKind::Corrupt,
        format!("{what} in the store is damaged"),
    )
}

/// Turns a key into a number (FNV-1a): two keys that share one only wait for each other.
pub(crate) fn key_hash(key: &[u8]) -> i64 {
    crate::backends::fnv::fnv1a(key.iter().copied()).cast_signed()
}
