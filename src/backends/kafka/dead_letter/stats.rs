//! Counting letters, without copying their messages.

use std::sync::Arc;

use chrono::DateTime;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde::Deserialize;

use super::{
    resolved::{self, Resolved, Seen},
    scan,
    state_topic::State,
    store::Opener,
};
use crate::{
    backends::kafka::{
        codec::record::{FetchedRecord, ID, LETTER},
        connection::handle::Connection,
        read::merged_scan::{self, MergedScan},
    },
    event::Message,
    transport::{
        DeadLetter, LetterId, LetterKind, LetterRecord, Result, Selection, Stats, StatsBuilder,
    },
};

/// What is taken of a letter to count it.
enum Glimpse {
    Ours {
        topic: Arc<str>,
        partition: i32,
        offset: i64,
        id: LetterId,
        story: Vec<u8>,
    },
    /// Stored by others, or damaged.
    Other(Box<FetchedRecord>),
}

fn glimpse(topic: &Arc<str>, record: &BorrowedMessage<'_>) -> Glimpse {
    let (mut id, mut story) = (None, None);
    if let Some(headers) = record.headers() {
        // Marks stand behind the user's headers.
        for number in (0..headers.count()).rev() {
            let header = headers.get(number);
            match header.key {
                ID => id = header.value.and_then(|id| std::str::from_utf8(id).ok()),
                LETTER => story = header.value,
                _ => continue,
            }
            if id.is_some() && story.is_some() {
                break;
            }
        }
    }
    match (id, story) {
        (Some(id), Some(story)) => Glimpse::Ours {
            topic: Arc::clone(topic),
            partition: record.partition(),
            offset: record.offset(),
            id: LetterId::from_stored(id),
            story: story.to_vec(),
        },
        _ => Glimpse::Other(Box::new(merged_scan::copy(topic, record))),
    }
}

/// What two letters have in common that are counted together, and when one died.
#[derive(Deserialize)]
struct Brief<'a> {
    #[serde(borrow)]
    origin: BriefOrigin<'a>,
    group: &'a str,
    kind: LetterKind,
    #[serde(borrow)]
    failure: BriefFailure<'a>,
    dead_since: &'a str,
}

#[derive(Deserialize)]
struct BriefOrigin<'a> {
    topic: &'a str,
}

#[derive(Deserialize)]
struct BriefFailure<'a> {
    fingerprint: &'a str,
}

/// Counts the letters that are meant.
pub(crate) async fn count(connection: &Arc<Connection>, selection: &Selection) -> Result<Stats> {
    let spans = scan::spans(connection, &scan::stores(connection, selection).await?).await?;
    let state = State::read(connection).await?;
    let mut merge = MergedScan::open(connection, spans, glimpse)?;
    let mut counting = Counting {
        opener: Opener::new(connection).await?,
        resolved: state.resolved,
        seen: Seen::default(),
        selection,
        rows: StatsBuilder::default(),
    };
    while let Some(glimpses) = merge.next().await? {
        for one in glimpses {
            counting.take(one);
        }
    }
    Ok(counting.rows.finish())
}

struct Counting<'a> {
    opener: Opener,
    resolved: Resolved,
    seen: Seen,
    selection: &'a Selection,
    rows: StatsBuilder,
}

impl Counting<'_> {
    fn take(&mut self, glimpse: Glimpse) {
        match glimpse {
            Glimpse::Ours {
                topic,
                partition,
                offset,
                id,
                story,
            } => {
                if self.is_new(&id, (&topic, partition, offset)) {
                    self.take_ours(id, &story);
                }
            }
            Glimpse::Other(read) => {
                if let Some(found) = self.opener.open(*read)
                    && self.is_new(&found.letter.id, found.place())
                {
                    self.take_letter(&found.letter);
                }
            }
        }
    }

    fn is_new(&mut self, id: &LetterId, place: (&str, i32, i64)) -> bool {
        let id = resolved::number(id);
        !self.resolved.contains(id, place) && self.seen.is_new(id)
    }

    fn take_ours(&mut self, id: LetterId, story: &[u8]) {
        // A story with an escape in one of these is read in whole.
        if self.selection.is_all()
            && let Ok(brief) = serde_json::from_slice::<Brief<'_>>(story)
            && let Ok(died) = DateTime::parse_from_rfc3339(brief.dead_since)
        {
            let (place, failure) = ((brief.origin.topic, brief.group), brief.failure.fingerprint);
            if self
                .rows
                .add_to_known(place, brief.kind, failure, died.into())
            {
                return;
            }
        }
        if let Ok(record) = serde_json::from_slice::<LetterRecord>(story) {
            let message = Message::new(record.origin.topic.clone(), "");
            self.take_letter(&DeadLetter {
                id,
                message,
                record,
                at: None,
            });
        }
    }

    fn take_letter(&mut self, letter: &DeadLetter) {
        if self.selection.matches(letter) {
            self.rows.add(letter);
        }
    }
}
