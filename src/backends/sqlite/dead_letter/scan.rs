//! The dead letters of a store: reading, counting, importing. Jobs on them are in `jobs`.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use rusqlite::Connection;

use crate::transport::{DeadLetter, LetterScan, Result, Selection, Stats, StatsRow, sort_stats};

use super::{
    query::{self as selection, Sort},
    row as letter,
};
use crate::backends::sqlite::{
    codec::timestamp as clock, connection::reader::Reader, connection::write::transaction::Step,
    connection::write::writer::Writer, error::Outcome,
};

/// Lists the letters of a selection.
pub(crate) fn scan(reader: &Arc<Reader>, selection: &Selection) -> Result<Box<dyn LetterScan>> {
    reader.require()?;
    Ok(Box::new(Scan {
        reader: Arc::clone(reader),
        selection: Arc::new(selection.clone()),
        after: (i64::MIN, 0),
    }))
}

/// Counts the letters of a selection.
pub(crate) async fn stats(reader: &Arc<Reader>, selection: &Selection) -> Result<Stats> {
    let selection = selection.clone();
    reader
        .read(move |connection| count(connection, &selection))
        .await
}

/// Stores letters from elsewhere.
pub(crate) async fn import(writer: &Writer, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
    let mut results = Vec::with_capacity(letters.len());
    for letter in letters {
        results.push(import_one(writer, letter).await);
    }
    results
}

async fn import_one(writer: &Writer, mut letter: DeadLetter) -> Result<bool> {
    // The topic of the record is the one that is stored.
    letter.record.origin.topic = letter.message.topic.clone();
    writer
        .write(Step::Other, move |session| {
            letter::insert(&session.connection, &letter)
        })
        .await
}

struct Scan {
    reader: Arc<Reader>,
    selection: Arc<Selection>,
    after: (i64, i64),
}

#[async_trait]
impl LetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let (selection, after) = (Arc::clone(&self.selection), self.after);
        let (letters, last) = self
            .reader
            .read(move |connection| page(connection, &selection, after, max))
            .await?;
        self.after = last;
        Ok(letters)
    }
}

fn page(
    connection: &Connection,
    selection: &Selection,
    after: (i64, i64),
    max: usize,
) -> Outcome<(Vec<DeadLetter>, (i64, i64))> {
    let sorts = selection::sorts(connection, selection)?;
    let mut condition = selection::condition(selection, &sorts);
    condition.and("d.dead_since >= ?", after.0);
    condition.and(&format!("(d.dead_since > {} OR d.n > ?)", after.0), after.1);
    let sql = format!(
        "SELECT {} FROM dead_letters d WHERE {} ORDER BY d.dead_since, d.n LIMIT {max}",
        letter::COLUMNS,
        condition.sql(),
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(condition.values())?;
    let mut letters = Vec::new();
    let mut last = after;
    while let Some(row) = rows.next()? {
        last = (row.get(1)?, row.get(0)?);
        letters.push(letter::read(row)?);
    }
    Ok((letters, last))
}

fn count(connection: &Connection, selection: &Selection) -> Outcome<Stats> {
    let sorts = selection::sorts(connection, selection)?;
    let condition = selection::condition(selection, &sorts);
    let mut sorts: HashMap<i64, Sort> = sorts.into_iter().map(|sort| (sort.id, sort)).collect();
    let sql = format!(
        "SELECT d.sort, count(*), min(d.dead_since), max(d.dead_since) FROM dead_letters d \
         WHERE {} GROUP BY d.sort",
        condition.sql(),
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(condition.values())?;
    let mut stats = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(sort) = sorts.remove(&row.get(0)?) else {
            continue;
        };
        stats.push(StatsRow {
            topic: sort.topic,
            group: sort.group,
            kind: sort.kind,
            fingerprint: sort.fingerprint,
            sample: sort.sample,
            count: row.get(1)?,
            first: clock::time(row.get(2)?),
            last: clock::time(row.get(3)?),
        });
    }
    sort_stats(&mut stats);
    Ok(stats)
}
