//! Several partitions as one, in the order of time as far as a window reaches; each keeps its own order.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque, binary_heap::PeekMut},
    time::SystemTime,
};

/// What is read of several partitions, put together.
#[derive(Debug)]
pub(crate) struct TimeMerge<T> {
    lanes: Vec<Source<T>>,
    /// The first of each lane that has one.
    heads: BinaryHeap<Reverse<(SystemTime, usize)>>,
    /// Lanes of which the next one is not known yet.
    unknown: usize,
    bytes: usize,
    window: usize,
}

/// A partition.
#[derive(Debug)]
struct Source<T> {
    waiting: VecDeque<(SystemTime, usize, T)>,
    is_open: bool,
}

impl<T> TimeMerge<T> {
    /// Prepares for so many lanes, holding about so many bytes at most.
    pub(crate) fn new(lanes: usize, window: usize) -> Self {
        let lane = || Source {
            waiting: VecDeque::new(),
            is_open: true,
        };
        Self {
            lanes: std::iter::repeat_with(lane).take(lanes).collect(),
            heads: BinaryHeap::new(),
            unknown: lanes,
            bytes: 0,
            window,
        }
    }

    /// Takes in the next one of a lane.
    pub(crate) fn push(&mut self, lane: usize, time: SystemTime, bytes: usize, what: T) {
        let Some(place) = self.lanes.get_mut(lane) else {
            return;
        };
        if place.waiting.is_empty() {
            self.heads.push(Reverse((time, lane)));
            self.unknown -= usize::from(place.is_open);
        }
        place.waiting.push_back((time, bytes, what));
        self.bytes += bytes;
    }

    /// Ends a lane.
    pub(crate) fn close(&mut self, lane: usize) {
        let Some(place) = self.lanes.get_mut(lane) else {
            return;
        };
        if place.is_open && place.waiting.is_empty() {
            self.unknown -= 1;
        }
        place.is_open = false;
    }

    /// Ends all lanes.
    pub(crate) fn close_all(&mut self) {
        (0..self.lanes.len()).for_each(|lane| self.close(lane));
    }

    /// Returns the earliest, once it is known to be that or the window is full.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.unknown > 0 && self.bytes < self.window {
            return None;
        }
        let mut head = self.heads.peek_mut()?;
        let place = self.lanes.get_mut(head.0.1)?;
        let (_, bytes, what) = place.waiting.pop_front()?;
        self.bytes -= bytes;
        if let Some((time, ..)) = place.waiting.front() {
            head.0.0 = *time;
        } else {
            PeekMut::pop(head);
            self.unknown += usize::from(place.is_open);
        }
        Some(what)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn all(merge: &mut TimeMerge<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| merge.pop()).collect()
    }

    #[test]
    fn the_earliest_comes_first_once_it_is_known() {
        let mut merge = TimeMerge::new(2, 1000);
        merge.push(0, at(1), 1, "a");
        merge.push(0, at(4), 1, "d");
        assert_eq!(
            all(&mut merge),
            [""; 0],
            "the other lane may have an earlier one"
        );
        merge.push(1, at(2), 1, "b");
        merge.push(1, at(3), 1, "c");
        assert_eq!(all(&mut merge), ["a", "b", "c"]);
        merge.close(1);
        assert_eq!(all(&mut merge), ["d"]);
    }

    #[test]
    fn a_lane_keeps_its_order_and_equals_go_by_lane() {
        let mut merge = TimeMerge::new(2, 1000);
        merge.push(1, at(2), 1, "2");
        merge.push(0, at(2), 1, "1");
        merge.push(0, at(1), 1, "late");
        merge.close_all();
        assert_eq!(all(&mut merge), ["1", "late", "2"]);
    }

    #[test]
    fn a_full_window_waits_for_nobody() {
        let mut merge = TimeMerge::new(2, 10);
        merge.push(0, at(1), 6, "a");
        merge.push(0, at(2), 6, "b");
        assert_eq!(all(&mut merge), ["a"]);
    }
}
