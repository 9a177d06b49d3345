//! Notes of triage: the last record of a key each, in `pf.state`.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use super::state_topic;
use crate::{
    backends::kafka::{
        codec::{record::OutgoingRecord, topic_partition::OffsetRange},
        connection::{client::settings::Isolation, handle::Connection},
        error::error,
        read::partition_reader::PartitionReader,
    },
    transport::{ErrorKind, Note, NoteName, Result},
};

/// The beginning of the key of a note.
const KEY: &str = "note/";
/// The longest value that is kept in memory, and the most bytes of all that are.
const SMALL: usize = 16 << 10;
const MOST: usize = 8 << 20;
/// How long notes are kept in memory.
const LASTS: Duration = Duration::from_secs(30);

/// Stores or removes a note.
pub(crate) async fn put(
    connection: &Arc<Connection>,
    name: &NoteName,
    value: Option<String>,
) -> Result<()> {
    state_topic::ensure_topic(connection).await?;
    let record = record(connection, name, value);
    state_topic::write(connection, vec![record]).await.map(drop)
}

/// Returns the record that stores or removes a note.
pub(crate) fn record(
    connection: &Connection,
    name: &NoteName,
    value: Option<String>,
) -> OutgoingRecord {
    OutgoingRecord {
        payload: value.map(Bytes::from),
        ..state_topic::tombstone(connection, format!("{KEY}{name}"))
    }
}

/// Reads the note of a name and those under it.
pub(crate) async fn read(
    connection: &Arc<Connection>,
    cache: &NoteCache,
    under: &NoteName,
) -> Result<Vec<Note>> {
    let topic = connection.names().state_topic();
    if connection.topics.partitions(&topic).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut ranges = connection.topics.ranges(vec![(topic, 0)]).await?;
    let Some(range) = ranges.pop() else {
        return Ok(Vec::new());
    };
    let mut known = cache.0.lock().await;
    let mut large = known.read_on(connection, range.clone(), under).await?;
    if known.lacks(under, &large) {
        large = known.read_again(connection, range, under).await?;
    }
    known
        .under(under)
        .filter_map(|(name, kept)| match kept {
            Kept::Small(value) => Some(note(name.clone(), value)),
            Kept::Large => large.get(name).map(|value| note(name.clone(), value)),
        })
        .collect()
}

/// What the notes were when they were read last. A command reads several kinds of them in a row, and what is behind the
/// last read is little.
#[derive(Debug, Default)]
pub(crate) struct NoteCache(tokio::sync::Mutex<KnownNotes>);

#[derive(Debug, Default)]
struct KnownNotes {
    notes: BTreeMap<NoteName, Kept>,
    bytes: usize,
    /// The offset behind the last record that was read.
    next: i64,
    /// The offset of that record and the broker's time of it, by which a topic that was created again is recognised.
    last: Option<(i64, SystemTime)>,
    /// When the first was read: after a while all are read again.
    since: Option<Instant>,
}

/// A note, without its value where that would take much memory.
#[derive(Debug)]
enum Kept {
    Small(Bytes),
    Large,
}

impl KnownNotes {
    /// Reads what was written since the last time; returns the large values under a name that were read.
    async fn read_on(
        &mut self,
        connection: &Arc<Connection>,
        mut range: OffsetRange,
        under: &NoteName,
    ) -> Result<BTreeMap<NoteName, Bytes>> {
        let is_young = self.since.is_some_and(|since| since.elapsed() < LASTS);
        let (first, until) = (range.from, range.until.unwrap_or(range.from));
        if !is_young || self.next > until {
            self.forget();
        }
        if self.next < until
            && let Some((last, _)) = self.last
        {
            // Once more the last one: is it still the same?
            range.from = range.from.max(last);
        } else {
            range.from = range.from.max(self.next);
        }
        let mut large = BTreeMap::new();
        if !self
            .read_new(connection, range.clone(), under, &mut large)
            .await?
        {
            range.from = first;
            self.forget();
            large.clear();
            self.read_new(connection, range, under, &mut large).await?;
        }
        self.next = until;
        Ok(large)
    }

    fn forget(&mut self) {
        *self = Self {
            since: Some(Instant::now()),
            ..Self::default()
        };
    }

    /// Reads a range that begins with the last record that is known, if it has any; returns whether it does.
    async fn read_new(
        &mut self,
        connection: &Arc<Connection>,
        range: OffsetRange,
        under: &NoteName,
        large: &mut BTreeMap<NoteName, Bytes>,
    ) -> Result<bool> {
        let mut expected = self.last.filter(|_| !range.is_empty());
        let mut reader = PartitionReader::open(connection, vec![range], Isolation::Committed)?;
        while let Some(chunk) = reader.next().await? {
            for read in chunk {
                let place = (read.offset, read.time);
                match expected.take() {
                    Some(known) if known != place => return Ok(false),
                    // It is applied already.
                    Some(_) => continue,
                    None => self.last = Some(place),
                }
                if let Some(name) = read.key.as_deref().and_then(name) {
                    self.apply(name, read.payload, under, large);
                }
            }
        }
        Ok(expected.is_none())
    }

    /// Reads everything again.
    async fn read_again(
        &mut self,
        connection: &Arc<Connection>,
        range: OffsetRange,
        under: &NoteName,
    ) -> Result<BTreeMap<NoteName, Bytes>> {
        self.since = None;
        self.read_on(connection, range, under).await
    }

    fn apply(
        &mut self,
        name: NoteName,
        value: Option<Bytes>,
        under: &NoteName,
        large: &mut BTreeMap<NoteName, Bytes>,
    ) {
        if let Some(Kept::Small(earlier)) = self.notes.remove(&name) {
            self.bytes -= earlier.len();
        }
        large.remove(&name);
        let Some(value) = value else {
            return;
        };
        if value.len() <= SMALL && self.bytes + value.len() <= MOST {
            self.bytes += value.len();
            // The record shares its memory with others.
            let value = Bytes::copy_from_slice(&value);
            self.notes.insert(name, Kept::Small(value));
            return;
        }
        if name.is_under(under) {
            large.insert(name.clone(), value);
        }
        self.notes.insert(name, Kept::Large);
    }

    /// Reports whether a large value under a name was read earlier only.
    fn lacks(&self, under: &NoteName, large: &BTreeMap<NoteName, Bytes>) -> bool {
        let mut notes = self.under(under);
        notes.any(|(name, kept)| matches!(kept, Kept::Large) && !large.contains_key(name))
    }

    fn under(&self, under: &NoteName) -> impl Iterator<Item = (&NoteName, &Kept)> {
        self.notes
            .iter()
            .filter(move |(name, _)| name.is_under(under))
    }
}

fn name(key: &[u8]) -> Option<NoteName> {
    let name = std::str::from_utf8(key).ok()?.strip_prefix(KEY)?;
    name.parse().ok()
}

fn note(name: NoteName, value: &[u8]) -> Result<Note> {
    match std::str::from_utf8(value) {
        Ok(value) => Ok(Note {
            value: value.to_owned(),
            name,
        }),
        Err(source) => {
            Err(error(ErrorKind::Corrupt, format!("the note `{name}` is not text")).because(source))
        }
    }
}
