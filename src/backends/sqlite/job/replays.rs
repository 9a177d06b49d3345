//! Replays as rows: each has the lineage of its dead letter, and stays until retention deletes it.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use serde::Deserialize;

use crate::{
    backends::sqlite::{
        codec::{
            row::{self, ByteArena, COLUMNS},
            timestamp,
        },
        connection::{log, reader::Reader, retention},
        error::{StoreResult, damaged},
    },
    transport::{
        DeadLetterId, MessageDigest, ReplayScan, ReplayTarget, ReplayTrace, Result, TraceKind,
    },
};

/// The positions that one read covers at most, so that it does not keep the write-ahead log from being checkpointed.
const SPAN: i64 = 20_000;

/// Starts to read the replays that were stored at this time or later.
pub(crate) async fn open(reader: &Arc<Reader>, since: SystemTime) -> Result<Box<dyn ReplayScan>> {
    reader.require()?;
    let from = timestamp::nanos(since);
    let start = reader.read(move |connection| log::first_at(connection, from));
    Ok(Box::new(Replays {
        after: start.await? - 1,
        reader: Arc::clone(reader),
        since,
    }))
}

struct Replays {
    reader: Arc<Reader>,
    since: SystemTime,
    after: i64,
}

#[async_trait]
impl ReplayScan for Replays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        loop {
            let after = self.after;
            let page = self
                .reader
                .read(move |connection| page(connection, after, max));
            let page = page.await?;
            self.after = page.reached;
            if page.is_last || !page.traces.is_empty() {
                return Ok(page.traces);
            }
        }
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
    /// Everything up to this position was read.
    reached: i64,
    is_last: bool,
}

fn page(connection: &Connection, after: i64, max: usize) -> StoreResult<Page> {
    let (end, last) = (after.saturating_add(SPAN), log::last_seq_of(connection)?);
    let sql = format!(
        "SELECT m.seq, m.lineage, {COLUMNS}, m.topic, m.only_group, m.only_group NOT NULL \
             AND NOT EXISTS(SELECT 1 FROM waiting w WHERE w.group_id = m.only_group AND w.seq = m.seq) \
             AND NOT EXISTS(SELECT 1 FROM held h WHERE h.group_id = m.only_group AND h.seq = m.seq) \
         FROM messages m WHERE m.seq > ?1 AND m.seq <= ?2 AND m.lineage NOT NULL \
         ORDER BY m.seq LIMIT ?3"
    );
    // A settled row is two traces.
    let limit = (max / 2).max(1);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![after, end, limit])?;
    let (mut traces, mut reached, mut count) = (Vec::with_capacity(max), after, 0);
    let mut names = Names {
        connection,
        known: HashMap::new(),
    };
    let mut block = ByteArena::default();
    while let Some(row) = rows.next()? {
        reached = row.get(0)?;
        count += 1;
        traces.extend(read(row, &mut block, &mut names)?.into_iter().flatten());
    }
    let is_full = count == limit;
    Ok(Page {
        traces,
        reached: if is_full {
            reached
        } else {
            end.min(last.max(after))
        },
        is_last: !is_full && end >= last,
    })
}

/// The names of topics and groups, each looked up once.
struct Names<'a> {
    connection: &'a Connection,
    known: HashMap<(i64, Option<i64>), ReplayTarget>,
}

impl Names<'_> {
    fn target(&mut self, topic: i64, group: Option<i64>) -> StoreResult<ReplayTarget> {
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
    let replay_of = DeadLetterId::from_stored(lineage.replay_of);
    let target = names.target(row.get(5)?, row.get(6)?)?;
    let digest = MessageDigest::of(&row::message_in(block, row, 2, target.topic.clone())?);
    let position = row::position(row.get(0)?);
    let trace = |kind| ReplayTrace {
        replay_of: replay_of.clone(),
        position: position.clone(),
        target: target.clone(),
        kind,
    };
    let is_settled: bool = row.get(7)?;
    Ok([
        Some(trace(TraceKind::Message(digest))),
        is_settled.then(|| trace(TraceKind::Settled)),
    ])
}
