//! Fires what is due in one partition of the delay topic: the event, the end of what waited and the position stand in
//! one transaction. Whoever begins under the partition's name fences those before, and fires nothing until everything
//! that they may have ended was read.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::{
    delayed_record,
    index::Due,
    partition::{Shelf, now},
    topic_cache::Targets,
};
use crate::{
    backends::kafka::{
        codec::record::{self, FetchedRecord, OutgoingRecord},
        connection::{
            client::errors::ClientErrors,
            handle::{self, Connection},
            transaction::{Failed, OffsetsToCommit, TransactionalProducer},
        },
        error,
        read::offset_fetcher::OffsetFetcher,
    },
    event::Message,
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// The most events of a transaction.
const MOST: usize = 500;
/// Where records have to be read, so many are read along, of those due within so many milliseconds.
const ALONG: usize = 4000;
const HORIZON: i64 = 5000;
/// The most bytes of records read at a time.
const BYTES: usize = 8 << 20;
/// Transactions begin no sooner after one another, unless more is due than one takes: each costs a broker as much as
/// many events do.
const PACE: Duration = Duration::from_millis(40);
/// How long the work rests after a failure.
const REST: Duration = Duration::from_millis(200);
/// The same after somebody took over: if that was a new owner, we shall soon be told; who only changes what waits is
/// done once the change is read.
const FENCED: Duration = Duration::from_secs(1);
/// How long what is refused waits until it is tried again, in milliseconds.
const POSTPONED: i64 = 10_000;
/// The same where there is nowhere for it to go.
const NOWHERE: i64 = 5000;
/// The same where a record could not be read.
const UNREAD: i64 = 1000;

/// What of a batch was not fired with it. It waits again only now: after a failure all of the batch does.
struct Left {
    /// What has nowhere to go.
    nowhere: Vec<Due>,
    /// What could not be read.
    unread: Vec<Due>,
    /// Whether that was all.
    is_all: bool,
}

/// Who fires what is due in a partition.
pub(crate) struct Owner {
    connection: Arc<Connection>,
    shelf: Arc<Shelf>,
    partition: i32,
    /// A member of no group; it asks in the name of that of those who fire.
    asking: Arc<BaseConsumer<ClientErrors>>,
    fetcher: OffsetFetcher,
    targets: Arc<Targets>,
}

impl Owner {
    pub(crate) fn new(
        connection: Arc<Connection>,
        shelf: Arc<Shelf>,
        partition: i32,
        asking: Arc<BaseConsumer<ClientErrors>>,
        targets: Arc<Targets>,
    ) -> Self {
        Self {
            fetcher: OffsetFetcher::new(&connection.config),
            connection,
            shelf,
            partition,
            asking,
            targets,
        }
    }

    /// Works until the partition is taken away. Blocks.
    pub(crate) fn run(self) {
        while !self.shelf.is_stopped() {
            let Err(failed) = self.own() else {
                return;
            };
            tracing::debug!(%failed, partition = self.partition, "firing begins anew");
            if failed.kind() == ErrorKind::Held {
                self.shelf.rest_until_change(FENCED);
            } else {
                self.shelf.rest(REST);
            }
        }
    }

    fn own(&self) -> Result<()> {
        let transactor = TransactionalProducer::begin(
            &self.connection.config,
            &name(&self.connection, self.partition),
        )?;
        failpoint::reach("kafka.firing_begun");
        let barrier = self.barrier()?;
        if !self.shelf.wait_until_read(barrier) {
            return Ok(());
        }
        tracing::debug!(
            partition = self.partition,
            waiting = self.shelf.len(),
            "firing"
        );
        while let Some(batch) = self.shelf.next(MOST, HORIZON, ALONG) {
            let begun = Instant::now();
            let is_all = batch.due.len() < MOST;
            let (due, unread) = self.complete(batch.due, batch.ahead)?;
            self.put_back_unread(unread, due.is_empty());
            self.fire(&transactor, due)?;
            if is_all {
                self.shelf.rest(PACE.saturating_sub(begun.elapsed()));
            }
        }
        Ok(())
    }

    /// Returns the offset before which everything has to be read first.
    fn barrier(&self) -> Result<i64> {
        let (config, topic) = (
            &self.connection.config,
            self.connection.names().delay_topic(),
        );
        let bounds = handle::bounds(&*self.asking, config, &topic, self.partition)?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&topic, self.partition);
        let committed = self.asking.committed_offsets(asked, config.timeout);
        let committed =
            committed.map_err(|failed| error::from_kafka(failed, "reading the position"))?;
        let committed = committed.find_partition(&topic, self.partition);
        let is_at_end = committed.is_some_and(|at| at.offset() == Offset::Offset(bounds.high));
        // There, nothing will be read that could tell how far we are.
        let is_empty = is_at_end || bounds.low == bounds.high;
        Ok(if is_empty { 0 } else { bounds.high })
    }

    /// Reads the records that are not at hand, and those that come next along with them; returns what is complete and what
    /// could not be read.
    fn complete(&self, mut due: Vec<Due>, mut ahead: Vec<Due>) -> Result<(Vec<Due>, Vec<Due>)> {
        let all = due.iter().chain(&ahead);
        let absent = all.filter(|due| due.record.is_none());
        let mut absent: Vec<i64> = absent.map(|due| due.offset).collect();
        if absent.is_empty() {
            return Ok((due, Vec::new()));
        }
        absent.sort_unstable();
        let topic = self.connection.names().delay_topic();
        let found = self
            .fetcher
            .read_some(&topic, self.partition, &absent, BYTES);
        if found.is_err() {
            self.shelf
                .put_back(due.drain(..).chain(ahead.drain(..)), None);
        }
        let found = found?.into_iter().map(|read| (read.offset, read));
        let mut found: HashMap<i64, FetchedRecord> = found.collect();
        for due in due.iter_mut().chain(&mut ahead) {
            if due.record.is_none() {
                due.record = found.remove(&due.offset);
            }
        }
        self.shelf.put_back(ahead, None);
        Ok(due.into_iter().partition(|due| due.record.is_some()))
    }

    fn put_back_unread(&self, unread: Vec<Due>, is_all: bool) {
        let pause = if is_all { UNREAD } else { 0 };
        self.shelf.put_back(unread, Some(now() + pause));
    }

    /// Fires a batch. What is refused by itself is put off and holds up nothing else.
    fn fire(&self, transactor: &TransactionalProducer, due: Vec<Due>) -> Result<()> {
        let mut parts = vec![due];
        while let Some(part) = parts.pop() {
            let again: Vec<Due> = part.iter().map(Due::bare).collect();
            let failed = match self.attempt(transactor, part) {
                Ok(left) => {
                    self.shelf.put_back(left.nowhere, Some(now() + NOWHERE));
                    self.put_back_unread(left.unread, left.is_all);
                    continue;
                }
                Err(failed) => failed,
            };
            self.targets.forget();
            if failed.record.is_none() || !error::is_refusal(&failed.error) {
                let rest = again.into_iter().chain(parts.into_iter().flatten());
                self.shelf.put_back(rest, None);
                return Err(failed.error);
            }
            parts.extend(self.split(again, &failed.error));
        }
        Ok(())
    }

    /// Finds out which record of a batch is refused: halves are fired by themselves, the first one first.
    fn split(&self, mut batch: Vec<Due>, refused: &TransportError) -> Vec<Vec<Due>> {
        if batch.len() > 1 {
            let second = batch.split_off(batch.len() / 2);
            return vec![second, batch];
        }
        for due in &batch {
            tracing::warn!(
                "an event that is due cannot be delivered, and is tried again ({}, partition {}, offset {}): {refused}",
                self.connection.names().delay_topic(),
                self.partition,
                due.offset
            );
        }
        self.shelf.put_back(batch, Some(now() + POSTPONED));
        Vec::new()
    }

    /// Fires a batch, or nothing of it.
    fn attempt(&self, transactor: &TransactionalProducer, batch: Vec<Due>) -> Result<Left, Failed> {
        let whole = |error| Failed {
            record: None,
            error,
        };
        let (batch, unread) = self.complete(batch, Vec::new()).map_err(whole)?;
        let mut left = Left {
            is_all: batch.is_empty(),
            nowhere: Vec::new(),
            unread,
        };
        let mut records = Vec::with_capacity(batch.len() * 2);
        let mut offsets = Vec::with_capacity(batch.len());
        for due in batch {
            let nowhere = due.bare();
            match due.record.and_then(|read| self.lay_out(read)) {
                Some(pair) => {
                    records.extend(pair);
                    offsets.push(nowhere.offset);
                }
                None => left.nowhere.push(nowhere),
            }
        }
        if records.is_empty() {
            return Ok(left);
        }
        offsets.sort_unstable();
        let moved = self.moved(&offsets).map_err(whole)?;
        transactor.commit(records, Some(&moved))?;
        failpoint::reach("kafka.fired");
        Ok(left)
    }

    /// Returns the event and the end of what waited; none if it has nowhere to go.
    fn lay_out(&self, read: FetchedRecord) -> Option<[OutgoingRecord; 2]> {
        let end = OutgoingRecord::tombstone(&*read.topic, self.partition, read.key.clone()?);
        let (_, message) = delayed_record::read(read)?;
        let target = self.connection.names().topic_name(&message.topic).ok()?;
        let there = self
            .targets
            .is_there(&self.connection, &self.asking, &target);
        there.then(|| [event(target, message), end])
    }

    fn moved(&self, batch: &[i64]) -> Result<OffsetsToCommit> {
        let mut offsets = TopicPartitionList::new();
        let resume = Offset::Offset(self.shelf.resume_at(batch));
        offsets
            .add_partition_offset(
                &self.connection.names().delay_topic(),
                self.partition,
                resume,
            )
            .map_err(|failed| error::from_kafka(failed, "moving the position"))?;
        let group = self.asking.group_metadata().ok_or_else(|| {
            crate::backends::kafka::error::error(
                ErrorKind::Unavailable,
                "the group of those who fire is not known",
            )
        })?;
        Ok(OffsetsToCommit { offsets, group })
    }
}

/// Returns the name under which the events of a partition are fired, and what waits there is changed.
pub(crate) fn name(connection: &Connection, partition: i32) -> String {
    connection
        .names()
        .transactional_id(&format!("delay-{partition}"))
}

fn event(target: String, message: Message) -> OutgoingRecord {
    let headers = record::headers(&message, &[]);
    OutgoingRecord {
        topic: target,
        partition: None,
        key: message.key,
        payload: message.payload,
        headers: Some(headers),
    }
}
