//! The terms on which a member reads from its group.

use std::time::Duration;

use crate::{
    event::{Pattern, Topic},
    transport::Dedup,
};

/// What a member may take, and for how long.
#[derive(Debug)]
pub(in crate::backends::memory) struct Terms {
    pub(in crate::backends::memory) member: u64,
    pub(in crate::backends::memory) patterns: Vec<Pattern>,
    /// Where a bounded member ends.
    pub(in crate::backends::memory) end: Option<u64>,
    pub(in crate::backends::memory) ordered: bool,
    pub(in crate::backends::memory) max_in_flight: usize,
    pub(in crate::backends::memory) lease: Duration,
    pub(in crate::backends::memory) max_crashes: u32,
    /// The marks that it keeps.
    pub(in crate::backends::memory) dedup: Option<Dedup>,
}

impl Terms {
    /// Reports whether the member reads this message.
    pub(in crate::backends::memory) fn wants(&self, topic: &Topic, number: u64) -> bool {
        self.end.is_none_or(|end| number < end) && self.reads(topic)
    }

    /// Reports whether the member reads this topic.
    pub(in crate::backends::memory) fn reads(&self, topic: &Topic) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(topic))
    }
}
