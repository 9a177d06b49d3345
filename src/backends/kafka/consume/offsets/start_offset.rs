//! Where a group without a committed offset starts in a partition, and where a bounded subscription ends.
//!
//! Both are fixed when the member joins, for the partitions that exist then. `auto.offset.reset` would decide when a
//! partition is assigned, which is seconds later and again after each rebalance: events published meanwhile would be
//! lost to `--from new`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    backends::kafka::{
        codec::{
            record,
            topic_partition::{TopicPartition, Watermarks},
        },
        connection::handle::Connection,
        read::open_transactions,
    },
    event::Topic,
    lock::Mutex,
    transport::{Result, StartFrom},
};

/// The ends of a partition when the member joined.
#[derive(Debug, Clone, Copy)]
struct Ends {
    /// The offset behind the last record that a reader of committed records sees.
    visible: i64,
    /// The offset behind the last record, also one of an open transaction.
    stored: i64,
}

/// Where a subscription starts and ends.
#[derive(Debug)]
pub(crate) struct OffsetPlan {
    from: StartFrom,
    /// The partitions that existed when the member joined.
    at_join: HashMap<TopicPartition, Ends>,
    /// Topics that were deleted and created again since.
    recreated: Mutex<HashSet<String>>,
    /// Whether the subscription is bounded.
    pub(crate) until_end: bool,
    /// When the member joined, in milliseconds since the epoch.
    pub(crate) joined: i64,
}

impl OffsetPlan {
    /// Reads the ends of the partitions of topics.
    pub(crate) async fn read(
        connection: &Arc<Connection>,
        topics: &[(Topic, String, i32)],
        from: StartFrom,
        until_end: bool,
    ) -> Result<Self> {
        let mut at_join = HashMap::new();
        if until_end || from != StartFrom::Earliest {
            let places: Vec<(String, i32)> = topics
                .iter()
                .flat_map(|(_, name, count)| (0..*count).map(|partition| (name.clone(), partition)))
                .collect();
            let stored = open_transactions::ends(connection, &places).await?;
            let visible = connection.topics.watermarks(places.clone()).await?;
            for (((topic, partition), visible), stored) in
                places.into_iter().zip(visible).zip(stored)
            {
                let visible = visible.high;
                at_join.insert(
                    TopicPartition::new(topic, partition),
                    Ends { visible, stored },
                );
            }
        }
        Ok(Self {
            from,
            at_join,
            recreated: Mutex::default(),
            until_end,
            joined: record::now_millis(),
        })
    }

    /// Returns the first offset for a group that has none committed; `at_time` finds the first record that is not older
    /// than a time, or the end that readers of committed records see.
    pub(crate) fn start(
        &self,
        at: &TopicPartition,
        watermarks: Watermarks,
        at_time: impl FnOnce(SystemTime) -> Result<i64>,
    ) -> Result<i64> {
        let ends = self.at_join.get(at);
        let ends = ends.filter(|_| !self.recreated.lock().contains(&*at.topic));
        let start = match (self.from, ends) {
            (StartFrom::New, Some(ends)) => ends.visible,
            (StartFrom::Time(time), Some(_)) => at_time(time)?,
            // Everything in a partition that was created later is new.
            (StartFrom::Earliest, _) | (_, None) => watermarks.low,
        };
        Ok(start.max(watermarks.low))
    }

    /// Returns the offset up to which a bounded subscription reads; nothing of a partition that was created later.
    pub(crate) fn end(&self, at: &TopicPartition) -> Option<i64> {
        if !self.until_end {
            return None;
        }
        Some(self.at_join.get(at).map_or(0, |ends| ends.stored))
    }

    /// Returns the partitions that a bounded subscription reads, with the offset behind the last record that it sees.
    pub(crate) fn ends(&self) -> Vec<(TopicPartition, i64)> {
        let ends = self.at_join.iter().filter(|_| self.until_end);
        ends.map(|(at, ends)| (at.clone(), ends.visible)).collect()
    }

    /// Notes that a topic was deleted and created again: everything in it is new.
    pub(crate) fn on_recreated(&self, name: &str) {
        self.recreated.lock().insert(name.to_owned());
    }
}
