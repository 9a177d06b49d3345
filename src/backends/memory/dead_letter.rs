//! Dead letters: listing, counting, importing.

use std::{sync::Arc, vec};

use async_trait::async_trait;

use super::store::{State, Store};
use crate::transport::{
    DeadLetter, DeadLetterScan, LetterPage, Note, NoteName, Result, Selection, Stats, StatsBuilder,
};

/// Lists the dead letters of a selection as of now.
pub(super) fn scan(store: &Store, selection: &Selection) -> Box<dyn DeadLetterScan> {
    let letters = store.look(|state| selected(state, selection));
    Box::new(Scan(letters.into_iter()))
}

/// Counts the dead letters of a selection.
pub(super) fn stats(store: &Store, selection: &Selection) -> Stats {
    let mut counts = StatsBuilder::default();
    for letter in store.look(|state| selected(state, selection)) {
        counts.add(&letter);
    }
    counts.finish()
}

/// Imports dead letters.
pub(super) fn import(store: &Store, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
    store.change(|state, _| {
        let letters = letters.into_iter();
        letters
            .map(|letter| Ok(state.store_letter(letter)))
            .collect()
    })
}

/// Stores or removes a note.
pub(super) fn put_note(store: &Store, name: &NoteName, value: Option<String>) {
    store.change(|state, _| match value {
        Some(value) => drop(state.notes.insert(name.clone(), value)),
        None => drop(state.notes.remove(name)),
    });
}

/// Returns the note of a name and those under it.
pub(super) fn notes(store: &Store, under: &NoteName) -> Vec<Note> {
    store.look(|state| {
        let under = state.notes.iter().filter(|(name, _)| name.is_under(under));
        under
            .map(|(name, value)| Note {
                name: name.clone(),
                value: value.clone(),
            })
            .collect()
    })
}

fn selected(state: &State, selection: &Selection) -> Vec<Arc<DeadLetter>> {
    let letters = state.letters.values();
    letters
        .filter(|letter| selection.matches(letter))
        .cloned()
        .collect()
}

/// The dead letters that existed when the scan began.
struct Scan(vec::IntoIter<Arc<DeadLetter>>);

#[async_trait]
impl DeadLetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let mut page = LetterPage::new(max);
        while !page.is_full()
            && let Some(letter) = self.0.next()
        {
            page.push(Arc::unwrap_or_clone(letter));
        }
        Ok(page.finish())
    }
}
