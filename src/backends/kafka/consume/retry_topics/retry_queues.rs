//! The partitions of retries, read apart: behind what was fetched of a long topic, they would come too late.
//!
//! A member may have many of them, most of which are empty: each says when something has come, so that a look at all
//! costs nothing where nothing has. They are emptied even while there is no room for messages, or every one of them
//! could fill up at the same time.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, base_consumer::PartitionQueue};

use super::sources::RetryTopic;
use crate::{backends::kafka::consume::assignment::rebalance::Watch, lock::Mutex};

/// How often every queue is looked at, should one not have said that something came.
const SWEEP: Duration = Duration::from_secs(1);

/// Queues in which something may be, in the order in which they said so.
#[derive(Debug, Default)]
struct Filled(Mutex<Vec<usize>>);

impl Filled {
    fn add(&self, queue: usize) {
        let mut all = self.0.lock();
        all.push(queue);
    }

    fn take(&self) -> Vec<usize> {
        let mut all = self.0.lock();
        std::mem::take(&mut *all)
    }
}

/// The queues of the partitions of retries.
#[derive(Default)]
pub(crate) struct RetryQueues {
    queues: Vec<PartitionQueue<Watch>>,
    split: HashSet<Arc<str>>,
    filled: Arc<Filled>,
    swept: Option<Instant>,
}

impl RetryQueues {
    /// Splits off the partitions of topics. To be done before any of them is assigned: what came earlier would be left
    /// behind in the common queue.
    pub(crate) fn split(&mut self, client: &Arc<BaseConsumer<Watch>>, topics: &[RetryTopic]) {
        for topic in topics {
            if !self.split.insert(Arc::clone(&topic.name)) {
                continue;
            }
            let queues = (0..topic.partitions)
                .filter_map(|partition| client.split_partition_queue(&topic.name, partition));
            for mut queue in queues {
                let (filled, number) = (Arc::clone(&self.filled), self.queues.len());
                queue.set_nonempty_callback(move || filled.add(number));
                self.queues.push(queue);
            }
        }
    }

    /// Shows each queue in which something may be, and how many these are, to `read`, which reports whether there may be
    /// more in it.
    pub(crate) fn visit<E>(
        &mut self,
        mut read: impl FnMut(&PartitionQueue<Watch>, usize) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut filled = self.filled.take();
        if self.swept.is_none_or(|swept| swept.elapsed() > SWEEP) {
            self.swept = Some(Instant::now());
            filled = (0..self.queues.len()).collect();
        }
        filled.sort_unstable();
        filled.dedup();
        let (count, mut visited) = (filled.len(), Ok(()));
        for number in filled {
            let Some(queue) = self.queues.get(number) else {
                continue;
            };
            // After a failure the others are looked at next time.
            let more = match visited {
                Ok(()) => read(queue, count),
                Err(_) => Ok(true),
            };
            if !matches!(more, Ok(false)) {
                self.filled.add(number);
            }
            visited = visited.and(more.map(drop));
        }
        visited
    }
}
