//! Listing of dead letters: merged by time, without those that are resolved and without duplicates.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    decode::{DecodedLetter, decode},
    journal::Journal,
};
use crate::{
    backends::{
        letter_ids::{RecentIds, compact_id},
        pulsar::{
            codec::message_id::MessageId,
            connection::{
                consumer::Start, handle::Connection, names::LETTERS, topic_directory::TopicInfo,
                topics,
            },
            read::reader::Reader,
        },
    },
    transport::{DeadLetter, DeadLetterScan, LetterPage, Result, Selection},
};

/// How many topics are opened at the same time.
const AT_ONCE: usize = 16;

/// A scan of the letters that existed when it began.
pub(crate) struct LetterScan {
    connection: Arc<Connection>,
    sources: Vec<Source>,
    resolved: HashSet<u64>,
    seen: RecentIds,
}

/// A log of dead letters.
struct Source {
    reader: Reader,
    /// The name of its topic without the namespace.
    local: String,
    end: MessageId,
    is_done: bool,
    letters: VecDeque<DecodedLetter>,
}

impl LetterScan {
    /// Opens a scan of the topics that may hold the selected letters.
    pub(crate) async fn open(connection: &Arc<Connection>, selection: &Selection) -> Result<Self> {
        let mut logs = Vec::new();
        for local in dead_letter_topics(connection, selection).await? {
            let name = connection.config.names.full(&local);
            let info = topics::find_name(connection, &name).await?;
            let logs_of = info.as_ref().map(TopicInfo::logs).unwrap_or_default();
            logs.extend(logs_of.into_iter().map(|log| (local.clone(), log)));
        }
        let opening = logs
            .into_iter()
            .map(|(local, log)| Source::open(connection, local, log));
        let opened: Vec<Option<Source>> = stream::iter(opening)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self {
            connection: Arc::clone(connection),
            sources: opened.into_iter().flatten().collect(),
            // Read after the ends of the logs, so that a letter that is resolved meanwhile is left out rather than shown.
            resolved: Journal::read(connection).await?.resolved,
            seen: RecentIds::default(),
        })
    }

    /// Returns the next letter; none at the end.
    pub(crate) async fn next_letter(&mut self) -> Result<Option<DecodedLetter>> {
        loop {
            let names = &self.connection.config.names;
            let filling = self
                .sources
                .iter_mut()
                .filter(|source| source.letters.is_empty() && !source.is_done)
                .map(|source| source.fill(names));
            futures_util::future::try_join_all(filling).await?;
            let heads = self.sources.iter_mut();
            let heads = heads.filter(|source| !source.letters.is_empty());
            let oldest = heads.min_by_key(|source| {
                let head = source.letters.front();
                head.map(|found| found.letter.record.dead_lettered_at)
            });
            let Some(oldest) = oldest else {
                return Ok(None);
            };
            let Some(found) = oldest.letters.pop_front() else {
                continue;
            };
            let is_resolved = self.resolved.contains(&found.key);
            if !is_resolved && self.seen.is_new(compact_id(&found.letter.id)) {
                return Ok(Some(found));
            }
        }
    }
}

impl Source {
    /// Opens a log; none if it is empty.
    async fn open(
        connection: &Arc<Connection>,
        local: String,
        (log, partition): (String, i32),
    ) -> Result<Option<Self>> {
        let mut reader = Reader::open(connection, log, partition, Start::Earliest).await?;
        let end = reader.last_id().await?;
        Ok(end.map(|end| Self {
            reader,
            local,
            end,
            is_done: false,
            letters: VecDeque::new(),
        }))
    }

    /// Reads until there is a letter, or the end.
    async fn fill(
        &mut self,
        names: &crate::backends::pulsar::connection::names::Names,
    ) -> Result<()> {
        while self.letters.is_empty() {
            let Some(messages) = self.reader.next_until(self.end).await? else {
                self.is_done = true;
                return Ok(());
            };
            let letters = messages.iter();
            self.letters
                .extend(letters.filter_map(|message| decode(names, &self.local, message)));
        }
        Ok(())
    }
}

/// Returns the local names of the dead-letter topics that may hold the selected letters. A name does not say where the topic
/// ends and the group begins, so that more are read than needed.
async fn dead_letter_topics(connection: &Connection, selection: &Selection) -> Result<Vec<String>> {
    let topics = topics::list(connection).await?;
    let may_hold = |local: &String| {
        let Some(stem) = local.strip_suffix(LETTERS) else {
            return false;
        };
        let is_of_topic = |pattern: &String| stem.starts_with(literal_start(pattern));
        let group = selection.group.as_ref();
        let is_of_group = group.is_none_or(|group| stem.ends_with(group.as_str()));
        let is_of_topic = selection.topics.is_empty() || selection.topics.iter().any(is_of_topic);
        is_of_group && is_of_topic
    };
    Ok(topics.into_keys().filter(may_hold).collect())
}

/// Returns what every topic begins with that a pattern matches.
fn literal_start(pattern: &str) -> &str {
    let end = pattern.find(['*', '>']).unwrap_or(pattern.len());
    pattern[..end].trim_end_matches('.')
}

#[async_trait]
impl DeadLetterScan for LetterScan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let mut page = LetterPage::new(max);
        while !page.is_full() {
            let Some(found) = self.next_letter().await? else {
                break;
            };
            page.push(found.letter);
        }
        Ok(page.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::literal_start;

    #[test]
    fn patterns_have_a_literal_start() {
        assert_eq!(literal_start("order.created"), "order.created");
        assert_eq!(literal_start("order.*"), "order");
        assert_eq!(literal_start("**"), "");
        assert_eq!(literal_start("order.>"), "order");
    }
}
