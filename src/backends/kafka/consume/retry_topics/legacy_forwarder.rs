//! Moves retries out of the retry topic of an earlier version, which holds those of all topics of a group.
//!
//! The owner of a partition moves each record to the retry topic of its own topic, and ends the old one, in one
//! transaction. Its transactional id fences the former owner, and nothing is moved until everything that this one may
//! have ended was read. It goes on for as long as the topic exists: in a rolling upgrade earlier versions still write to
//! it. No record is delivered from there, because a handler would get events of other topics.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::support_topics;
use crate::{
    backends::kafka::{
        codec::{
            record::{FetchedRecord, OutgoingRecord},
            topic_partition::TopicPartition,
        },
        connection::{
            threads,
            transaction::{Failed, TransactionalProducer},
        },
        consume::{
            assignment::{
                partition::{AssignmentId, PartitionKind},
                rebalance::GroupConsumer,
            },
            session::Session,
        },
        delay::{delayed_record, index::Due},
        error,
        read::offset_fetcher::OffsetFetcher,
    },
    event::{Position, Topic},
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// The most records of a transaction, and the most bytes that are fetched again for one.
const MAX_RECORDS: usize = 500;
const BYTES: usize = 8 << 20;
/// How often partitions are checked for records.
const CHECK: Duration = Duration::from_millis(100);
/// The pause after a failure that will pass, and after another, which is reported once.
const RETRY: Duration = Duration::from_millis(250);
const REFUSED: Duration = Duration::from_secs(5);
/// The pause before records that were refused one by one are retried.
const POSTPONED: Duration = Duration::from_secs(10);
/// The due time of those meanwhile, one behind the other: later than that of any other.
const LAST: i64 = i64::MAX / 2;

/// The thread that moves retries.
pub(crate) struct Forwarder {
    session: Arc<Session>,
    /// Dropped with the subscription.
    client: Weak<GroupConsumer>,
    runtime: Handle,
    fetcher: OffsetFetcher,
    transactors: HashMap<AssignmentId, TransactionalProducer>,
    /// Partitions with a record that was refused: their records are moved one by one.
    one_by_one: HashSet<AssignmentId>,
    /// When a single record was refused last, and how many were.
    refused_at: Instant,
    refused: i64,
    is_reported: bool,
}

/// A partition whose retries are moved.
struct Source {
    id: AssignmentId,
    at: TopicPartition,
}

impl Forwarder {
    /// Starts the thread; it ends with the subscription.
    pub(crate) fn start(
        session: &Arc<Session>,
        client: &Arc<GroupConsumer>,
        runtime: Handle,
    ) -> Result<()> {
        let forwarder = Self {
            fetcher: OffsetFetcher::new(&session.connection.config),
            session: Arc::clone(session),
            client: Arc::downgrade(client),
            runtime,
            transactors: HashMap::new(),
            one_by_one: HashSet::new(),
            refused_at: Instant::now(),
            refused: 0,
            is_reported: false,
        };
        threads::spawn("pf-kafka-forwarder", move || forwarder.run()).map(drop)
    }

    fn run(mut self) {
        while self.client.strong_count() > 0 {
            let pause = match self.round() {
                Ok(true) => Duration::ZERO,
                Ok(false) => CHECK,
                Err(failed) if failed.is_transient() || failed.kind() == ErrorKind::Held => {
                    tracing::debug!(%failed, "retries are moved later");
                    RETRY
                }
                Err(failed) => {
                    self.report(&failed);
                    REFUSED
                }
            };
            let until = Instant::now() + pause;
            while Instant::now() < until && self.client.strong_count() > 0 {
                let state = self.session.state();
                if !state.lifecycle.phase.is_active() {
                    return;
                }
                drop(self.session.wait_for_settled(state, CHECK));
            }
        }
    }

    /// Reports once why records are not moved.
    fn report(&mut self, failed: &TransportError) {
        tracing::debug!(%failed, "retries cannot be moved");
        if !std::mem::replace(&mut self.is_reported, true) {
            let message = "retries that an earlier version stored cannot be moved to their retry topics, and are not delivered";
            self.session.fail(error::warning(message, failed));
        }
    }

    /// Moves some records of each partition; reports whether there were any.
    fn round(&mut self) -> Result<bool> {
        let sources = self.sources();
        let is_assigned = |id: &AssignmentId| sources.iter().any(|source| source.id == *id);
        self.transactors.retain(|id, _| is_assigned(id));
        self.one_by_one.retain(is_assigned);
        let until = if self.refused_at.elapsed() < POSTPONED {
            LAST
        } else {
            i64::MAX
        };
        let mut moved = Ok(false);
        for source in &sources {
            // A failure in one partition must not hold up the others.
            match self.forward(source, until) {
                Ok(some) => moved = moved.map(|any| any || some),
                Err(failed) => {
                    self.transactors.remove(&source.id);
                    moved = Err(failed);
                }
            }
        }
        moved
    }

    /// Returns the assigned partitions that hold retries.
    fn sources(&self) -> Vec<Source> {
        let state = self.session.state();
        let partitions = state.assignment.partitions.iter();
        let legacy = partitions.filter(|(_, partition)| match &partition.kind {
            PartitionKind::Retries(retries) => retries.is_legacy() && retries.index.len() > 0,
            PartitionKind::Messages { .. } => false,
        });
        let sources = legacy.map(|(id, partition)| Source {
            id: *id,
            at: partition.at.clone(),
        });
        sources.collect()
    }

    /// Moves some records of a partition that are due by `until`; reports whether there were any.
    fn forward(&mut self, source: &Source, until: i64) -> Result<bool> {
        if !self.transactors.contains_key(&source.id) {
            let transactor = self.begin(source)?;
            self.transactors.insert(source.id, transactor);
        }
        let most = if self.one_by_one.contains(&source.id) {
            1
        } else {
            MAX_RECORDS
        };
        let due = {
            let mut state = self.session.state();
            match state.assignment.retry_partition(source.id) {
                Some(retries) if retries.is_caught_up() => retries.index.due(until, most),
                _ => return Ok(false),
            }
        };
        if due.is_empty() {
            return Ok(false);
        }
        let again: Vec<Due> = due.iter().map(Due::bare).collect();
        match self.transfer(source, due) {
            Ok(left) => {
                // Records that were replaced or ended meanwhile are gone, as the reader will learn soon.
                let is_some_moved = left.len() < again.len();
                self.put_back(source, left, None);
                return Ok(is_some_moved);
            }
            Err(failed) if failed.record.is_some() && error::is_refusal(&failed.error) => {
                self.one_by_one.insert(source.id);
                let is_alone = again.len() == 1;
                if is_alone {
                    self.report(&failed.error);
                    (self.refused_at, self.refused) = (Instant::now(), self.refused + 1);
                }
                self.put_back(source, again, is_alone.then_some(LAST + self.refused));
            }
            Err(failed) => {
                // Also where the commit got no answer: the caller drops the transactional producer, and the next one
                // reads the ends that this one may have written before it moves anything.
                self.put_back(source, again, None);
                return Err(failed.error);
            }
        }
        Ok(true)
    }

    /// Fences the former owner of a partition, and makes sure that the records which it ended are read first.
    ///
    /// In this order: once fenced, the former owner commits nothing more, so whatever it moved is below the end of the
    /// log that is read then. The other way round, a transaction between the two would be missed, and its retries moved a
    /// second time.
    fn begin(&self, source: &Source) -> Result<TransactionalProducer> {
        let (connection, group) = (&self.session.connection, &self.session.group);
        let task = format!("{group}.delay-{}", source.at.partition);
        let transactor = TransactionalProducer::begin(
            &connection.config,
            &connection.names().transactional_id(&task),
        )?;
        failpoint::reach("kafka.forwarding_begun");
        let barrier = self.session.watermarks(&source.at)?.high;
        if let Some(retries) = self.session.state().assignment.retry_partition(source.id) {
            retries.barrier = retries.barrier.max(barrier);
        }
        Ok(transactor)
    }

    /// Moves a batch, or nothing of it; returns the retries that could not be fetched.
    fn transfer(&self, source: &Source, due: Vec<Due>) -> Result<Vec<Due>, Failed> {
        let whole = |error| Failed {
            record: None,
            error,
        };
        let (reads, left) = self.complete(source, due).map_err(whole)?;
        let mut records = Vec::with_capacity(2 * reads.len());
        for read in reads {
            // A topic that refuses a record must not hold up retries of others.
            let record = Some(records.len());
            let moved = self.lay_out(source, read);
            let moved = moved.map_err(|error| Failed { record, error })?;
            records.extend(moved.into_iter().flatten());
        }
        let Some(transactor) = self.transactors.get(&source.id) else {
            return Ok(left);
        };
        if records.is_empty() || !self.session.state().assignment.contains(source.id) {
            return Ok(left);
        }
        // A retry and the end of its old record in one transaction: a crash between two separate writes would leave it
        // in both topics, or in neither.
        transactor.commit(records, None)?;
        failpoint::reach("kafka.forwarded");
        Ok(left)
    }

    /// Fetches records that the index does not hold; returns the complete ones, and retries that could not be fetched.
    fn complete(&self, source: &Source, due: Vec<Due>) -> Result<(Vec<FetchedRecord>, Vec<Due>)> {
        let absent = due.iter().filter(|due| due.record.is_none());
        let mut absent: Vec<i64> = absent.map(|due| due.offset).collect();
        absent.sort_unstable();
        let found = self.fetcher.read_some(&source.at, &absent, BYTES)?;
        let found = found.into_iter().map(|read| (read.offset, read));
        let mut found: HashMap<i64, FetchedRecord> = found.collect();
        let (mut reads, mut left) = (Vec::with_capacity(due.len()), Vec::new());
        for mut due in due {
            match due.record.take().or_else(|| found.remove(&due.offset)) {
                Some(read) => reads.push(read),
                None => left.push(due),
            }
        }
        Ok((reads, left))
    }

    /// Returns a record for its retry topic, and the end of the old one; none if it is not a retry.
    fn lay_out(&self, source: &Source, read: FetchedRecord) -> Result<Option<[OutgoingRecord; 2]>> {
        let Some(key) = read.key.clone() else {
            return Ok(None);
        };
        let at = format!("{}/{}/{}", read.topic, read.partition, read.offset);
        let Some((mut story, message)) = delayed_record::decode(read) else {
            return Ok(None);
        };
        // The id of a dead letter is derived from the position, which must not change with the topic.
        story.position.get_or_insert_with(|| Position::new(at));
        let (target, partitions) = self.target(&story.topic)?;
        let partition = delayed_record::partition(&message, &key, partitions);
        let moved = delayed_record::encode((&target, partition), key.clone(), &story, &message)?;
        Ok(Some([
            moved,
            OutgoingRecord::tombstone(&*source.at.topic, source.at.partition, key),
        ]))
    }

    /// Returns the retry topic of a topic, and creates it if it is missing, also if no member reads the topic now.
    fn target(&self, topic: &Topic) -> Result<(String, i32)> {
        let (connection, group) = (&self.session.connection, &self.session.group);
        let name = connection.names().retry_topic(group, topic)?;
        if let Some(partitions) = connection.topics.cached_partitions(&name) {
            return Ok((name, partitions));
        }
        let created = self
            .runtime
            .block_on(support_topics::create_retries(connection, group, topic));
        created.map(|partitions| (name, partitions))
    }

    fn put_back(&self, source: &Source, due: Vec<Due>, time: Option<i64>) {
        let mut state = self.session.state();
        if let Some(retries) = state.assignment.retry_partition(source.id) {
            for due in due {
                let time = time.unwrap_or(due.time);
                retries.index.put_back(due, time);
            }
        }
    }
}
