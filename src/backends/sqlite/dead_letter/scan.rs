//! Listing, counting and importing dead letters.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::{
    query::{self, LetterGroup},
    row,
};
use crate::{
    backends::sqlite::{
        codec::timestamp,
        connection::{
            reader::Reader,
            session::Session,
            write::{transaction::OpKind, writer::Writer},
        },
        error::{StoreResult, closed},
    },
    transport::{
        DeadLetter, DeadLetterScan, LetterPage, Result, Selection, Stats, StatsRow, sort_stats,
    },
};

/// The most dead letters that an operation imports.
const IMPORTED: usize = 500;

/// Lists the dead letters of a selection.
pub(crate) fn scan(reader: &Arc<Reader>, selection: &Selection) -> Result<Box<dyn DeadLetterScan>> {
    reader.require()?;
    Ok(Box::new(Scan {
        reader: Arc::clone(reader),
        selection: Arc::new(selection.clone()),
        after: (i64::MIN, 0),
        ahead: None,
    }))
}

/// Counts the dead letters of a selection.
pub(crate) async fn stats(reader: &Arc<Reader>, selection: &Selection) -> Result<Stats> {
    let selection = selection.clone();
    reader
        .read(move |connection| count(connection, &selection))
        .await
}

/// Imports dead letters: each operation stores some of them, and one that fails undoes only itself.
pub(crate) async fn import(writer: &Writer, mut letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
    let mut operations = Vec::with_capacity(letters.len().div_ceil(IMPORTED));
    while !letters.is_empty() {
        let rest = letters.split_off(letters.len().min(IMPORTED));
        let some = std::mem::replace(&mut letters, rest);
        let count = some.len();
        // Those that are sent together are committed together.
        let stored = writer.begin(OpKind::Other, move |session| insert_all(session, some));
        operations.push((count, stored));
    }
    let mut results = Vec::new();
    for (count, stored) in operations {
        match stored.await {
            Ok(stored) => results.extend(stored),
            Err(failed) => results.extend(failed.for_each(count)),
        }
    }
    results
}

fn insert_all(session: &mut Session, letters: Vec<DeadLetter>) -> StoreResult<Vec<Result<bool>>> {
    let mut stored = Vec::with_capacity(letters.len());
    for mut letter in letters {
        // The topic in the record is the one under which it is found.
        letter.record.origin.topic = letter.message.topic.clone();
        match row::insert(&session.connection, &letter) {
            // Some failures (a full disk) end the whole transaction.
            Err(fault) if session.connection.is_autocommit() => return Err(fault),
            Err(fault) => stored.push(Err(fault.into_error(&session.config.path))),
            Ok(is_new) => stored.push(Ok(is_new)),
        }
    }
    Ok(stored)
}

struct Scan {
    reader: Arc<Reader>,
    selection: Arc<Selection>,
    /// Where the last page ended that was returned.
    after: (i64, i64),
    /// The page behind it, and the most dead letters that it may have.
    ahead: Option<(usize, JoinHandle<Result<Page>>)>,
}

/// Dead letters, and where they end.
type Page = (Vec<DeadLetter>, (i64, i64));

impl Scan {
    /// Starts to read the next page, unless that is under way.
    fn read_ahead(&mut self, max: usize) -> &mut JoinHandle<Result<Page>> {
        self.ahead.take_if(|(most, _)| *most > max);
        let (reader, selection) = (Arc::clone(&self.reader), Arc::clone(&self.selection));
        let after = self.after;
        let read = || {
            let read = async move {
                let read = move |connection: &_| page(connection, &selection, after, max);
                reader.read(read).await
            };
            (max, tokio::spawn(read))
        };
        &mut self.ahead.get_or_insert_with(read).1
    }
}

#[async_trait]
impl DeadLetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let page = self.read_ahead(max).await;
        self.ahead = None;
        let (letters, last) = page.unwrap_or_else(|_| Err(closed()))?;
        self.after = last;
        if !letters.is_empty() {
            // The caller works on these meanwhile.
            self.read_ahead(max);
        }
        Ok(letters)
    }
}

fn page(
    connection: &Connection,
    selection: &Selection,
    after: (i64, i64),
    max: usize,
) -> StoreResult<Page> {
    let letter_groups = query::letter_groups(connection, selection)?;
    let mut condition = query::condition(selection, &letter_groups);
    condition.and("d.dead_since >= ?", after.0);
    condition.and(&format!("(d.dead_since > {} OR d.n > ?)", after.0), after.1);
    let sql = format!(
        "SELECT {} FROM dead_letters d WHERE {} ORDER BY d.dead_since, d.n LIMIT {max}",
        row::COLUMNS,
        condition.sql(),
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(condition.values())?;
    let mut letters = LetterPage::new(max);
    let mut last = after;
    while !letters.is_full()
        && let Some(row) = rows.next()?
    {
        last = (row.get(1)?, row.get(0)?);
        letters.push(row::read(row)?);
    }
    Ok((letters.finish(), last))
}

fn count(connection: &Connection, selection: &Selection) -> StoreResult<Stats> {
    let letter_groups = query::letter_groups(connection, selection)?;
    let condition = query::condition(selection, &letter_groups);
    let mut letter_groups: HashMap<i64, LetterGroup> = letter_groups
        .into_iter()
        .map(|sort| (sort.id, sort))
        .collect();
    let sql = format!(
        "SELECT d.sort, count(*), min(d.dead_since), max(d.dead_since) FROM dead_letters d \
         WHERE {} GROUP BY d.sort",
        condition.sql(),
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(condition.values())?;
    let mut stats = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(sort) = letter_groups.remove(&row.get(0)?) else {
            continue;
        };
        stats.push(StatsRow {
            topic: sort.topic,
            group: sort.group,
            kind: sort.kind,
            fingerprint: sort.fingerprint,
            sample: sort.sample,
            count: row.get(1)?,
            first: timestamp::time(row.get(2)?),
            last: timestamp::time(row.get(3)?),
        });
    }
    sort_stats(&mut stats);
    Ok(stats)
}
