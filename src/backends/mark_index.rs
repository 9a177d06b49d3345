//! Marks of handled events in memory: at most [`MOST`], the oldest forgotten first.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, SystemTime},
};

use crate::{
    event::HandlingKey,
    transport::{Beginning, Handling, Mark},
};

/// The most marks that are kept, about 150 bytes each.
pub(crate) const MOST: usize = 1_000_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct MarkIndex {
    marks: HashMap<HandlingKey, (Mark, SystemTime)>,
    /// The times at which marks were set, in order; one that was set again is in it twice.
    by_time: VecDeque<(SystemTime, HandlingKey)>,
    forgotten: u64,
}

impl MarkIndex {
    /// Returns the mark of a key that was set within the window. `is_pending` says whether the group of a delivery on which
    /// a run began may still settle it.
    pub(crate) fn get(
        &self,
        key: HandlingKey,
        now: SystemTime,
        window: Duration,
        is_pending: impl FnOnce(&Beginning) -> bool,
    ) -> Option<Mark> {
        let (mark, at) = self.marks.get(&key)?;
        let age = now.duration_since(*at).unwrap_or_default();
        let mark = (age < window).then_some(mark)?;
        Some(match mark {
            Mark::Begun(beginning) if !is_pending(beginning) => Mark::Unknown,
            mark => mark.clone(),
        })
    }

    /// Sets a mark, and forgets those that are older than the window or too many.
    pub(crate) fn set(&mut self, key: HandlingKey, mark: Mark, now: SystemTime, window: Duration) {
        self.marks.insert(key, (mark, now));
        self.by_time.push_back((now, key));
        while let Some((at, oldest)) = self.by_time.front().copied() {
            let is_over = now.duration_since(at).is_ok_and(|age| age >= window);
            let is_full = self.marks.len() > MOST || self.by_time.len() > 2 * MOST;
            if !is_over && !is_full {
                return;
            }
            self.by_time.pop_front();
            let is_latest = |(_, latest): &(Mark, SystemTime)| *latest == at;
            if self.marks.get(&oldest).is_some_and(is_latest) {
                self.marks.remove(&oldest);
                self.forgotten += u64::from(!is_over);
            }
        }
    }

    /// Begins a handling unless its mark does not admit it; returns what was there.
    pub(crate) fn begin(
        &mut self,
        handling: &Handling,
        now: SystemTime,
        window: Duration,
        is_pending: impl FnOnce(&Beginning) -> bool,
    ) -> Option<Mark> {
        let found = self.get(handling.key, now, window, is_pending);
        if found.as_ref().is_none_or(|mark| mark.admits(handling)) {
            let begun = Mark::Begun(handling.beginning.clone());
            self.set(handling.key, begun, now, window);
        }
        found
    }

    /// Forgets that a run of this delivery began.
    pub(crate) fn forget(&mut self, key: HandlingKey, beginning: &Beginning) {
        let is_its = |(mark, _): &(Mark, SystemTime)| matches!(mark, Mark::Begun(begun) if begun == beginning);
        if self.marks.get(&key).is_some_and(is_its) {
            self.marks.remove(&key);
        }
    }

    /// Returns how many marks were forgotten before the end of their window.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
