//! The queries of a tail: where it starts, and its pages.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::{
    backends::sqlite::{
        codec::{
            row::{self, ByteArena, COLUMNS, LogEntry},
            timestamp,
        },
        connection::log,
        error::{StoreResult, damaged},
    },
    event::{Pattern, Stored, Topic},
    transport::TailFrom,
};

/// The bytes after which a page ends.
const PAGE_BYTES: usize = 4 << 20;

/// The rows that one read scans at most.
const LOOK_AHEAD: i64 = 20_000;

/// The topics of a tail.
#[derive(Debug)]
pub(crate) struct Wanted {
    patterns: Vec<Pattern>,
    topics: HashMap<i64, Option<Topic>>,
}

/// A page of messages.
pub(crate) struct Page {
    pub(crate) found: Vec<Stored>,
    /// Everything up to this position was scanned.
    pub(crate) reached: i64,
    /// Retention deleted messages up to this position.
    pub(crate) removed: i64,
    /// The due time of the next schedule.
    pub(crate) due: Option<i64>,
    /// Whether nothing follows.
    pub(crate) last: bool,
    bytes: usize,
    block: ByteArena,
}

impl Page {
    fn add(&mut self, stored: Stored) {
        self.bytes += stored.message.bytes().len();
        self.found.push(stored);
    }

    fn is_full(&self, max: usize) -> bool {
        self.found.len() >= max || self.bytes >= PAGE_BYTES
    }
}

impl Wanted {
    /// Prepares to match topics.
    pub(crate) fn new(patterns: Vec<Pattern>) -> Self {
        Self {
            patterns,
            topics: HashMap::new(),
        }
    }

    /// Forgets the topics: another file has others.
    pub(crate) fn forget(&mut self) {
        self.topics.clear();
    }

    /// Adds new topics.
    pub(crate) fn learn(&mut self, connection: &Connection) -> StoreResult<()> {
        let newest = self.topics.keys().max().copied().unwrap_or(0);
        let sql = "SELECT id, name FROM topics WHERE id > ?1";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([newest])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(1)?;
            let topic: Topic = name.parse().map_err(|_| damaged("a topic's name"))?;
            let wanted = self.patterns.iter().any(|pattern| pattern.matches(&topic));
            self.topics.insert(row.get(0)?, wanted.then_some(topic));
        }
        Ok(())
    }

    /// Returns the ids of the topics that match.
    pub(crate) fn ids(&self) -> impl Iterator<Item = i64> {
        let wanted = |(id, topic): (&i64, &Option<Topic>)| topic.as_ref().map(|_| *id);
        self.topics.iter().filter_map(wanted)
    }

    /// Returns the position up to which retention deleted messages of these topics.
    pub(crate) fn removed(&self, connection: &Connection) -> StoreResult<i64> {
        let sql = "SELECT id, removed_seq FROM topics WHERE removed_seq > 0";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([])?;
        let mut removed = 0;
        while let Some(row) = rows.next()? {
            let wanted = self.topics.get(&row.get(0)?).is_some_and(Option::is_some);
            if wanted {
                removed = removed.max(row.get(1)?);
            }
        }
        Ok(removed)
    }
}

/// A part of the log: behind one sequence, up to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogRange {
    pub(crate) after: i64,
    pub(crate) end: i64,
}

/// Reads the messages of a part of the log.
pub(crate) fn read(
    connection: &Connection,
    wanted: &Wanted,
    range: LogRange,
    max: usize,
) -> StoreResult<Page> {
    let mut page = Page {
        found: Vec::new(),
        reached: range.after,
        removed: 0,
        due: None,
        last: true,
        bytes: 0,
        block: ByteArena::default(),
    };
    let is_all = wanted.topics.values().all(Option::is_some);
    let mut ids = wanted.ids();
    match (ids.next(), ids.next()) {
        (None, _) => page.reached = end_reached(connection, range)?,
        // The index is used for a single topic only: with several, a scan that skips other topics is cheaper.
        (Some(topic), None) if !is_all => {
            read_topic(connection, wanted, topic, range, max, &mut page)?;
        }
        _ => read_all(connection, wanted, range, max, &mut page)?,
    }
    Ok(page)
}

fn end_reached(connection: &Connection, range: LogRange) -> StoreResult<i64> {
    Ok(log::last_seq_of(connection)?
        .min(range.end)
        .max(range.after))
}

fn read_topic(
    connection: &Connection,
    wanted: &Wanted,
    topic: i64,
    range: LogRange,
    max: usize,
    page: &mut Page,
) -> StoreResult<()> {
    let Some(Some(name)) = wanted.topics.get(&topic) else {
        return Ok(());
    };
    let sql = select_sql("m.topic = ?1 AND m.seq > ?2 AND m.seq <= ?3", "?4");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![topic, range.after, range.end, max])?;
    while !page.is_full(max)
        && let Some(row) = rows.next()?
    {
        let entry = LogEntry::of(row)?;
        page.reached = entry.seq;
        let stored = row::stored_in(&mut page.block, row, 3, name.clone(), entry)?;
        page.add(stored);
    }
    page.last = !page.is_full(max);
    if page.last {
        let after = page.reached;
        page.reached = end_reached(connection, LogRange { after, ..range })?;
    }
    Ok(())
}

fn read_all(
    connection: &Connection,
    wanted: &Wanted,
    range: LogRange,
    max: usize,
    page: &mut Page,
) -> StoreResult<()> {
    let sql = select_sql("m.seq > ?1 AND m.seq <= ?2", "?3");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![range.after, range.end, LOOK_AHEAD])?;
    let mut seen = 0;
    // The topic of the last row: many in a row have the same.
    let (mut topic, mut name) = (i64::MIN, None);
    while let Some(row) = rows.next()? {
        seen += 1;
        let entry = LogEntry::of(row)?;
        page.reached = entry.seq;
        let id = row.get(2)?;
        if id != topic {
            (topic, name) = (id, wanted.topics.get(&id).and_then(Option::as_ref));
        }
        if let Some(name) = name {
            let stored = row::stored_in(&mut page.block, row, 3, Topic::clone(name), entry)?;
            page.add(stored);
        }
        if page.is_full(max) {
            page.last = false;
            return Ok(());
        }
    }
    page.last = seen < LOOK_AHEAD;
    if page.last {
        let after = page.reached;
        page.reached = end_reached(connection, LogRange { after, ..range })?;
    }
    Ok(())
}

fn select_sql(condition: &str, limit: &str) -> String {
    format!(
        "SELECT m.seq, m.time, m.topic, {COLUMNS} FROM messages m \
         WHERE {condition} AND m.only_group IS NULL ORDER BY m.seq LIMIT {limit}"
    )
}

/// Returns the position after which to start.
pub(crate) fn start(
    connection: &Connection,
    wanted: &Wanted,
    from: TailFrom,
    end: i64,
) -> StoreResult<i64> {
    match from {
        TailFrom::Now | TailFrom::Last(0) => Ok(end),
        TailFrom::Earliest => Ok(0),
        TailFrom::Time(time) => Ok(log::first_at(connection, timestamp::nanos(time))? - 1),
        TailFrom::Last(count) => last(connection, wanted, count),
    }
}

/// Returns the position before the last `count` messages that match.
fn last(connection: &Connection, wanted: &Wanted, count: u64) -> StoreResult<i64> {
    let sql = "SELECT seq FROM messages WHERE topic = ?1 AND only_group IS NULL \
         ORDER BY seq DESC LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    // The root is the smallest of the `count` largest.
    let mut largest = std::collections::BinaryHeap::new();
    for topic in wanted.ids() {
        let mut rows = select.query([topic, limit])?;
        while let Some(row) = rows.next()? {
            largest.push(std::cmp::Reverse(row.get::<_, i64>(0)?));
            if largest.len() as u64 > count {
                largest.pop();
            }
        }
    }
    match largest.peek() {
        Some(std::cmp::Reverse(first)) if largest.len() as u64 == count => Ok(first - 1),
        _ => Ok(0),
    }
}
