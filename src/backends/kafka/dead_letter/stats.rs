//! Counting of letters, without copying their messages.

use std::sync::Arc;

use chrono::DateTime;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde::Deserialize;

use super::{
    decode::LetterDecoder,
    resolved::{self, RecentIds, ResolvedLetters},
    scan,
    state_topic::TriageState,
};
use crate::{
    backends::kafka::{
        codec::{
            record::{FetchedRecord, ID, LETTER},
            topic_partition::{OffsetRange, RecordPlace},
        },
        connection::handle::Connection,
        read::merged_scan::{self, MergedScan},
    },
    event::Message,
    transport::{
        DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRecord, Result, Selection, Stats,
        StatsBuilder,
    },
};

/// The parts of a letter that are needed to count it.
enum Header {
    Own {
        topic: Arc<str>,
        partition: i32,
        offset: i64,
        id: DeadLetterId,
        metadata: Vec<u8>,
    },
    /// Stored by another program, or damaged.
    Other(Box<FetchedRecord>),
}

fn header(topic: &Arc<str>, record: &BorrowedMessage<'_>) -> Header {
    let (mut id, mut metadata) = (None, None);
    if let Some(headers) = record.headers() {
        // Internal headers come after the user's.
        for number in (0..headers.count()).rev() {
            let header = headers.get(number);
            match header.key {
                ID => id = header.value.and_then(|id| std::str::from_utf8(id).ok()),
                LETTER => metadata = header.value,
                _ => continue,
            }
            if id.is_some() && metadata.is_some() {
                break;
            }
        }
    }
    match (id, metadata) {
        (Some(id), Some(metadata)) => Header::Own {
            topic: Arc::clone(topic),
            partition: record.partition(),
            offset: record.offset(),
            id: DeadLetterId::from_stored(id),
            metadata: metadata.to_vec(),
        },
        _ => Header::Other(Box::new(merged_scan::copy(topic, record))),
    }
}

/// The fields by which letters are counted together, and when the letter was dead-lettered. Borrowed from the metadata:
/// most letters belong to a row that exists, and need no copies.
#[derive(Deserialize)]
struct CountedRecord<'a> {
    #[serde(borrow)]
    origin: CountedOrigin<'a>,
    group: &'a str,
    kind: DeadLetterKind,
    #[serde(borrow)]
    failure: CountedFailure<'a>,
    dead_since: &'a str,
}

#[derive(Deserialize)]
struct CountedOrigin<'a> {
    topic: &'a str,
}

#[derive(Deserialize)]
struct CountedFailure<'a> {
    fingerprint: &'a str,
}

/// Counts the selected letters.
pub(crate) async fn count(connection: &Arc<Connection>, selection: &Selection) -> Result<Stats> {
    let ranges = scan::ranges(
        connection,
        &scan::dead_letter_topics(connection, selection).await?,
    )
    .await?;
    let mut merge = MergedScan::open(connection, ranges, header)?;
    let state = TriageState::read(connection).await?;
    let mut counting = Counting {
        decoder: LetterDecoder::new(connection).await?,
        resolved: state.resolved,
        seen: RecentIds::default(),
        selection,
        rows: StatsBuilder::default(),
    };
    while let Some(headers) = merge.next().await? {
        for one in headers {
            counting.count(one);
        }
    }
    Ok(counting.rows.finish())
}

/// Reads the ids of the letters in ranges as numbers, resolved ones and copies too.
pub(crate) async fn read_ids(
    connection: &Arc<Connection>,
    ranges: Vec<OffsetRange>,
    mut take: impl FnMut(u64, RecordPlace<'_>),
) -> Result<()> {
    let mut decoder = LetterDecoder::new(connection).await?;
    let mut merge = MergedScan::open(connection, ranges, header)?;
    while let Some(headers) = merge.next().await? {
        for one in headers {
            match one {
                Header::Own {
                    topic,
                    partition,
                    offset,
                    id,
                    ..
                } => take(
                    resolved::compact_id(&id),
                    RecordPlace {
                        topic: &topic,
                        partition,
                        offset,
                    },
                ),
                Header::Other(read) => {
                    if let Some(found) = decoder.decode(*read) {
                        take(resolved::compact_id(&found.letter.id), found.place());
                    }
                }
            }
        }
    }
    Ok(())
}

struct Counting<'a> {
    decoder: LetterDecoder,
    resolved: ResolvedLetters,
    seen: RecentIds,
    selection: &'a Selection,
    rows: StatsBuilder,
}

impl Counting<'_> {
    fn count(&mut self, header: Header) {
        match header {
            Header::Own {
                topic,
                partition,
                offset,
                id,
                metadata,
            } => {
                if self.is_new(
                    &id,
                    RecordPlace {
                        topic: &topic,
                        partition,
                        offset,
                    },
                ) {
                    self.count_own(id, &metadata);
                }
            }
            Header::Other(read) => {
                if let Some(found) = self.decoder.decode(*read)
                    && self.is_new(&found.letter.id, found.place())
                {
                    self.count_letter(&found.letter);
                }
            }
        }
    }

    fn is_new(&mut self, id: &DeadLetterId, place: RecordPlace<'_>) -> bool {
        let id = resolved::compact_id(id);
        !self.resolved.contains(id, place) && self.seen.is_new(id)
    }

    fn count_own(&mut self, id: DeadLetterId, metadata: &[u8]) {
        // Metadata with an escape in one of these fields cannot be borrowed and is decoded in whole.
        if self.selection.is_all()
            && let Ok(counted) = serde_json::from_slice::<CountedRecord<'_>>(metadata)
            && let Ok(died) = DateTime::parse_from_rfc3339(counted.dead_since)
        {
            let (place, failure) = (
                (counted.origin.topic, counted.group),
                counted.failure.fingerprint,
            );
            if self
                .rows
                .add_to_known(place, counted.kind, failure, died.into())
            {
                return;
            }
        }
        if let Ok(record) = serde_json::from_slice::<DeadLetterRecord>(metadata) {
            let message = Message::new(record.origin.topic.clone(), "");
            self.count_letter(&DeadLetter {
                id,
                message,
                record,
                at: None,
                is_foreign: false,
            });
        }
    }

    fn count_letter(&mut self, letter: &DeadLetter) {
        if self.selection.matches(letter) {
            self.rows.add(letter);
        }
    }
}
