//! Replays as messages of the user's stream: each has the lineage of its dead letter in a header.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use chrono::DateTime;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{handle::Connection, stream::info},
        dead_letter::scan::CLOCK_SKEW,
        read::{
            pull::Received,
            scope::{ReadScope, StartAt},
            stored,
            stream_reader::StreamReader,
        },
    },
    transport::{MessageDigest, ReplayScan, ReplayTarget, ReplayTrace, Result, TraceKind},
};

/// With more topics than this, the whole stream is read.
const MOST_FILTERS: usize = 20;

/// Starts to read the replays to these targets that were stored at this time or later.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    since: SystemTime,
    targets: &[ReplayTarget],
) -> Result<Box<dyn ReplayScan>> {
    let start = since.checked_sub(CLOCK_SKEW).unwrap_or(since);
    let names = &connection.names;
    // Nothing is replayed to what cannot be a topic, as one that holds dead letters.
    let subjects = targets
        .iter()
        .filter_map(|target| names.subject(&target.topic).ok());
    let mut filters: Vec<String> = subjects.collect();
    filters.sort_unstable();
    filters.dedup();
    if filters.len() > MOST_FILTERS {
        filters = vec![names.all_topics()];
    }
    let stream = names.stream.clone();
    let exists = info::find(connection, &stream).await?.is_some();
    let reader = if exists && !filters.is_empty() {
        let scope = ReadScope::once(stream, filters, StartAt::Time(start));
        Some(StreamReader::open(connection, scope).await?)
    } else {
        None
    };
    Ok(Box::new(Replays {
        connection: Arc::clone(connection),
        since,
        reader,
    }))
}

struct Replays {
    connection: Arc<Connection>,
    since: SystemTime,
    reader: Option<StreamReader>,
}

#[async_trait]
impl ReplayScan for Replays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        let Some(reader) = &mut self.reader else {
            return Ok(Vec::new());
        };
        loop {
            let received = reader.take(max.max(1)).await?;
            let is_end = received.is_empty();
            let received = received.into_iter();
            let traces: Vec<_> = received
                .filter_map(|one| trace(&self.connection, one))
                .collect();
            if is_end || !traces.is_empty() {
                return Ok(traces);
            }
        }
    }

    async fn may_be_gone(&mut self, _: &ReplayTarget) -> Result<Option<String>> {
        let stream = &self.connection.names.stream;
        let Some(info) = info::find(&self.connection, stream).await? else {
            return Ok(Some(format!("there is no stream `{stream}` any more")));
        };
        let (config, state) = (&info.config, &info.state);
        let time = |text: &str| {
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(SystemTime::from)
        };
        let is_since = |text: &str| time(text).is_none_or(|time| time >= self.since);
        // The clocks of the server and of the client that planned the job may differ.
        let is_young = |text: &str| time(text).is_none_or(|time| time + CLOCK_SKEW >= self.since);
        let reason = if config.retention != "limits" {
            "the stream removes what its consumers have handled"
        } else if config.max_msgs_per_subject > 0 {
            "the stream keeps only the last messages of a subject"
        } else if is_since(&info.created) {
            "the stream was created after the job was planned"
        } else if state.first_seq > 1 && (state.messages == 0 || is_young(&state.first_ts)) {
            "limits or a purge removed messages from the stream since"
        } else {
            return Ok(None);
        };
        Ok(Some(reason.to_owned()))
    }
}

fn trace(connection: &Connection, received: Received) -> Option<ReplayTrace> {
    let lineage = headers::read_lineage(received.headers.as_ref())?;
    let stored = stored::decode(connection, received)?;
    Some(ReplayTrace {
        replay_of: lineage.replay_of,
        position: stored.position,
        // A message for one group does not exist here.
        target: ReplayTarget {
            topic: stored.message.topic.clone(),
            group: None,
        },
        kind: TraceKind::Message(MessageDigest::of(&stored.message)),
    })
}
