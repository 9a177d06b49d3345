//! Bounded ranges of several partitions, merged by time, without copying what the caller does not need.
//!
//! It pulls: each partition has a queue of its own, and the next record is taken from the partition that has the
//! earliest one, so memory stays at one record a partition.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
};

use rdkafka::message::{BorrowedMessage, Message as _};
use tokio::sync::mpsc;

use super::{
    extent::{CHUNK, CHUNK_BYTES},
    partition_queues::{PartitionQueues, QueueReader},
};
use crate::{
    backends::kafka::{
        codec::{
            record::FetchedRecord,
            topic_partition::{OffsetRange, TopicPartition},
        },
        connection::{client, config::Config, handle::Connection, threads},
    },
    transport::Result,
};

/// An open read of several partitions, merged by time as far as each of them is in that order. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct MergedScan<T> {
    chunks: mpsc::Receiver<Result<Vec<T>>>,
}

/// Takes from a record what the caller needs, on the thread that reads.
type Project<'p, T> = dyn FnMut(&Arc<str>, &BorrowedMessage<'_>) -> T + 'p;

impl<T: Send + 'static> MergedScan<T> {
    /// Starts to read ranges that have an end.
    pub(crate) fn open(
        connection: &Connection,
        mut ranges: Vec<OffsetRange>,
        mut project: impl FnMut(&Arc<str>, &BorrowedMessage<'_>) -> T + Send + 'static,
    ) -> Result<Self> {
        ranges.retain(|range| !range.is_empty());
        let (sender, chunks) = mpsc::channel(2);
        let config = connection.config.clone();
        threads::spawn("pf-kafka-merge", move || {
            let mut client = None;
            if let Err(failed) = merge((&config, &mut client), ranges, &sender, &mut project) {
                let _ = sender.blocking_send(Err(failed));
            }
            client::close_behind(&config, client, sender);
        })?;
        Ok(Self { chunks })
    }

    /// Waits for records; returns none at the end. May be dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<T>>> {
        self.chunks.recv().await.transpose()
    }
}

/// Copies the whole of a record.
pub(crate) fn copy(topic: &Arc<str>, record: &BorrowedMessage<'_>) -> FetchedRecord {
    FetchedRecord::copy(Arc::clone(topic), record)
}

fn merge<T>(
    (config, client): (&Config, &mut Option<PartitionQueues>),
    ranges: Vec<OffsetRange>,
    sender: &mpsc::Sender<Result<Vec<T>>>,
    project: &mut Project<'_, T>,
) -> Result<()> {
    if ranges.is_empty() {
        return Ok(());
    }
    let client = client.insert(PartitionQueues::new(config, ranges.len())?);
    let topics: BTreeSet<String> = ranges.iter().map(|range| range.topic.clone()).collect();
    let mut sources = Vec::with_capacity(ranges.len());
    for range in ranges {
        let at = TopicPartition::new(range.topic, range.partition);
        sources.push(Source {
            queue: client.open(&at, range.from)?,
            until: range.until.unwrap_or(i64::MAX),
            head: None,
        });
    }
    client.refresh_metadata(topics.iter().map(String::as_str))?;
    let mut order: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        order.extend(source.refill(project)?.map(|time| Reverse((time, number))));
    }
    let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK), 0);
    while let Some(Reverse((_, number))) = order.pop() {
        let source = &mut sources[number];
        if let Some((head, size)) = source.head.take() {
            chunk.push(head);
            bytes += size;
        }
        order.extend(source.refill(project)?.map(|time| Reverse((time, number))));
        if chunk.len() == CHUNK || bytes >= CHUNK_BYTES || order.is_empty() {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            bytes = 0;
            if sender.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A partition and its next record, with the bytes of its payload.
struct Source<T> {
    queue: QueueReader,
    until: i64,
    head: Option<(T, usize)>,
}

impl<T> Source<T> {
    /// Reads the next record and returns its time; returns none at the end.
    fn refill(&mut self, project: &mut Project<'_, T>) -> Result<Option<i64>> {
        if self.queue.position() >= self.until {
            return Ok(None);
        }
        let record = self.queue.next(|topic, record| {
            let time = record.timestamp().to_millis().unwrap_or(0);
            let head = (project(topic, record), record.payload_len());
            (record.offset(), time, head)
        })?;
        let Some((_, time, head)) = record.filter(|(offset, ..)| *offset < self.until) else {
            return Ok(None);
        };
        self.head = Some(head);
        Ok(Some(time))
    }
}
