//! Marks of handled events in memory: at most [`MOST`], the oldest forgotten first.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, SystemTime},
};

use crate::{
    event::HandlingKey,
    transport::{Beginning, Handling, Mark},
};

/// The most marks that are kept, about 50 bytes each.
pub(crate) const MOST: usize = 900_000;

/// The lower bits of the tenths of a second since 1970: a mark takes few bytes. Windows are longer, and shorter than what the
/// bits can tell apart, some years.
type Moment = u32;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct MarkIndex {
    /// When each key was marked.
    marked: HashMap<HandlingKey, Moment>,
    /// The marks of keys that were not handled; a marked key without one was.
    unhandled: HashMap<HandlingKey, Mark>,
    /// The marked keys in order of time; one that was marked again is in it twice.
    by_time: VecDeque<(HandlingKey, Moment)>,
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
        let at = *self.marked.get(&key)?;
        if is_over(at, moment(now), window) {
            return None;
        }
        Some(match self.unhandled.get(&key) {
            Some(Mark::Begun(beginning)) if !is_pending(beginning) => Mark::Unknown,
            mark => mark.cloned().unwrap_or(Mark::Done),
        })
    }

    /// Sets a mark, and forgets those that are older than the window or too many.
    pub(crate) fn set(&mut self, key: HandlingKey, mark: Mark, now: SystemTime, window: Duration) {
        let now = moment(now);
        self.marked.insert(key, now);
        if mark == Mark::Done {
            self.unhandled.remove(&key);
        } else {
            self.unhandled.insert(key, mark);
        }
        self.by_time.push_back((key, now));
        while let Some((oldest, at)) = self.by_time.front().copied() {
            let is_over = is_over(at, now, window);
            let is_full = self.marked.len() > MOST || self.by_time.len() > 2 * MOST;
            if !is_over && !is_full {
                return;
            }
            self.by_time.pop_front();
            if self.marked.get(&oldest) == Some(&at) {
                self.remove(oldest);
                self.forgotten += u64::from(!is_over);
            }
        }
    }

    fn remove(&mut self, key: HandlingKey) {
        self.marked.remove(&key);
        self.unhandled.remove(&key);
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
        let is_its = |mark: &Mark| matches!(mark, Mark::Begun(begun) if begun == beginning);
        if self.unhandled.get(&key).is_some_and(is_its) {
            self.remove(key);
        }
    }

    /// Returns how many marks were forgotten before the end of their window.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

fn moment(time: SystemTime) -> Moment {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let tenths = since.unwrap_or_default().as_millis() / 100;
    Moment::try_from(tenths & u128::from(Moment::MAX)).unwrap_or_default()
}

fn is_over(at: Moment, now: Moment, window: Duration) -> bool {
    // Of a clock that was set back, the age is none.
    let age = u128::try_from(now.wrapping_sub(at).cast_signed()).unwrap_or(0);
    age * 100 >= window.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Position;

    const WINDOW: Duration = Duration::from_hours(1);

    fn key(number: usize) -> HandlingKey {
        HandlingKey::from((number as u128).to_le_bytes())
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn beginning(position: u64) -> Beginning {
        Beginning {
            group: "g".parse().unwrap(),
            position: Position::number(position),
        }
    }

    #[test]
    fn the_oldest_marks_are_forgotten_and_counted() {
        let mut index = MarkIndex::default();
        for number in 0..MOST + 2 {
            index.set(key(number), Mark::Done, at(0), WINDOW);
        }
        let get = |number| index.get(key(number), at(0), WINDOW, |_| true);
        assert_eq!((get(0), get(1), get(2)), (None, None, Some(Mark::Done)));
        assert_eq!(index.forgotten(), 2);
        index.set(key(0), Mark::Done, at(3600), WINDOW);
        assert_eq!(index.marked.len(), 1, "the others are over");
        assert_eq!(index.forgotten(), 2);
    }

    #[test]
    fn a_mark_that_is_set_again_lasts_from_then() {
        let mut index = MarkIndex::default();
        index.set(key(1), Mark::Begun(beginning(1)), at(0), WINDOW);
        index.set(key(1), Mark::Done, at(3000), WINDOW);
        index.set(key(2), Mark::Done, at(3700), WINDOW);
        let found = index.get(key(1), at(3700), WINDOW, |_| true);
        assert_eq!(found, Some(Mark::Done));
    }

    #[test]
    fn only_its_own_beginning_is_forgotten() {
        let mut index = MarkIndex::default();
        let begun = Some(Mark::Begun(beginning(1)));
        index.set(key(1), Mark::Begun(beginning(1)), at(0), WINDOW);
        index.forget(key(1), &beginning(2));
        assert_eq!(index.get(key(1), at(0), WINDOW, |_| true), begun);
        let unknown = index.get(key(1), at(0), WINDOW, |_| false);
        assert_eq!(unknown, Some(Mark::Unknown));
        index.forget(key(1), &beginning(1));
        assert_eq!(index.get(key(1), at(0), WINDOW, |_| true), None);
        assert!(index.unhandled.is_empty());
    }
}
