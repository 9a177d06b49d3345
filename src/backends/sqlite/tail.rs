//! Reading without a group: batches in order of position, in short reads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, params};

use crate::{
    event::{Pattern, Stored, Topic},
    transport::{ErrorKind, Result, Tail, TailFrom, TailRequest},
};

use super::{
    clock,
    error::{Outcome, refusal},
    log::{self, Block, COLUMNS},
    reader::Reader,
    schedules,
    wake::{Wake, Watcher},
    work::Step,
    writer::Writer,
};

/// A read ends once it holds so many bytes.
const PAGE_BYTES: usize = 4 << 20;

/// How many messages of other topics are passed in one read.
const LOOK_AHEAD: i64 = 20_000;

/// An open tail.
#[derive(Debug)]
pub(super) struct Follow {
    reader: Arc<Reader>,
    writer: Arc<Writer>,
    watcher: Watcher,
    state: Arc<Mutex<State>>,
    after: i64,
    /// Up to where retention's removals were told of.
    told: i64,
    end: Option<i64>,
}

#[derive(Debug)]
struct State {
    patterns: Vec<Pattern>,
    topics: HashMap<i64, Option<Topic>>,
}

/// What one read found.
struct Page {
    found: Vec<Stored>,
    reached: i64,
    removed: i64,
    due: Option<i64>,
    last: bool,
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

/// Opens a tail.
pub(super) async fn tail(
    reader: &Arc<Reader>,
    writer: &Arc<Writer>,
    wake: &Arc<Wake>,
    request: TailRequest,
) -> Result<Box<dyn Tail>> {
    fire_due(reader, writer).await?;
    let state = Arc::new(Mutex::new(State {
        patterns: request.patterns,
        topics: HashMap::new(),
    }));
    let from = request.from;
    let start = {
        let state = Arc::clone(&state);
        move |connection: &Connection| {
            let end = log::end_of(connection)?;
            let mut state = lock(&state);
            state.learn(connection)?;
            let after = start(connection, &state, from, end)?;
            Ok((after, state.removed(connection)?, end))
        }
    };
    let (after, told, end) = reader.read(start).await?;
    Ok(Box::new(Follow {
        reader: Arc::clone(reader),
        writer: Arc::clone(writer),
        watcher: wake.watch(),
        state,
        after,
        told,
        end: request.until_end.then_some(end),
    }))
}

#[async_trait]
impl Tail for Follow {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        let mut changes = self.watcher.listen();
        loop {
            changes.mark_unchanged();
            let page = self.page(max).await?;
            self.skip_gap(&page)?;
            self.after = page.reached;
            if !page.found.is_empty() {
                return Ok(page.found);
            }
            if self.end.is_some_and(|end| self.after >= end) {
                return Ok(Vec::new());
            }
            if !page.last {
                continue;
            }
            let now = clock::now();
            if page.due.is_some_and(|due| due <= now) && fire(&self.writer).await {
                continue;
            }
            let wait = page.due.filter(|due| *due > now).map(clock::until);
            let wait = wait.unwrap_or(Duration::from_secs(1));
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(wait.min(Duration::from_secs(1))) => {}
            }
        }
    }

    async fn until_end(&mut self) -> Result<()> {
        fire_due(&self.reader, &self.writer).await?;
        let end = self.reader.read(log::end_of).await?;
        self.end.get_or_insert(end);
        Ok(())
    }
}

impl Follow {
    async fn page(&self, max: usize) -> Result<Page> {
        let state = Arc::clone(&self.state);
        let (after, end) = (self.after, self.end.unwrap_or(i64::MAX));
        self.reader
            .read(move |connection| {
                let mut state = lock(&state);
                let transaction = connection.unchecked_transaction()?;
                state.learn(&transaction)?;
                let mut page = read(&transaction, &state, (after, end), max)?;
                page.removed = state.removed(&transaction)?;
                page.due = schedules::next_due(&transaction)?;
                Ok(page)
            })
            .await
    }

    fn skip_gap(&mut self, page: &Page) -> Result<()> {
        let gap = page.removed > self.told && page.removed > self.after;
        self.told = self.told.max(page.removed);
        if !gap {
            return Ok(());
        }
        Err(refusal(
            ErrorKind::Gap,
            format!("retention removed messages up to {} unread", page.removed),
        ))
    }
}

/// Moves what is due by now into the log.
async fn fire_due(reader: &Arc<Reader>, writer: &Writer) -> Result<()> {
    let due = reader.read(schedules::next_due).await?;
    if due.is_some_and(|due| due <= clock::now()) {
        fire(writer).await;
    }
    Ok(())
}

/// Moves due events into the log; a store that cannot be written is read as it is.
async fn fire(writer: &Writer) -> bool {
    let fired = writer
        .write(Step::Fire, |session| {
            let now = clock::now();
            while schedules::fire(session, now)? {}
            Ok(())
        })
        .await;
    fired.is_ok()
}

impl State {
    fn learn(&mut self, connection: &Connection) -> Outcome<()> {
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

    fn wanted(&self) -> impl Iterator<Item = i64> {
        let wanted = |(id, topic): (&i64, &Option<Topic>)| topic.as_ref().map(|_| *id);
        self.topics.iter().filter_map(wanted)
    }

    fn removed(&self, connection: &Connection) -> Outcome<i64> {
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

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the position behind which to start.
fn start(connection: &Connection, state: &State, from: TailFrom, end: i64) -> Outcome<i64> {
    match from {
        TailFrom::Now | TailFrom::Last(0) => Ok(end),
        TailFrom::Earliest => Ok(0),
        TailFrom::Time(time) => Ok(log::first_at(connection, clock::nanos(time))? - 1),
        TailFrom::Last(count) => last(connection, state, count),
    }
}

/// Finds the position before the last so many that match.
fn last(connection: &Connection, state: &State, count: u64) -> Outcome<i64> {
    let sql = "SELECT seq FROM messages WHERE topic = ?1 AND only_group IS NULL \
         ORDER BY seq DESC LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    // The smallest of the `count` largest is at the root.
    let mut largest = std::collections::BinaryHeap::new();
    for topic in state.wanted() {
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

fn read(
    connection: &Connection,
    state: &State,
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
    let is_all = state.topics.values().all(Option::is_some);
    let mut wanted = state.wanted();
    match (wanted.next(), wanted.next()) {
        (None, _) => page.reached = end_reached(connection, after, end)?,
        // An index costs more than to pass over what is not meant, unless that is much.
        (Some(topic), None) if !is_all => {
            read_topic(connection, state, (topic, after, end), max, &mut page)?;
        }
        _ => read_all(connection, state, (after, end), max, &mut page)?,
    }
    Ok(page)
}

fn end_reached(connection: &Connection, after: i64, end: i64) -> Outcome<i64> {
    Ok(log::end_of(connection)?.min(end).max(after))
}

fn read_topic(
    connection: &Connection,
    state: &State,
    (topic, after, end): (i64, i64, i64),
    max: usize,
    page: &mut Page,
) -> Outcome<()> {
    let Some(Some(name)) = state.topics.get(&topic) else {
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
    state: &State,
    (after, end): (i64, i64),
    max: usize,
    page: &mut Page,
) -> Outcome<()> {
    let sql = select_sql("m.seq > ?1 AND m.seq <= ?2", "?3");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![after, end, LOOK_AHEAD])?;
    let mut seen = 0;
    // The topic of the message before: many in a row have one.
    let (mut topic, mut wanted) = (i64::MIN, None);
    while let Some(row) = rows.next()? {
        seen += 1;
        let seq = row.get(0)?;
        page.reached = seq;
        let id = row.get(2)?;
        if id != topic {
            (topic, wanted) = (id, state.topics.get(&id).and_then(Option::as_ref));
        }
        if let Some(name) = wanted {
            let at = (seq, row.get(1)?);
            let stored = log::stored_in(&mut page.block, row, 3, name.clone(), at)?;
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
