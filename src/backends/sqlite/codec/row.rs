//! Rows of the log as messages; positions; key hashes.

use bytes::{Bytes, BytesMut};
use rusqlite::{Row, types::ValueRef};

use super::{headers, timestamp};
use crate::{
    backends::sqlite::error::{StoreResult, damaged},
    event::{Headers, Message, Position, Stored, Topic},
    transport::Lineage,
};

/// Columns that [`message`] reads, in its order.
pub(crate) const COLUMNS: &str = "m.key, m.headers, m.payload";

/// Payloads and keys of many small messages in one allocation: a claim of a thousand messages would otherwise
/// allocate twice for each. A message that is kept also keeps its neighbours' bytes, but no more than one block.
#[derive(Debug, Default)]
pub(crate) struct ByteArena(BytesMut);

impl ByteArena {
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
pub(crate) fn message(row: &Row<'_>, first: usize, topic: Topic) -> StoreResult<Message> {
    message_with(row, first, topic, copy)
}

/// Reads what [`message`] does, with the bytes in an arena.
pub(crate) fn message_in(
    block: &mut ByteArena,
    row: &Row<'_>,
    first: usize,
    topic: Topic,
) -> StoreResult<Message> {
    message_with(row, first, topic, |parts| block.keep(parts))
}

fn message_with(
    row: &Row<'_>,
    first: usize,
    topic: Topic,
    keep: impl FnOnce([Option<&[u8]>; 2]) -> [Option<Bytes>; 2],
) -> StoreResult<Message> {
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

/// Where a row is stored in the log, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogEntry {
    pub(crate) seq: i64,
    pub(crate) time: i64,
}

impl LogEntry {
    /// Reads it from the first two columns.
    pub(crate) fn of(row: &Row<'_>) -> StoreResult<Self> {
        Ok(Self {
            seq: row.get(0)?,
            time: row.get(1)?,
        })
    }
}

/// Reads [`COLUMNS`] that begin at `first`, with position and time.
pub(crate) fn stored(
    row: &Row<'_>,
    first: usize,
    topic: Topic,
    entry: LogEntry,
) -> StoreResult<Stored> {
    Ok(Stored {
        message: message(row, first, topic)?,
        position: position(entry.seq),
        time: timestamp::time(entry.time),
    })
}

/// Reads what [`stored`] does, with the bytes in an arena.
pub(crate) fn stored_in(
    block: &mut ByteArena,
    row: &Row<'_>,
    first: usize,
    topic: Topic,
    entry: LogEntry,
) -> StoreResult<Stored> {
    Ok(Stored {
        message: message_in(block, row, first, topic)?,
        position: position(entry.seq),
        time: timestamp::time(entry.time),
    })
}

/// Returns the position of a row.
pub(crate) fn position(seq: i64) -> Position {
    Position::number(seq)
}

fn blob<'r>(row: &'r Row<'_>, index: usize) -> StoreResult<Option<&'r [u8]>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(Some(bytes)),
        _ => Err(damaged("a payload or key")),
    }
}

/// Reads the lineage of a replayed message.
pub(crate) fn read_lineage(row: &Row<'_>, index: usize) -> StoreResult<Option<Box<Lineage>>> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(None),
        value => value
            .as_str()
            .ok()
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| damaged("a replay's history")),
    }
}

pub(crate) fn write_lineage(lineage: &Lineage) -> StoreResult<String> {
    serde_json::to_string(lineage).map_err(|_| damaged("a replay's history"))
}

/// Hashes a key (FNV-1a). Two keys with the same hash only wait for each other. The value is stored: it must not
/// change.
pub(crate) fn key_hash(key: &[u8]) -> i64 {
    crate::backends::fnv::fnv1a(key.iter().copied()).cast_signed()
}
