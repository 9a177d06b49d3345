//! Reading the letters of a step by their positions.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::plan::Entry;
use crate::{
    backends::pulsar::{
        codec::{message::Inbound, message_id::MessageId},
        connection::{consumer::Start, handle::Connection, names::split_partition},
        dead_letter::decode::{DecodedLetter, decode, parse_at},
        read::reader::Reader,
    },
    transport::{ErrorKind, Result},
};

/// Entries that are read and dropped rather than skipped by another reader.
const NEAR: u64 = 1000;

/// Reads letters; its readers stay open from step to step.
#[derive(Debug)]
pub(super) struct LetterReader {
    connection: Arc<Connection>,
    logs: HashMap<String, LogCursor>,
}

/// A letter that was read, and its log.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) log: String,
    pub(super) found: DecodedLetter,
}

impl LetterReader {
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        Self {
            connection: Arc::clone(connection),
            logs: HashMap::new(),
        }
    }

    /// Reads letters: one result each, in order; none for those that do not exist.
    pub(super) async fn load(&mut self, entries: &[Entry]) -> Result<Vec<Option<Loaded>>> {
        let names = &self.connection.config.names;
        let mut wanted: HashMap<String, Vec<(MessageId, usize)>> = HashMap::new();
        for (number, Entry(_, at)) in entries.iter().enumerate() {
            if let Some((log, id)) = at.as_deref().and_then(|at| parse_at(names, at)) {
                wanted.entry(log).or_default().push((id, number));
            }
        }
        let mut loaded: Vec<Option<Loaded>> = entries.iter().map(|_| None).collect();
        for (log, mut places) in wanted {
            places.sort_unstable_by_key(|(id, _)| id.place());
            let cursor = self.logs.entry(log.clone()).or_default();
            let ids: Vec<MessageId> = places.iter().map(|(id, _)| *id).collect();
            let messages = match cursor.fetch(&self.connection, &log, &ids).await {
                Err(gone) if gone.kind() == ErrorKind::NotFound => continue,
                fetched => fetched?,
            };
            let local = names.local(&log).map(|local| split_partition(local).0);
            for (message, (_, number)) in messages.into_iter().zip(places) {
                let found = message.zip(local);
                let found = found.and_then(|(message, local)| decode(names, local, &message));
                if let Some(found) = found.filter(|found| found.letter.id == entries[number].0) {
                    let log = log.clone();
                    loaded[number] = Some(Loaded { log, found });
                }
            }
        }
        Ok(loaded)
    }
}

/// A reader of a log that moves forwards.
#[derive(Debug, Default)]
struct LogCursor {
    reader: Option<(Reader, MessageId)>,
    /// The last message that was taken.
    taken: Option<MessageId>,
    buffer: VecDeque<Inbound>,
    /// Whether parts of messages were read.
    has_seen_chunks: bool,
}

impl LogCursor {
    /// Reads the messages of these ids, which ascend: one result each.
    async fn fetch(
        &mut self,
        connection: &Arc<Connection>,
        log: &str,
        ids: &[MessageId],
    ) -> Result<Vec<Option<Inbound>>> {
        let mut messages = Vec::with_capacity(ids.len());
        for id in ids {
            if !self.is_before(*id) {
                self.open(connection, log, *id, Start::Entry(*id)).await?;
            }
            let mut found = self.find(*id).await?;
            if found.is_none() && self.has_seen_chunks {
                // The id of a message that was divided is that of its last part.
                self.open(connection, log, *id, Start::Earliest).await?;
                found = self.find(*id).await?;
            }
            messages.push(found);
        }
        Ok(messages)
    }

    /// Reports whether reading on comes to a message soon.
    fn is_before(&self, id: MessageId) -> bool {
        let place = self.buffer.front().map(|message| message.id).or(self.taken);
        let Some(here) = place.filter(|_| self.reader.is_some()) else {
            return false;
        };
        let is_buffered = !self.buffer.is_empty() && here.place() == id.place();
        let is_later =
            here.ledger == id.ledger && here.place() < id.place() && id.entry - here.entry <= NEAR;
        is_buffered || is_later
    }

    async fn open(
        &mut self,
        connection: &Arc<Connection>,
        log: &str,
        id: MessageId,
        start: Start,
    ) -> Result<()> {
        (self.reader, self.taken) = (None, None);
        self.buffer.clear();
        let log = log.to_owned();
        let mut reader = Reader::open(connection, log, id.partition, start).await?;
        let end = reader.last_id().await?;
        self.reader = end.map(|end| (reader, end));
        Ok(())
    }

    /// Reads up to a message and returns it.
    async fn find(&mut self, id: MessageId) -> Result<Option<Inbound>> {
        loop {
            while let Some(message) = self.buffer.front() {
                if message.id.place() > id.place() {
                    return Ok(None);
                }
                let message = self.buffer.pop_front();
                self.taken = message.as_ref().map(|message| message.id);
                if let Some(found) = message.filter(|found| found.id.place() == id.place()) {
                    return Ok(Some(found));
                }
            }
            let Some((reader, end)) = &mut self.reader else {
                return Ok(None);
            };
            let messages = reader.next_until(*end).await?;
            self.has_seen_chunks |= reader.has_seen_chunks();
            let Some(messages) = messages else {
                // A later letter may be wanted behind the end that was known.
                self.reader = None;
                return Ok(None);
            };
            self.buffer.extend(messages);
        }
    }
}
