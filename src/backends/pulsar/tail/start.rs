//! Where a tail starts in each log.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use crate::{
    backends::pulsar::{
        codec::message_id::MessageId,
        connection::{consumer::Start, handle::Connection},
        read::{last::start_of_last, reader::Reader},
    },
    event::{Stored, Topic},
    transport::{Result, TailFrom},
};

/// A log that is open.
pub(super) struct OpenLog {
    pub(super) reader: Reader,
    /// The last message when it was opened, if there is something to read up to it.
    pub(super) past: Option<MessageId>,
    /// Messages before this time are left out.
    pub(super) since: Option<SystemTime>,
    /// The last messages, where the tail starts with them.
    pub(super) last: VecDeque<Stored>,
}

/// Opens a log of a topic.
pub(super) async fn open(
    connection: &Arc<Connection>,
    topic: &Topic,
    (log, partition): (String, i32),
    from: TailFrom,
) -> Result<OpenLog> {
    let start = match from {
        TailFrom::Now => {
            let reader = Reader::open_at_end(connection, log, partition).await?;
            return Ok(plain(reader, None, None));
        }
        TailFrom::Earliest => Start::Earliest,
        TailFrom::Time(time) => {
            let ago = SystemTime::now().duration_since(time).unwrap_or_default();
            let start = Start::Seconds(ago.as_secs() + 2);
            let mut reader = Reader::open(connection, log, partition, start).await?;
            let past = reader.last_id().await?;
            return Ok(plain(reader, past, Some(time)));
        }
        TailFrom::Last(count) => {
            return open_last(connection, topic, (log, partition), count).await;
        }
    };
    let mut reader = Reader::open(connection, log, partition, start).await?;
    let past = reader.last_id().await?;
    Ok(plain(reader, past, None))
}

fn plain(reader: Reader, past: Option<MessageId>, since: Option<SystemTime>) -> OpenLog {
    OpenLog {
        reader,
        past,
        since,
        last: VecDeque::new(),
    }
}

/// Opens a log behind its last `count` messages, and reads these.
async fn open_last(
    connection: &Arc<Connection>,
    topic: &Topic,
    (log, partition): (String, i32),
    count: u64,
) -> Result<OpenLog> {
    let mut end = Reader::open_at_end(connection, log.clone(), partition).await?;
    let Some(last) = end.last_id().await?.filter(|_| count > 0) else {
        return Ok(plain(end, None, None));
    };
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut entries = count;
    loop {
        let start = start_of_last(connection, &log, last, entries).await;
        let mut reader = Reader::open(connection, log.clone(), partition, start).await?;
        let kept = read_last(&mut reader, topic, last, most).await?;
        // A message may have many entries.
        if kept.len() == most || start == Start::Earliest || !reader.has_seen_chunks() {
            return Ok(OpenLog {
                last: kept,
                ..plain(reader, None, None)
            });
        }
        entries = entries.saturating_mul(4);
    }
}

/// Reads up to `last`, and keeps the last `most` messages.
async fn read_last(
    reader: &mut Reader,
    topic: &Topic,
    last: MessageId,
    most: usize,
) -> Result<VecDeque<Stored>> {
    let mut kept = VecDeque::new();
    let now = SystemTime::now();
    while let Some(messages) = reader.next_until(last).await? {
        let due = messages
            .iter()
            .filter(|one| one.due.is_none_or(|due| due <= now));
        kept.extend(due.map(|message| message.stored(topic)));
        while kept.len() > most {
            kept.pop_front();
        }
    }
    Ok(kept)
}
