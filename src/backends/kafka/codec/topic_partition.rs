//! Partitions of topics, by Kafka's names, and offsets in them.

use std::sync::Arc;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicPartition {
    /// Kafka's name of the topic.
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    pub(crate) fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

/// Where a record is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordPlace<'a> {
    /// Kafka's name of the topic.
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// The offsets of a partition: the first that is kept, and the one behind the last that a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watermarks {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// Consecutive offsets of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetRange {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) from: i64,
    /// The offset before which it ends; a range without one is read until dropped.
    pub(crate) until: Option<i64>,
}

impl OffsetRange {
    pub(crate) fn is_empty(&self) -> bool {
        self.until.is_some_and(|until| self.from >= until)
    }
}
