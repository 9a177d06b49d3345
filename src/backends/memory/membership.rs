//! The terms on which a member reads from its group.

use std::time::Duration;

use crate::event::{Pattern, Topic};

/// What a member may take, and for how long.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) member: u64,
    pub(super) patterns: Vec<Pattern>,
    /// Where a bounded member ends.
    pub(super) end: Option<u64>,
    pub(super) ordered: bool,
    pub(super) max_in_flight: usize,
    pub(super) lease: Duration,
    pub(super) max_crashes: u32,
}

impl Terms {
    /// Reports whether the member reads this message.
    pub(super) fn wants(&self, topic: &Topic, number: u64) -> bool {
        self.end.is_none_or(|end| number < end)
            && self.patterns.iter().any(|pattern| pattern.matches(topic))
    }
}
