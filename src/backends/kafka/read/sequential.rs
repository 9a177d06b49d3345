//! Records at ascending offsets of a partition, read without a seek for each.
//!
//! A dead-letter job fetches originals in the order in which they were stored. The client has prefetched the next ones
//! by then; a seek throws the prefetched records away and costs a round trip.

use std::{collections::HashMap, sync::Arc};

use super::partition_queues::{PartitionQueues, QueueReader};
use crate::{
    backends::kafka::{
        codec::{record::FetchedRecord, topic_partition::TopicPartition},
        connection::config::Config,
    },
    transport::Result,
};

/// Offsets that are further apart than this are sought; up to this, the records between them are read and dropped.
const MAX_READ_THROUGH: i64 = 4000;
/// For how many partitions the client's memory is divided: how many will be read is not known at the start.
const EXPECTED_PARTITIONS: usize = 6;

/// Reads records whose offsets ascend in each partition.
#[derive(Default)]
pub(crate) struct SequentialReader {
    partitions: HashMap<TopicPartition, SequentialPartition>,
    client: Option<PartitionQueues>,
}

struct SequentialPartition {
    queue: QueueReader,
    /// The offset behind the last one that was asked for.
    next: i64,
    /// A record behind the one that was asked for.
    ahead: Option<FetchedRecord>,
}

impl std::fmt::Debug for SequentialReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SequentialReader")
    }
}

impl SequentialReader {
    /// Returns the record at an offset, if it still exists. Blocks.
    pub(crate) fn read(
        &mut self,
        config: &Config,
        at: &TopicPartition,
        offset: i64,
    ) -> Result<Option<FetchedRecord>> {
        let client = match &self.client {
            Some(client) => client,
            None => self
                .client
                .insert(PartitionQueues::new(config, EXPECTED_PARTITIONS)?),
        };
        if !self.partitions.contains_key(at) {
            let queue = client.open(at, offset)?;
            if self.partitions.keys().all(|known| known.topic != at.topic) {
                client.refresh_metadata(std::iter::once(&*at.topic))?;
            }
            let partition = SequentialPartition {
                queue,
                next: offset,
                ahead: None,
            };
            self.partitions.insert(at.clone(), partition);
        }
        let Some(partition) = self.partitions.get_mut(at) else {
            return Ok(None);
        };
        partition.read(offset)
    }
}

impl SequentialPartition {
    fn read(&mut self, offset: i64) -> Result<Option<FetchedRecord>> {
        if offset < self.next || offset - self.queue.position() > MAX_READ_THROUGH {
            self.ahead = None;
            self.queue.seek(offset)?;
        }
        self.next = offset + 1;
        loop {
            let record = match self.ahead.take() {
                Some(record) => Some(record),
                None => self
                    .queue
                    .next(|topic, record| FetchedRecord::copy(Arc::clone(topic), record))?,
            };
            match record {
                None => return Ok(None),
                Some(record) if record.offset == offset => return Ok(Some(record)),
                Some(record) if record.offset > offset => {
                    self.ahead = Some(record);
                    return Ok(None);
                }
                Some(_) => {}
            }
        }
    }
}
