//! Reading a part of the log that a tail asks for.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::event::{Pattern, Stored, Topic};

use crate::backends::sqlite::{
    connection::log::{self, Block, COLUMNS},
    error::Outcome,
};

/// A read ends once it holds so many bytes.
const PAGE_BYTES: usize = 4 << 20;

/// How many messages of other topics are passed in one read.
const LOOK_AHEAD: i64 = 20_000;

/// Which topics are meant.
#[derive(Debug)]
pub(crate) struct Wanted {
    patterns: Vec<Pattern>,
    topics: HashMap<i64, Option<Topic>>,
}

/// What one read found.
pub(crate) struct Page {
    pub(crate) found: Vec<Stored>,
    /// Up to where everything was looked at.
    pub(crate) reached: i64,
    /// Up to where retention removed something.
    pub(crate) removed: i64,
    /// When the next schedule is due.
    pub(crate) due: Option<i64>,
    /// Whether there is nothing more.
    pub(crate) last: bool,
    bytes: usize,
    block: Block,
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
    /// Prepares to find what patterns mean.
    pub(crate) fn new(patterns: Vec<Pattern>) -> Self {
        Self {
            patterns,
            topics: HashMap::new(),
        }
    }

    /// Forgets which topics there are: another file has others.
    pub(crate) fn forget(&mut self) {
        self.topics.clear();
    }

    /// Finds topics that are new.
    pub(crate) fn learn(&mut self, connection: &Connection) -> Outcome<()> {
        let newest = self.topics.keys().max().copied().unwrap_or(0);
        let sql = "SELECT id, name FROM topics WHERE id > ?1";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([newest])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(1)?;
            let topic: Topic = name.parse().map_err(|_| log::damaged("a topic's name"))?;
            let wanted = self.patterns.iter().any(|pattern| pattern.matches(&topic));
            self.topics.insert(row.get(0)?, wanted.then_some(topic));
        }
        Ok(())
    }

    /// Returns the topics that are meant.
    pub(crate) fn ids(&self) -> impl Iterator<Item = i64> {
        let wanted = |(id, topic): (&i64, &Option<Topic>)| topic.as_ref().map(|_| *id);
        self.topics.iter().filter_map(wanted)
    }

    /// Returns up to where retention removed something of what is meant.
    pub(crate) fn removed(&self, connection: &Connection) -> Outcome<i64> {
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

/// Reads what is behind `after`, not beyond `end`.
pub(crate) fn read(
    connection: &Connection,
    wanted: &Wanted,
    (after, end): (i64, i64),
    max: usize,
) -> Outcome<Page> {
    let mut page = Page {
        found: Vec::new(),
        reached: after,
        removed: 0,
        due: None,
        last: true,
        bytes: 0,
        block: Block::default(),
    };
    let is_all = wanted.topics.values().all(Option::is_some);
    let mut ids = wanted.ids();
    match (ids.next(), ids.next()) {
        (None, _) => page.reached = end_reached(connection, after, end)?,
        // An index costs more than to pass over what is not meant, unless that is much.
        (Some(topic), None) if !is_all => {
            read_topic(connection, wanted, (topic, after, end), max, &mut page)?;
        }
        _ => read_all(connection, wanted, (after, end), max, &mut page)?,
    }
    Ok(page)
}

fn end_reached(connection: &Connection, after: i64, end: i64) -> Outcome<i64> {
    Ok(log::end_of(connection)?.min(end).max(after))
}

fn read_topic(
    connection: &Connection,
    wanted: &Wanted,
    (topic, after, end): (i64, i64, i64),
    max: usize,
    page: &mut Page,
) -> Outcome<()> {
    let Some(Some(name)) = wanted.topics.get(&topic) else {
        return Ok(());
    };
    let sql = select_sql("m.topic = ?1 AND m.seq > ?2 AND m.seq <= ?3", "?4");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![topic, after, end, max])?;
    while !page.is_full(max)
        && let Some(row) = rows.next()?
    {
        let seq = row.get(0)?;
        page.reached = seq;
        let at = (seq, row.get(1)?);
        let stored = log::stored_in(&mut page.block, row, 3, name.clone(), at)?;
        page.add(stored);
    }
    page.last = !page.is_full(max);
    if page.last {
        page.reached = end_reached(connection, page.reached, end)?;
    }
    Ok(())
}

fn read_all(
    connection: &Connection,
    wanted: &Wanted,
    (after, end): (i64, i64),
    max: usize,
    page: &mut Page,
) -> Outcome<()> {
    let sql = select_sql("m.seq > ?1 AND m.seq <= ?2", "?3");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![after, end, LOOK_AHEAD])?;
    let mut seen = 0;
    // The topic of the message before: many in a row have one.
    let (mut topic, mut name) = (i64::MIN, None);
    while let Some(row) = rows.next()? {
        seen += 1;
        let seq = row.get(0)?;
        page.reached = seq;
        let id = row.get(2)?;
        if id != topic {
            (topic, name) = (id, wanted.topics.get(&id).and_then(Option::as_ref));
        }
        if let Some(name) = name {
            let at = (seq, row.get(1)?);
            let stored = log::stored_in(&mut page.block, row, 3, Topic::clone(name), at)?;
            page.add(stored);
        }
        if page.is_full(max) {
            page.last = false;
            return Ok(());
        }
    }
    page.last = seen < LOOK_AHEAD;
    if page.last {
        page.reached = end_reached(connection, page.reached, end)?;
    }
    Ok(())
}

fn select_sql(condition: &str, limit: &str) -> String {
    format!(
        "SELECT m.seq, m.time, m.topic, {COLUMNS} FROM messages m \
         WHERE {condition} AND m.only_group IS NULL ORDER BY m.seq LIMIT {limit}"
    )
}
