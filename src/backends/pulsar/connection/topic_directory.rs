//! Topics that were found before, with their partitions.

use std::collections::HashMap;

use super::names::partition;
use crate::lock::Mutex;

/// A topic that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicInfo {
    /// Pulsar's name.
    pub(crate) name: String,
    /// How many partitions it has; none if it is one log.
    pub(crate) partitions: Option<u32>,
}

impl TopicInfo {
    /// Returns the names of its logs with the numbers of their partitions, -1 for a topic without.
    pub(crate) fn logs(&self) -> Vec<(String, i32)> {
        let Some(count) = self.partitions else {
            return vec![(self.name.clone(), -1)];
        };
        let log = |number: u32| (partition(&self.name, number), number.cast_signed());
        (0..count).map(log).collect()
    }
}

/// Topics that were found before. A topic never loses partitions.
#[derive(Debug, Default)]
pub(crate) struct TopicDirectory {
    known: Mutex<HashMap<String, TopicInfo>>,
}

impl TopicDirectory {
    pub(super) fn get(&self, name: &str) -> Option<TopicInfo> {
        self.known.lock().get(name).cloned()
    }

    pub(super) fn insert(&self, info: TopicInfo) {
        self.known.lock().insert(info.name.clone(), info);
    }

    /// Forgets a topic that turned out not to exist any more.
    pub(crate) fn forget(&self, name: &str) {
        self.known.lock().remove(name);
    }
}
