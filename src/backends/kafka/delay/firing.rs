//! The firing of one partition of the delay topic: the event, the tombstone of its delayed record and the group's position
//! are committed in one transaction, so an event is delivered exactly once to readers of committed records.
//!
//! Three things make that hold when members die or come back late:
//!
//! - The transactional id belongs to the partition, not to the process. A new owner fences the former one by it, whatever
//!   the former one still believes about its assignment.
//! - After fencing, the owner fires nothing before it has read up to the end that the partition had then (`barrier`). The
//!   former owner may have committed tombstones up to there; without them the index would fire those events again.
//! - A batch that fails is put back as a whole. A broker refuses a transaction, not a record, so the batch is halved until
//!   the refused record is alone; it is postponed and the others are delivered.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::{delayed_record, index::Due, partition::DelayPartition, topic_cache::TopicCache};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, OutgoingRecord},
            topic_partition::TopicPartition,
        },
        connection::{
            client::{self, context::Context},
            handle::Connection,
            transaction::{Failed, OffsetsToCommit, TransactionalProducer},
        },
        error::{self, SCHEME},
        read::offset_fetcher::OffsetFetcher,
    },
    event::Message,
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// The most events in a transaction.
const BATCH: usize = 500;

/// Metric: events that were delivered when they were due.
const FIRED: &str = "protoflow.schedule.delivered";
/// Where due records have to be fetched, up to this many are fetched with them, of those due within `HORIZON`
/// milliseconds: a fetch costs the same for one record as for its neighbours.
const READ_ALONG: usize = 4000;
const HORIZON: i64 = 5000;
/// The most bytes of records that are fetched at a time.
const BYTES: usize = 8 << 20;
/// The pause between two transactions, unless more is due than fits one: a transaction costs a broker as much as many
/// events.
const PACE: Duration = Duration::from_millis(40);
/// The pause after a failure.
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// The pause after being fenced. A new owner means that this assignment is revoked soon; a process that only cancels or
/// reschedules an event is done once its change was read.
const FENCED_DELAY: Duration = Duration::from_secs(1);
/// The delay before a refused event is retried, in milliseconds.
const POSTPONED: i64 = 10_000;
/// The same for an event whose target topic does not exist.
const WITHOUT_TARGET: i64 = 5000;
/// The same for a record that could not be fetched.
const UNREAD: i64 = 1000;

/// The events of a committed batch that were not part of it. They are put back after the commit: if that fails, the whole
/// batch is put back instead.
struct Unfired {
    /// Events whose target topic does not exist.
    without_target: Vec<Due>,
    /// Events whose record could not be fetched.
    unread: Vec<Due>,
    /// Whether the batch has no other events.
    is_all: bool,
}

/// The thread that delivers the due events of a partition.
pub(crate) struct PartitionFirer {
    connection: Arc<Connection>,
    delayed: Arc<DelayPartition>,
    partition: i32,
    /// Asks for watermarks and committed offsets; not a member of the group.
    asking: Arc<BaseConsumer<Context>>,
    fetcher: OffsetFetcher,
    topics: Arc<TopicCache>,
}

impl PartitionFirer {
    pub(crate) fn new(
        connection: Arc<Connection>,
        delayed: Arc<DelayPartition>,
        partition: i32,
        asking: Arc<BaseConsumer<Context>>,
        topics: Arc<TopicCache>,
    ) -> Self {
        Self {
            fetcher: OffsetFetcher::new(&connection.config),
            connection,
            delayed,
            partition,
            asking,
            topics,
        }
    }

    /// Runs until the partition is revoked. Blocks.
    pub(crate) fn run(self) {
        while !self.delayed.is_stopped() {
            let Err(failed) = self.fire_until_fenced() else {
                return;
            };
            tracing::debug!(%failed, partition = self.partition, "firing starts again");
            if failed.kind() == ErrorKind::Held {
                self.delayed.sleep_until_change(FENCED_DELAY);
            } else {
                self.delayed.sleep(RETRY_DELAY);
            }
        }
    }

    fn fire_until_fenced(&self) -> Result<()> {
        let producer = TransactionalProducer::begin(
            &self.connection.config,
            &transactional_id(&self.connection, self.partition),
        )?;
        failpoint::reach("kafka.firing_begun");
        let barrier = self.barrier()?;
        if !self.delayed.wait_until_read(barrier) {
            return Ok(());
        }
        tracing::debug!(
            partition = self.partition,
            waiting = self.delayed.len(),
            "firing"
        );
        while let Some(batch) = self.delayed.next(BATCH, HORIZON, READ_ALONG) {
            let begun = Instant::now();
            let is_all = batch.due.len() < BATCH;
            let (due, unread) = self.load_records(batch.due, batch.ahead)?;
            self.put_back_unread(unread, due.is_empty());
            self.fire(&producer, due)?;
            if is_all {
                self.delayed.sleep(PACE.saturating_sub(begun.elapsed()));
            }
        }
        Ok(())
    }

    /// Returns the offset up to which the partition has to be read before anything is fired.
    fn barrier(&self) -> Result<i64> {
        let (config, topic) = (
            &self.connection.config,
            self.connection.names().delay_topic(),
        );
        let bounds = client::watermarks(
            &*self.asking,
            config,
            &TopicPartition::new(topic.as_str(), self.partition),
        )?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&topic, self.partition);
        let committed = self.asking.committed_offsets(asked, config.timeout);
        let committed =
            committed.map_err(|failed| error::from_kafka(failed, "reading the position"))?;
        let committed = committed.find_partition(&topic, self.partition);
        let is_at_end = committed.is_some_and(|at| at.offset() == Offset::Offset(bounds.high));
        // The reader gets no record from there on that would show how far it is.
        let is_empty = is_at_end || bounds.low == bounds.high;
        Ok(if is_empty { 0 } else { bounds.high })
    }

    /// Fetches the records that are not cached, and with them those that are due next; returns the events with a record and
    /// those whose record could not be fetched.
    fn load_records(&self, mut due: Vec<Due>, mut ahead: Vec<Due>) -> Result<(Vec<Due>, Vec<Due>)> {
        let all = due.iter().chain(&ahead);
        let absent = all.filter(|due| due.record.is_none());
        let mut absent: Vec<i64> = absent.map(|due| due.offset).collect();
        if absent.is_empty() {
            return Ok((due, Vec::new()));
        }
        absent.sort_unstable();
        let topic = self.connection.names().delay_topic();
        let found = self.fetcher.read_some(
            &TopicPartition::new(topic.as_str(), self.partition),
            &absent,
            BYTES,
        );
        if found.is_err() {
            self.delayed
                .put_back(due.drain(..).chain(ahead.drain(..)), None);
        }
        let found = found?.into_iter().map(|read| (read.offset, read));
        let mut found: HashMap<i64, FetchedRecord> = found.collect();
        for due in due.iter_mut().chain(&mut ahead) {
            if due.record.is_none() {
                due.record = found.remove(&due.offset);
            }
        }
        self.delayed.put_back(ahead, None);
        Ok(due.into_iter().partition(|due| due.record.is_some()))
    }

    fn put_back_unread(&self, unread: Vec<Due>, is_all: bool) {
        let pause = if is_all { UNREAD } else { 0 };
        self.delayed
            .put_back(unread, Some(record::now_millis() + pause));
    }

    /// Fires a batch. A record that is refused alone is postponed and holds up no other.
    fn fire(&self, producer: &TransactionalProducer, due: Vec<Due>) -> Result<()> {
        let mut parts = vec![due];
        while let Some(part) = parts.pop() {
            let again: Vec<Due> = part.iter().map(Due::bare).collect();
            let failed = match self.attempt(producer, part) {
                Ok(left) => {
                    self.delayed.put_back(
                        left.without_target,
                        Some(record::now_millis() + WITHOUT_TARGET),
                    );
                    self.put_back_unread(left.unread, left.is_all);
                    continue;
                }
                Err(failed) => failed,
            };
            self.topics.forget();
            if failed.record.is_none() || !error::is_refusal(&failed.error) {
                let rest = again.into_iter().chain(parts.into_iter().flatten());
                self.delayed.put_back(rest, None);
                return Err(failed.error);
            }
            parts.extend(self.split(again, &failed.error));
        }
        Ok(())
    }

    /// Halves a refused batch, the first half first, until the refused record is alone.
    fn split(&self, mut batch: Vec<Due>, refused: &TransportError) -> Vec<Vec<Due>> {
        if batch.len() > 1 {
            let second = batch.split_off(batch.len() / 2);
            return vec![second, batch];
        }
        for due in &batch {
            tracing::warn!(
                "a due event could not be delivered and will be retried ({}, partition {}, offset {}): {refused}",
                self.connection.names().delay_topic(),
                self.partition,
                due.offset
            );
        }
        self.delayed
            .put_back(batch, Some(record::now_millis() + POSTPONED));
        Vec::new()
    }

    /// Fires a batch in one transaction: all of it or nothing.
    fn attempt(
        &self,
        producer: &TransactionalProducer,
        batch: Vec<Due>,
    ) -> Result<Unfired, Failed> {
        let whole = |error| Failed {
            record: None,
            error,
        };
        let (batch, unread) = self.load_records(batch, Vec::new()).map_err(whole)?;
        let mut left = Unfired {
            is_all: batch.is_empty(),
            without_target: Vec::new(),
            unread,
        };
        let mut records = Vec::with_capacity(batch.len() * 2);
        let mut offsets = Vec::with_capacity(batch.len());
        for due in batch {
            let unfired = due.bare();
            match due.record.and_then(|read| self.records(read)) {
                Some(pair) => {
                    records.extend(pair);
                    offsets.push(unfired.offset);
                }
                None => left.without_target.push(unfired),
            }
        }
        if records.is_empty() {
            return Ok(left);
        }
        offsets.sort_unstable();
        let moved = self.offsets_to_commit(&offsets).map_err(whole)?;
        producer.commit(records, Some(&moved))?;
        failpoint::reach("kafka.fired");
        metrics::counter!(FIRED, "messaging.system" => SCHEME).increment(offsets.len() as u64);
        Ok(left)
    }

    /// Returns the event and the tombstone of its delayed record; none if the target topic does not exist.
    fn records(&self, read: FetchedRecord) -> Option<[OutgoingRecord; 2]> {
        let end = OutgoingRecord::tombstone(&*read.topic, self.partition, read.key.clone()?);
        let (_, message) = delayed_record::decode(read)?;
        let target = self.connection.names().topic_name(&message.topic).ok()?;
        let there = self.topics.exists(&self.connection, &self.asking, &target);
        there.then(|| [event(target, message), end])
    }

    fn offsets_to_commit(&self, batch: &[i64]) -> Result<OffsetsToCommit> {
        let mut offsets = TopicPartitionList::new();
        let resume = Offset::Offset(self.delayed.resume_at(batch));
        offsets
            .add_partition_offset(
                &self.connection.names().delay_topic(),
                self.partition,
                resume,
            )
            .map_err(|failed| error::from_kafka(failed, "committing the position"))?;
        let group = self.asking.group_metadata().ok_or_else(|| {
            crate::backends::kafka::error::error(
                ErrorKind::Unavailable,
                "the group of the delayed-event dispatchers has no metadata yet",
            )
        })?;
        Ok(OffsetsToCommit { offsets, group })
    }
}

/// Returns the transactional id under which the events of a partition are fired, and under which a process that cancels
/// or reschedules one of them fences the firer.
pub(crate) fn transactional_id(connection: &Connection, partition: i32) -> String {
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
