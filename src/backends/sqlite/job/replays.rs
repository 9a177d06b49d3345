//! Replays as rows: each has the lineage of its dead letter, and stays until retention deletes it.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::{
    backends::sqlite::{
        codec::{
            row::{self, ByteArena, COLUMNS},
            timestamp,
        },
        connection::{log, reader::Reader, retention},
        error::{StoreResult, closed, damaged},
    },
    transport::{
        DeadLetterId, MessageDigest, ReplayScan, ReplayTarget, ReplayTrace, Result, TraceKind,
    },
};

/// The positions that one read covers at most, so that it does not keep the write-ahead log from being checkpointed.
const SPAN: i64 = 10_000;

/// How many reads are under way at a time.
const AHEAD: usize = 2;

/// Starts to read the replays that were stored at this time or later.
pub(crate) async fn open(reader: &Arc<Reader>, since: SystemTime) -> Result<Box<dyn ReplayScan>> {
    reader.require()?;
    let from = timestamp::nanos(since);
    let start = reader.read(move |connection| log::first_at(connection, from));
    Ok(Box::new(Replays {
        asked: start.await? - 1,
        pages: VecDeque::new(),
        is_done: false,
        reader: Arc::clone(reader),
        since,
    }))
}

struct Replays {
    reader: Arc<Reader>,
    since: SystemTime,
    /// Everything up to this position was read, or is being read.
    asked: i64,
    /// Reads of the spans up to there, in order.
    pages: VecDeque<JoinHandle<Result<Page>>>,
    is_done: bool,
}

impl Replays {
    /// Starts to read the next spans, each of this length.
    fn read_ahead(&mut self, span: i64) {
        while self.pages.len() < AHEAD {
            let (reader, after) = (Arc::clone(&self.reader), self.asked);
            self.asked = after.saturating_add(span);
            let until = self.asked;
            let page = async move {
                reader
                    .read(move |connection| page(connection, after, until))
                    .await
            };
            self.pages.push_back(tokio::spawn(page));
        }
    }
}

#[async_trait]
impl ReplayScan for Replays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        // A settled row is two traces.
        let span = i64::try_from(max / 2).unwrap_or(SPAN).clamp(1, SPAN);
        while !self.is_done {
            self.read_ahead(span);
            let Some(next) = self.pages.front_mut() else {
                break;
            };
            let page = next.await.unwrap_or_else(|_| Err(closed()))?;
            self.pages.pop_front();
            self.is_done = page.is_last;
            if !page.traces.is_empty() {
                return Ok(page.traces);
            }
        }
        Ok(Vec::new())
    }

    async fn may_be_gone(&mut self, _: &ReplayTarget) -> Result<Option<String>> {
        let removed = self.reader.read(retention::removed_until).await?;
        let removed = removed.is_some_and(|time| timestamp::time(time) >= self.since);
        // A store that an earlier version worked on does not say what it deleted.
        let age = self.since.elapsed().unwrap_or_default();
        let is_old = age > self.reader.config().retention;
        let reason = "retention may have deleted it since";
        Ok((removed || is_old).then(|| reason.to_owned()))
    }
}

struct Page {
    traces: Vec<ReplayTrace>,
    is_last: bool,
}

/// Reads the replays behind a position, up to another one.
fn page(connection: &Connection, after: i64, until: i64) -> StoreResult<Page> {
    let last = log::last_seq_of(connection)?;
    let sql = format!(
        "SELECT m.seq, m.lineage, {COLUMNS}, m.topic, m.only_group \
         FROM messages m WHERE m.seq > ?1 AND m.seq <= ?2 AND m.lineage NOT NULL ORDER BY m.seq"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([after, until])?;
    let mut traces = Vec::new();
    let mut names = Names {
        connection,
        span: (after, until),
        known: HashMap::new(),
        last: None,
        unsettled: HashMap::new(),
    };
    let mut block = ByteArena::default();
    while let Some(row) = rows.next()? {
        traces.extend(read(row, &mut block, &mut names)?.into_iter().flatten());
    }
    Ok(Page {
        traces,
        is_last: until >= last,
    })
}

/// The names of topics and groups, and what groups have not settled, each looked up once.
struct Names<'a> {
    connection: &'a Connection,
    /// The positions that are read: behind the first, up to the second.
    span: (i64, i64),
    known: HashMap<(i64, Option<i64>), ReplayTarget>,
    /// The one that was looked up last: mostly the next one as well.
    last: Option<((i64, Option<i64>), ReplayTarget)>,
    /// The positions of a group that are in flight or due for retry, in order.
    unsettled: HashMap<i64, Vec<i64>>,
}

impl Names<'_> {
    fn target(&mut self, topic: i64, group: Option<i64>) -> StoreResult<ReplayTarget> {
        if let Some((_, last)) = self.last.as_ref().filter(|(ids, _)| *ids == (topic, group)) {
            return Ok(last.clone());
        }
        let target = self.look_up(topic, group)?;
        self.last = Some(((topic, group), target.clone()));
        Ok(target)
    }

    fn look_up(&mut self, topic: i64, group: Option<i64>) -> StoreResult<ReplayTarget> {
        if let Some(known) = self.known.get(&(topic, group)) {
            return Ok(known.clone());
        }
        let name = |sql: &str, id: i64| -> StoreResult<String> {
            let mut select = self.connection.prepare_cached(sql)?;
            Ok(select.query_row([id], |row| row.get(0))?)
        };
        let topic_name = name("SELECT name FROM topics WHERE id = ?1", topic)?;
        let group_name = group.map(|id| name("SELECT name FROM groups WHERE id = ?1", id));
        let parse = |name: String| name.parse().map_err(|_| damaged("a group's name"));
        let target = ReplayTarget {
            topic: topic_name.parse().map_err(|_| damaged("a topic's name"))?,
            group: group_name.transpose()?.map(parse).transpose()?,
        };
        self.known.insert((topic, group), target.clone());
        Ok(target)
    }

    /// Reports whether a group has settled a message that it alone gets. What it has not settled is read in order: looking
    /// up each message takes as long as reading it.
    fn is_settled(&mut self, group: i64, seq: i64) -> StoreResult<bool> {
        let unsettled = match self.unsettled.entry(group) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let sql = "SELECT seq FROM waiting WHERE group_id = ?1 AND seq > ?2 AND seq <= ?3 \
                     UNION ALL SELECT seq FROM held WHERE group_id = ?1 AND seq > ?2 AND seq <= ?3";
                let mut select = self.connection.prepare_cached(sql)?;
                let found =
                    select.query_map(params![group, self.span.0, self.span.1], |row| row.get(0))?;
                let mut found = found.collect::<rusqlite::Result<Vec<i64>>>()?;
                found.sort_unstable();
                new.insert(found)
            }
        };
        Ok(unsettled.binary_search(&seq).is_err())
    }
}

/// The part of a replay's history that says which dead letter it replays.
#[derive(Deserialize)]
struct Replay<'a> {
    #[serde(borrow)]
    replay_of: Cow<'a, str>,
}

/// Reads a replay, and whether the only group that gets it has settled it.
fn read(
    row: &Row<'_>,
    block: &mut ByteArena,
    names: &mut Names<'_>,
) -> StoreResult<[Option<ReplayTrace>; 2]> {
    let lineage = row.get_ref(1)?.as_str().ok();
    let lineage = lineage.and_then(|text| serde_json::from_str::<Replay<'_>>(text).ok());
    let lineage = lineage.ok_or_else(|| damaged("a replay's history"))?;
    let (seq, group): (i64, Option<i64>) = (row.get(0)?, row.get(6)?);
    let target = names.target(row.get(5)?, group)?;
    let digest = MessageDigest::of(&row::message_in(block, row, 2, target.topic.clone())?);
    let is_settled = match group {
        Some(group) => names.is_settled(group, seq)?,
        None => false,
    };
    let message = ReplayTrace {
        replay_of: DeadLetterId::from_stored(lineage.replay_of),
        position: row::position(seq),
        target,
        kind: TraceKind::Message(digest),
    };
    let settled = is_settled.then(|| ReplayTrace {
        kind: TraceKind::Settled,
        ..message.clone()
    });
    Ok([Some(message), settled])
}
