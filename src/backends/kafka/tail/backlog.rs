//! The records that a topic had when a tail was opened, its partitions merged by time.
//!
//! Kafka orders a partition, not a topic. The merge holds back at most a window of bytes, so it is exact for partitions that
//! are read about equally fast and does not stall on one that is slow.

use std::{collections::HashMap, sync::Arc};

use crate::{
    backends::kafka::{
        codec::{record::FetchedRecord, topic_partition::OffsetRange},
        connection::{client::settings::Isolation, handle::Connection},
        read::{partition_reader::PartitionReader, time_merge::TimeMerge},
    },
    transport::Result,
};

/// The most bytes of records that are held back for earlier ones of other partitions.
const WINDOW: usize = 8 << 20;

/// A partition as records name it.
type Partition = (Arc<str>, i32);

/// The records that existed when the tail was opened.
#[derive(Debug)]
pub(crate) struct Backlog {
    pub(crate) reader: PartitionReader,
    lanes: HashMap<Partition, (usize, i64)>,
    /// The partition of the last record, its number and its end: the next one is nearly always of the same.
    last: Option<(Partition, (usize, i64))>,
    pub(crate) merge: TimeMerge<FetchedRecord>,
}

impl Backlog {
    /// Starts to read ranges; none if they are empty.
    pub(crate) fn open(
        connection: &Arc<Connection>,
        mut spans: Vec<OffsetRange>,
        is_followed: bool,
    ) -> Result<Option<Self>> {
        spans.retain(|span| span.until.is_some_and(|until| span.from < until));
        if spans.is_empty() {
            return Ok(None);
        }
        let lane = |(number, span): (usize, &OffsetRange)| {
            let place = (Arc::from(&*span.topic), span.partition);
            (place, (number, span.until.unwrap_or(i64::MAX)))
        };
        Ok(Some(Self {
            lanes: spans.iter().enumerate().map(lane).collect(),
            last: None,
            merge: TimeMerge::new(spans.len(), WINDOW),
            reader: if is_followed {
                PartitionReader::open_followed(connection, spans)?
            } else {
                PartitionReader::open(connection, spans, Isolation::Committed)?
            },
        }))
    }

    /// Adds a record.
    pub(crate) fn take(&mut self, read: FetchedRecord) {
        let Some((lane, until)) = self.lane(&read) else {
            return;
        };
        let is_last = read.offset + 1 >= until;
        let payload = read.payload.as_ref().map_or(0, bytes::Bytes::len);
        // 500 bytes for the key, the headers and the structs that hold them.
        self.merge.push(lane, read.time, payload + 500, read);
        if is_last {
            self.merge.close(lane);
        }
    }

    fn lane(&mut self, read: &FetchedRecord) -> Option<(usize, i64)> {
        if let Some(((topic, partition), known)) = &self.last
            && *partition == read.partition
            && *topic == read.topic
        {
            return Some(*known);
        }
        let place = (Arc::clone(&read.topic), read.partition);
        let known = *self.lanes.get(&place)?;
        self.last = Some((place, known));
        Some(known)
    }
}
