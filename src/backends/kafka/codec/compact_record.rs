//! A record that is kept in memory in one allocation: as a [`FetchedRecord`] it takes twice the memory.

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use super::{
    record::{self, FetchedRecord},
    topic_partition::TopicPartition,
};

/// What a record takes beside its bytes.
pub(crate) const OVERHEAD: usize = 128;
/// The length of what is not there.
const NULL: u32 = u32::MAX;

/// A record in one piece: its key, its payload, and the names and values of its headers, each behind its length.
#[derive(Debug)]
pub(crate) struct CompactRecord {
    /// Milliseconds since the epoch.
    time: i64,
    bytes: Box<[u8]>,
}

impl CompactRecord {
    /// Copies a record out of the client's memory.
    pub(crate) fn copy(record: &BorrowedMessage<'_>) -> Self {
        let headers = record.headers();
        let headers = headers.into_iter().flat_map(|found| found.iter());
        let headers = headers.flat_map(|header| [Some(header.key.as_bytes()), header.value]);
        let time = record.timestamp().to_millis().unwrap_or(0);
        Self::new(
            time,
            [record.key(), record.payload()].into_iter().chain(headers),
        )
    }

    /// Packs a record that was taken apart.
    pub(crate) fn of(read: &FetchedRecord) -> Self {
        let headers = read.headers.iter();
        let headers = headers.map(|(name, value)| (name, value.map(|value| &value[..])));
        let marks = read.marks.iter().map(|(name, value)| (name, Some(value)));
        let named = headers.chain(marks);
        let named = named.flat_map(|(name, value)| [Some(name.as_bytes()), value]);
        let parts = [read.key.as_deref(), read.payload.as_deref()];
        Self::new(record::millis(read.time), parts.into_iter().chain(named))
    }

    fn new<'a>(time: i64, parts: impl Iterator<Item = Option<&'a [u8]>>) -> Self {
        let mut bytes = Vec::with_capacity(512);
        for part in parts {
            let length = part.map_or(NULL, |part| u32::try_from(part.len()).unwrap_or(NULL));
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(part.unwrap_or_default());
        }
        let bytes = bytes.into_boxed_slice();
        Self { time, bytes }
    }

    /// Returns the bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        OVERHEAD + self.bytes.len()
    }

    /// Takes it apart, as it stands in a partition.
    pub(crate) fn unpack(self, at: &TopicPartition, offset: i64) -> FetchedRecord {
        let mut rest = Bytes::from(self.bytes);
        let (key, payload) = (take(&mut rest), take(&mut rest));
        let (headers, marks) = record::split_headers(std::iter::from_fn(|| {
            let name = (!rest.is_empty()).then(|| take(&mut rest))?;
            Some((name.unwrap_or_default(), take(&mut rest)))
        }));
        FetchedRecord {
            topic: Arc::clone(&at.topic),
            partition: at.partition,
            offset,
            time: record::time(Some(self.time)),
            key,
            payload,
            headers,
            marks,
        }
    }
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    match rest.get_u32_le() {
        NULL => None,
        length => Some(rest.split_to(usize::try_from(length).unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::kafka::codec::record::{InternalHeaders, WAITING},
        event::Headers,
    };

    #[test]
    fn a_record_comes_back_as_it_was() {
        let mut headers = Headers::new();
        headers.push("content-type", Some(Bytes::from_static(b"text/plain")));
        headers.push("empty", Some(Bytes::new()));
        headers.push("null", None);
        let at = TopicPartition::new("pf.delay", 3);
        let mut read = FetchedRecord {
            topic: Arc::clone(&at.topic),
            partition: 3,
            offset: 7,
            time: record::time(Some(1_700_000_000_123)),
            key: Some(Bytes::from_static(b"k")),
            payload: Some(Bytes::new()),
            headers,
            marks: InternalHeaders::of(WAITING, Bytes::from_static(b"{}")),
        };
        assert_eq!(CompactRecord::of(&read).unpack(&at, 7), read);
        (read.key, read.payload) = (None, None);
        assert_eq!(CompactRecord::of(&read).unpack(&at, 7), read);
    }
}
