//! The dead letters of a store: reading, counting, importing. Jobs on them are in `jobs`.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use rusqlite::Connection;

use crate::transport::{
    DeadLetter, DeadLetters, Job, JobAction, JobId, JobLease, LetterId, LetterScan, Resolution,
    Result, Selection, Stats, StatsRow,
};

use super::{
    clock,
    error::Outcome,
    jobs::Jobs,
    letter,
    reader::Reader,
    selection::{self, Sort},
    work::Step,
    writer::Writer,
};

/// What a store put aside.
#[derive(Debug)]
pub(super) struct Letters {
    reader: Arc<Reader>,
    writer: Arc<Writer>,
    jobs: Jobs,
}

impl Letters {
    /// Prepares to read and write.
    pub(super) fn new(reader: Arc<Reader>, writer: Arc<Writer>) -> Self {
        Self {
            jobs: Jobs::new(Arc::clone(&reader), Arc::clone(&writer)),
            reader,
            writer,
        }
    }

    async fn import_one(&self, mut letter: DeadLetter) -> Result<bool> {
        // The topic of the record is the one that is stored.
        letter.record.origin.topic = letter.message.topic.clone();
        self.writer
            .write(Step::Other, move |session| {
                letter::insert(&session.connection, &letter)
            })
            .await
    }
}

#[async_trait]
impl DeadLetters for Letters {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn LetterScan>> {
        self.reader.require()?;
        Ok(Box::new(Scan {
            reader: Arc::clone(&self.reader),
            selection: Arc::new(selection.clone()),
            after: (i64::MIN, 0),
        }))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        let selection = selection.clone();
        self.reader
            .read(move |connection| stats(connection, &selection))
            .await
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        let mut results = Vec::with_capacity(letters.len());
        for letter in letters {
            results.push(self.import_one(letter).await);
        }
        results
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        self.jobs.list().await
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        self.jobs.plan(action, selection.to_owned()).await
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        let letters = letters.iter().map(|letter| letter.id.clone()).collect();
        self.jobs.enlist(job.clone(), letters).await
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        self.jobs.forget(job.clone()).await
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        self.jobs.lease(job.clone(), holder.to_owned()).await
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        self.jobs.renew(lease).await
    }

    async fn advance(&self, lease: &JobLease, max: usize) -> Result<Vec<(LetterId, Resolution)>> {
        self.jobs.advance(lease, max).await
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        self.jobs.release(lease, done).await
    }
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

fn stats(connection: &Connection, selection: &Selection) -> Outcome<Stats> {
    let sorts = selection::sorts(connection, selection)?;
    let condition = selection::condition(selection, &sorts);
    let mut sorts: HashMap<i64, Sort> = sorts.into_iter().map(|sort| (sort.id, sort)).collect();
    let sql = format!(
        "SELECT d.sort, count(*), min(d.dead_since), max(d.dead_since) FROM dead_letters d \
         WHERE {} GROUP BY d.sort ORDER BY 2 DESC, 1",
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
    Ok(stats)
}
