//! What was there when a tail was opened, partitions merged by time.

use std::{collections::HashMap, sync::Arc};

use crate::{
    backends::kafka::{
        codec::{record::FetchedRecord, topic_partition::OffsetRange},
        connection::{client::settings::Isolation, handle::Connection},
        read::{partition_reader::PartitionReader, time_merge::TimeMerge},
    },
    transport::Result,
};

/// How many bytes of records wait for earlier ones of other partitions.
const WINDOW: usize = 8 << 20;

/// A partition as records name it.
type Place = (Arc<str>, i32);

/// What was there when the tail was opened.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) reader: PartitionReader,
    lanes: HashMap<Place, (usize, i64)>,
    /// The partition of the last record, its lane and its end: the next one is nearly always of the same.
    last: Option<(Place, (usize, i64))>,
    pub(crate) merge: TimeMerge<FetchedRecord>,
}

impl Past {
    /// Begins to read spans; none are nothing to read.
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

    /// Takes in a record.
    pub(crate) fn take(&mut self, read: FetchedRecord) {
        let Some((lane, until)) = self.lane(&read) else {
            return;
        };
        let is_last = read.offset + 1 >= until;
        let payload = read.payload.as_ref().map_or(0, bytes::Bytes::len);
        // Beside the payload there are keys and headers, and what it takes to hold them.
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
