//! Queues of retry partitions, apart from the common queue: behind messages that were prefetched from a long topic,
//! retries would be late.
//!
//! A member may have many such queues, most of them empty. Each notifies when a record arrives, so that polling all of them
//! costs nothing while none has. They are drained even while the buffer is full: left alone, every one of them could
//! fill up at the same time.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::consumer::base_consumer::PartitionQueue;

use super::sources::RetryTopic;
use crate::{
    backends::kafka::{
        connection::client::context::Context,
        consume::assignment::rebalance::{GroupCallbacks, GroupConsumer},
    },
    lock::Mutex,
};

/// How often every queue is polled, in case a notification was missed.
const SWEEP: Duration = Duration::from_secs(1);

/// Queues that may have records, in the order of their notifications.
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

/// The queues of retry partitions.
#[derive(Default)]
pub(crate) struct RetryQueues {
    queues: Vec<PartitionQueue<Context<GroupCallbacks>>>,
    split: HashSet<Arc<str>>,
    filled: Arc<Filled>,
    swept: Option<Instant>,
}

impl RetryQueues {
    /// Splits off the partitions of topics. This has to precede their assignment: records that arrive earlier stay in the
    /// common queue.
    pub(crate) fn split(&mut self, client: &Arc<GroupConsumer>, topics: &[RetryTopic]) {
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

    /// Passes each queue that may have records to `read`, with the number of these queues; `read` reports whether there
    /// may be more in it.
    pub(crate) fn visit<E>(
        &mut self,
        mut read: impl FnMut(&PartitionQueue<Context<GroupCallbacks>>, usize) -> Result<bool, E>,
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
            // After a failure the others are polled next time.
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
