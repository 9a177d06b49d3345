//! Replays as messages of the topic, or of the retry topic of the group that failed.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    backends::pulsar::{
        codec::{
            message::Inbound,
            message_id::MessageId,
            properties::RETRY,
            retry::{lineage, read_retry},
        },
        connection::{consumer::Start, handle::Connection, topic_directory::TopicInfo, topics},
        read::reader::Reader,
    },
    transport::{MessageDigest, ReplayScan, ReplayTarget, ReplayTrace, Result, TraceKind},
};

/// How far the clocks of the clients that planned and ran a job may differ.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// Starts to read the replays to these targets that were stored at this time or later.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    since: SystemTime,
    targets: &[ReplayTarget],
) -> Result<Box<dyn ReplayScan>> {
    let since = since.checked_sub(CLOCK_SKEW).unwrap_or(since);
    let ago = SystemTime::now().duration_since(since).unwrap_or_default();
    let mut sources = VecDeque::new();
    for (name, target) in names(connection, targets)? {
        let info = topics::find_name(connection, &name).await?;
        for (log, partition) in info.as_ref().map(TopicInfo::logs).unwrap_or_default() {
            let start = Start::Seconds(ago.as_secs() + 1);
            let mut reader = Reader::open(connection, log, partition, start).await?;
            if let Some(end) = reader.last_id().await? {
                sources.push_back(Source {
                    reader,
                    end,
                    target: target.clone(),
                    local: connection
                        .config
                        .names
                        .local(&name)
                        .unwrap_or(&name)
                        .to_owned(),
                });
            }
        }
    }
    Ok(Box::new(Replays {
        connection: Arc::clone(connection),
        since,
        sources,
        ready: VecDeque::new(),
    }))
}

/// Returns the topics that may hold replays to these targets, each with the target that it is. A dead letter of another
/// program is replayed to its topic, whatever group gave it up.
fn names(
    connection: &Connection,
    targets: &[ReplayTarget],
) -> Result<BTreeMap<String, ReplayTarget>> {
    let names = &connection.config.names;
    let mut topics = BTreeMap::new();
    for target in targets {
        let topic = &target.topic;
        let to_all = ReplayTarget {
            topic: topic.clone(),
            group: None,
        };
        topics.insert(names.topic_name(topic)?, to_all);
        if let Some(group) = &target.group {
            topics.insert(names.retry_topic(topic, group), target.clone());
        }
    }
    Ok(topics)
}

struct Source {
    reader: Reader,
    end: MessageId,
    /// The target that it is.
    target: ReplayTarget,
    /// Its name without the namespace.
    local: String,
}

impl Source {
    fn trace(&self, message: &Inbound) -> Option<ReplayTrace> {
        let lineage = lineage(message)?;
        let topic = &self.target.topic;
        let kind = if message.marks.get(RETRY).is_none() {
            TraceKind::Message(MessageDigest::of(&message.message(topic.clone())))
        } else {
            let retried = read_retry(message, topic, topic.as_str());
            TraceKind::Retry(MessageDigest::of(&retried.stored.message))
        };
        Some(ReplayTrace {
            replay_of: lineage.replay_of,
            position: message.id.position(&self.local),
            target: self.target.clone(),
            kind,
        })
    }
}

struct Replays {
    connection: Arc<Connection>,
    since: SystemTime,
    sources: VecDeque<Source>,
    ready: VecDeque<ReplayTrace>,
}

#[async_trait]
impl ReplayScan for Replays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        while self.ready.is_empty() {
            let Some(source) = self.sources.front_mut() else {
                return Ok(Vec::new());
            };
            match source.reader.next_until(source.end).await? {
                Some(messages) => {
                    let traces = messages.iter().filter_map(|message| source.trace(message));
                    self.ready.extend(traces);
                }
                None => drop(self.sources.pop_front()),
            }
        }
        let count = self.ready.len().min(max.max(1));
        Ok(self.ready.drain(..count).collect())
    }

    async fn may_be_gone(&mut self, target: &ReplayTarget) -> Result<Option<String>> {
        if let Some(group) = &target.group {
            let reason = format!("the broker deletes what `{group}` has settled");
            return Ok(Some(reason));
        }
        let topic = &target.topic;
        let name = self.connection.config.names.topic_name(topic)?;
        let Some(info) = topics::find_name(&self.connection, &name).await? else {
            return Ok(Some(format!("topic {topic} does not exist any more")));
        };
        for (log, partition) in info.logs() {
            // Messages are deleted at the front: one that is older and still there shows that no younger one was.
            let reader = Reader::open(&self.connection, log, partition, Start::Earliest);
            let mut reader = reader.await?;
            let first = match reader.last_id().await? {
                Some(end) => reader.next_until(end).await?,
                None => None,
            };
            let first = first.and_then(|messages| messages.into_iter().next());
            if first.is_none_or(|first| first.time >= self.since) {
                let reason = format!("the broker may have deleted it from {topic}");
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }
}
