//! Topics that are deleted and created again while a member reads them: the client goes on in the new one at the offset at
//! which it was in the old one. They are read from their beginning.

use std::sync::Arc;

use rdkafka::{Offset, consumer::Consumer as _};

use super::{
    gap_recovery,
    partition::{Kind, PartId},
};
use crate::{
    backends::kafka::{
        codec::record::FetchedRecord,
        connection::{
            client::topic_ids::{IdentityChange, TopicIdentity},
            handle,
        },
        consume::{poll_loop::Pump, state::Desk},
        error,
        read::partition_reader::ReaderThread,
    },
    transport::{Result, TransportError},
};

impl Pump {
    /// Leaves out what may be of a topic that was created again: the client has said so before it fetched of it.
    pub(crate) fn leave_out_recreated(&mut self, chunk: &mut Vec<FetchedRecord>) {
        let watch = self.client.context();
        for news in watch.errors.topics.news() {
            if news.is_change {
                watch.course.was_recreated(&news.topic);
            }
            let Some(present) = watch.identity(&news.topic) else {
                continue;
            };
            if self.shared.desk().learn(&news.topic, present) == IdentityChange::Recreated {
                self.recreated.insert(news.topic);
            }
        }
        if !self.recreated.is_empty() {
            chunk.retain(|read| !self.recreated.contains(&*read.topic));
        }
    }

    /// Reads topics that were created again from their beginning.
    pub(crate) fn read_recreated(&mut self) -> Result<()> {
        while let Some(name) = self.recreated.iter().next().cloned() {
            self.read_from_beginning(&name)?;
            self.recreated.remove(&name);
        }
        Ok(())
    }

    fn read_from_beginning(&self, name: &str) -> Result<()> {
        let present = self.client.context().identity(name);
        let is_old = |kind: &Kind| {
            TopicIdentity::compare(kind.identity(), present) == IdentityChange::Recreated
                && !kind.is_passed()
        };
        let (ids, has_retries) = {
            let desk = self.shared.desk();
            let parts = desk.parts.iter();
            let old = parts.filter(|(_, part)| *part.name == *name && is_old(&part.kind));
            let old: Vec<(PartId, bool)> = old
                .map(|(id, part)| (*id, matches!(part.kind, Kind::Retries(_))))
                .collect();
            let has_retries = old.iter().any(|(_, is_retried)| *is_retried);
            (old.into_iter().map(|(id, _)| id), has_retries)
        };
        if has_retries {
            // What waits in it is made out anew when it comes back.
            self.leave();
            return Ok(());
        }
        for id in ids {
            self.read_partition(id, present)?;
        }
        Ok(())
    }

    fn read_partition(&self, id: PartId, present: Option<TopicIdentity>) -> Result<()> {
        let found = self.shared.desk().parts.get(&id).map(|part| {
            let topic = match &part.kind {
                Kind::Messages { topic, .. } => topic.to_string(),
                Kind::Retries(_) => part.name.to_string(),
            };
            (
                Arc::clone(&part.name),
                part.partition,
                part.kind.seen(),
                topic,
            )
        });
        let Some((name, partition, seen, topic)) = found else {
            return Ok(());
        };
        let bounds = self.shared.bounds((&name, partition))?;
        self.seek(id, (&name, partition), bounds.low)?;
        let mut desk = self.shared.desk();
        desk.ends_by(id, bounds.high);
        desk.begins_anew(id, bounds.low, present);
        drop(desk);
        self.shared
            .fail(gap_recovery::recreated(&topic, partition, seen, bounds));
        Ok(())
    }
}

impl Desk {
    /// Notes which topic stands under a name; reports whether a position of ours is one in another.
    fn learn(&mut self, name: &str, present: TopicIdentity) -> IdentityChange {
        let mut found = IdentityChange::Same;
        for part in self.parts.values_mut().filter(|part| *part.name == *name) {
            match TopicIdentity::compare(part.kind.identity(), Some(present)) {
                IdentityChange::Recreated => found = IdentityChange::Recreated,
                kinship => part.kind.is_of(present, kinship),
            }
        }
        found
    }
}

impl ReaderThread {
    /// Leaves out what may be of a topic that was created again.
    pub(crate) fn leave_out_recreated(&mut self, chunk: &mut Vec<FetchedRecord>) {
        let news = self.client.context().topics.news().into_iter();
        for news in news.filter(|news| news.is_change) {
            self.recreated.entry(news.topic).or_default();
        }
        if self.recreated.is_empty() {
            return;
        }
        chunk.retain(|read| {
            let Some(left_out) = self.recreated.get_mut(&*read.topic) else {
                return true;
            };
            left_out.entry(read.partition).or_insert(read.offset);
            false
        });
    }

    /// Reads topics that were created again from their beginning; what has an end is over, for what was to be read is
    /// gone. Returns what is to be said of it.
    pub(crate) fn read_recreated(&mut self) -> Result<Vec<TransportError>> {
        let mut gaps = Vec::new();
        if self.recreated.is_empty() {
            return Ok(gaps);
        }
        let positions = self.client.position();
        let positions = positions.map_err(|failed| error::from_kafka(failed, "reading"))?;
        let recreated = std::mem::take(&mut self.recreated);
        for span in self.open.values_mut() {
            let (topic, partition) = (&*span.topic, span.partition);
            let Some(left_out) = recreated.get(topic) else {
                continue;
            };
            let bounds = handle::bounds(&self.client, &self.config, topic, partition)?;
            let read = positions.find_partition(topic, partition);
            let read = match (left_out.get(&partition), read.map(|place| place.offset())) {
                (Some(next), _) => *next,
                (None, Some(Offset::Offset(next))) => next,
                _ => span.from,
            };
            if !self.is_followed {
                gaps.push(gap_recovery::recreated(topic, partition, read, bounds));
            }
            if let Some(until) = span.until {
                span.from = until;
                continue;
            }
            span.from = bounds.low;
            gap_recovery::go_on(&self.client, topic, partition, bounds.low)?;
        }
        Ok(gaps)
    }
}
