//! Several partitions merged by time within a byte window; each keeps its own order.
//!
//! It is pushed: a partition may deliver nothing for long while others fill the memory. Once the window is full, the
//! earliest record is passed on, though an earlier one may still arrive.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque, binary_heap::PeekMut},
    time::SystemTime,
};

/// Merges items of several partitions.
#[derive(Debug)]
pub(crate) struct TimeMerge<T> {
    sources: Vec<Source<T>>,
    /// The first item of each source that has one.
    heads: BinaryHeap<Reverse<(SystemTime, usize)>>,
    /// Open sources that have no item.
    unknown: usize,
    bytes: usize,
    window: usize,
}

/// A partition.
#[derive(Debug)]
struct Source<T> {
    items: VecDeque<(SystemTime, usize, T)>,
    is_open: bool,
}

impl<T> TimeMerge<T> {
    /// Prepares for this many sources and about `window` bytes.
    pub(crate) fn new(sources: usize, window: usize) -> Self {
        let source = || Source {
            items: VecDeque::new(),
            is_open: true,
        };
        Self {
            sources: std::iter::repeat_with(source).take(sources).collect(),
            heads: BinaryHeap::new(),
            unknown: sources,
            bytes: 0,
            window,
        }
    }

    /// Adds the next item of a source.
    pub(crate) fn push(&mut self, number: usize, time: SystemTime, bytes: usize, item: T) {
        let Some(source) = self.sources.get_mut(number) else {
            return;
        };
        if source.items.is_empty() {
            self.heads.push(Reverse((time, number)));
            self.unknown -= usize::from(source.is_open);
        }
        source.items.push_back((time, bytes, item));
        self.bytes += bytes;
    }

    /// Ends a source.
    pub(crate) fn close(&mut self, number: usize) {
        let Some(source) = self.sources.get_mut(number) else {
            return;
        };
        if source.is_open && source.items.is_empty() {
            self.unknown -= 1;
        }
        source.is_open = false;
    }

    /// Ends all sources.
    pub(crate) fn close_all(&mut self) {
        (0..self.sources.len()).for_each(|number| self.close(number));
    }

    /// Returns the earliest item once every open source has one or the window is full.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.unknown > 0 && self.bytes < self.window {
            return None;
        }
        let mut head = self.heads.peek_mut()?;
        let source = self.sources.get_mut(head.0.1)?;
        let (_, bytes, item) = source.items.pop_front()?;
        self.bytes -= bytes;
        if let Some((time, ..)) = source.items.front() {
            head.0.0 = *time;
        } else {
            PeekMut::pop(head);
            self.unknown += usize::from(source.is_open);
        }
        Some(item)
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
            "the other source may have an earlier one"
        );
        merge.push(1, at(2), 1, "b");
        merge.push(1, at(3), 1, "c");
        assert_eq!(all(&mut merge), ["a", "b", "c"]);
        merge.close(1);
        assert_eq!(all(&mut merge), ["d"]);
    }

    #[test]
    fn a_source_keeps_its_order_and_equal_times_go_by_source() {
        let mut merge = TimeMerge::new(2, 1000);
        merge.push(1, at(2), 1, "2");
        merge.push(0, at(2), 1, "1");
        merge.push(0, at(1), 1, "late");
        merge.close_all();
        assert_eq!(all(&mut merge), ["1", "late", "2"]);
    }

    #[test]
    fn a_full_window_passes_on_the_earliest() {
        let mut merge = TimeMerge::new(2, 10);
        merge.push(0, at(1), 6, "a");
        merge.push(0, at(2), 6, "b");
        assert_eq!(all(&mut merge), ["a"]);
    }
}
