//! Reading, counting and importing dead letters; jobs are in a room of their own.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, vec};

use async_trait::async_trait;

use super::{state::State, store::Store};
use crate::transport::{DeadLetter, LetterScan, Result, Selection, Stats, StatsRow};

/// Lists the letters of a selection that are there now.
pub(super) fn scan(store: &Store, selection: &Selection) -> Box<dyn LetterScan> {
    let letters = store.look(|state| selected(state, selection));
    Box::new(Scan(letters.into_iter()))
}

/// Counts the letters of a selection.
pub(super) fn stats(store: &Store, selection: &Selection) -> Stats {
    count(&store.look(|state| selected(state, selection)))
}

/// Stores letters from elsewhere.
pub(super) fn import(store: &Store, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
    store.change(|state, _| {
        let letters = letters.into_iter();
        letters.map(|letter| Ok(state.put_aside(letter))).collect()
    })
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
