//! Reading, counting and importing dead letters; jobs are in a room of their own.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, vec};

use async_trait::async_trait;

use super::{Memory, jobs, replay, state::State};
use crate::transport::{
    DeadLetter, DeadLetters, Job, JobAction, JobId, JobLease, LetterId, LetterScan, Resolution,
    Result, Selection, Stats, StatsRow,
};

#[async_trait]
impl DeadLetters for Memory {
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn LetterScan>> {
        let letters = self.store.look(|state| selected(state, selection));
        Ok(Box::new(Scan(letters.into_iter())))
    }

    async fn stats(&self, selection: &Selection) -> Result<Stats> {
        let letters = self.store.look(|state| selected(state, selection));
        Ok(count(&letters))
    }

    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
        self.store.change(|state, _| {
            let letters = letters.into_iter();
            letters.map(|letter| Ok(state.put_aside(letter))).collect()
        })
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        Ok(self.store.change(|state, now| jobs::list(state, now)))
    }

    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId> {
        Ok(self
            .store
            .change(|state, now| jobs::plan(state, action, selection, now)))
    }

    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
        self.store
            .change(|state, _| jobs::enlist(state, job, letters))
    }

    async fn forget(&self, job: &JobId) -> Result<()> {
        self.store
            .change(|state, now| jobs::forget(state, job, now))
    }

    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease> {
        self.store
            .change(|state, now| jobs::lease(state, job, holder, now))
    }

    async fn renew(&self, lease: &JobLease) -> Result<()> {
        self.store
            .change(|state, now| jobs::renew(state, lease, now))
    }

    async fn advance(&self, lease: &JobLease, max: usize) -> Result<Vec<(LetterId, Resolution)>> {
        self.store
            .change(|state, now| replay::advance(state, lease, max.max(1), now))
    }

    async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        self.store
            .change(|state, now| jobs::release(state, &lease, done, now))
    }
}

fn selected(state: &State, selection: &Selection) -> Vec<Arc<DeadLetter>> {
    let letters = state.letters.values();
    letters
        .filter(|letter| selection.matches(letter))
        .cloned()
        .collect()
}

/// Counts letters that are alike, most frequent first.
fn count(letters: &[Arc<DeadLetter>]) -> Stats {
    let mut rows = BTreeMap::new();
    for letter in letters {
        let record = &letter.record;
        let fingerprint = record.failure.fingerprint.0.as_str();
        let alike = (
            &record.origin.topic,
            &record.group,
            record.kind,
            fingerprint,
        );
        rows.entry(alike)
            .and_modify(|row: &mut StatsRow| row.add(letter))
            .or_insert_with(|| StatsRow::of(letter));
    }
    let mut rows: Stats = rows.into_values().collect();
    rows.sort_by_key(|row| Reverse(row.count));
    rows
}

/// The letters that were there when the scan began.
struct Scan(vec::IntoIter<Arc<DeadLetter>>);

#[async_trait]
impl LetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let letters = self.0.by_ref().take(max.max(1));
        Ok(letters.map(Arc::unwrap_or_clone).collect())
    }
}
