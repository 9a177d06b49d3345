//! Moves retries out of the topic in which earlier versions kept those of all topics of a group.
//!
//! Whoever is given a partition of it moves each record to the topic of its own retries, and ends it where it stood, in
//! one transaction; the name of that fences whoever moved them before, and nothing is moved until everything that those
//! may have ended was read. That goes on for as long as the topic exists: in a rolling upgrade earlier versions still
//! write to it. None of its records is handed out from there, or a handler would be given events of other topics.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use rdkafka::consumer::BaseConsumer;
use tokio::runtime::Handle;

use super::support_topics;
use crate::{
    backends::kafka::{
        codec::record::{FetchedRecord, OutgoingRecord},
        connection::transaction::{Failed, TransactionalProducer},
        consume::{
            assignment::{
                partition::{Kind, PartId},
                rebalance::Watch,
            },
            session::Shared,
            state::End,
        },
        delay::{delayed_record, index::Due},
        error::{self, error},
        read::offset_fetcher::OffsetFetcher,
    },
    event::{Position, Topic},
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// The most records of a transaction, and the most bytes that are read again for one.
const MOST: usize = 500;
const BYTES: usize = 8 << 20;
/// How often it is looked for records.
const LOOK: Duration = Duration::from_millis(100);
/// The pause after a failure that will pass, and after another, which is said once.
const AGAIN: Duration = Duration::from_millis(250);
const REFUSED: Duration = Duration::from_secs(5);
/// The pause before records that were refused by themselves are tried again.
const POSTPONED: Duration = Duration::from_secs(10);
/// The time behind which those stand meanwhile, one behind the other: after every time when something is due.
const LAST: i64 = i64::MAX / 2;

/// The thread that moves retries.
pub(crate) struct Forwarder {
    shared: Arc<Shared>,
    /// Gone once the membership is.
    client: Weak<BaseConsumer<Watch>>,
    runtime: Handle,
    fetcher: OffsetFetcher,
    transactors: HashMap<PartId, TransactionalProducer>,
    /// Partitions with a record that was refused: there they are moved one by one.
    careful: HashSet<PartId>,
    /// When a record was refused last that was tried by itself, and how many were.
    refused_at: Instant,
    refused: i64,
    is_told: bool,
}

/// A partition to be moved out of.
struct Source {
    part: PartId,
    topic: Arc<str>,
    partition: i32,
}

impl Forwarder {
    /// Starts the thread; it ends with the membership.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        client: &Arc<BaseConsumer<Watch>>,
        runtime: Handle,
    ) -> Result<()> {
        let forwarder = Self {
            fetcher: OffsetFetcher::new(&shared.connection.config),
            shared: Arc::clone(shared),
            client: Arc::downgrade(client),
            runtime,
            transactors: HashMap::new(),
            careful: HashSet::new(),
            refused_at: Instant::now(),
            refused: 0,
            is_told: false,
        };
        thread::Builder::new()
            .name("pf-kafka-forwarder".to_owned())
            .spawn(move || forwarder.run())
            .map(drop)
            .map_err(|source| error(ErrorKind::Other, "no thread can be started").because(source))
    }

    fn run(mut self) {
        while self.client.strong_count() > 0 {
            let pause = match self.round() {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK,
                Err(failed) if failed.is_transient() || failed.kind() == ErrorKind::Held => {
                    tracing::debug!(%failed, "retries are moved later");
                    AGAIN
                }
                Err(failed) => {
                    self.tell(&failed);
                    REFUSED
                }
            };
            let until = Instant::now() + pause;
            while Instant::now() < until && self.client.strong_count() > 0 {
                let desk = self.shared.desk();
                if !matches!(desk.end, End::No | End::Reached) {
                    return;
                }
                drop(self.shared.wait_for_settled(desk, LOOK));
            }
        }
    }

    /// Says once why records stay where they are.
    fn tell(&mut self, failed: &TransportError) {
        tracing::debug!(%failed, "retries cannot be moved");
        if !std::mem::replace(&mut self.is_told, true) {
            let message = format!(
                "retries that an earlier version stored cannot be moved to a topic of their own, and wait: {failed}"
            );
            let told = error(ErrorKind::Warning, message);
            self.shared.fail(match failed.advice() {
                Some(advice) => told.hint(advice.to_owned()),
                None => told,
            });
        }
    }

    /// Moves some records of each partition; reports whether there were any.
    fn round(&mut self) -> Result<bool> {
        let sources = self.sources();
        let is_ours = |part: &PartId| sources.iter().any(|source| source.part == *part);
        self.transactors.retain(|part, _| is_ours(part));
        self.careful.retain(is_ours);
        let until = if self.refused_at.elapsed() < POSTPONED {
            LAST
        } else {
            i64::MAX
        };
        let mut moved = Ok(false);
        for source in &sources {
            // A failure in one partition holds up no other.
            match self.forward(source, until) {
                Ok(some) => moved = moved.map(|any| any || some),
                Err(failed) => {
                    self.transactors.remove(&source.part);
                    moved = Err(failed);
                }
            }
        }
        moved
    }

    /// Returns the partitions that are ours and hold something.
    fn sources(&self) -> Vec<Source> {
        let desk = self.shared.desk();
        let parts = desk.parts.iter().filter(|(_, part)| match &part.kind {
            Kind::Retries(retries) => retries.is_legacy() && retries.pending.len() > 0,
            Kind::Messages { .. } => false,
        });
        let source = |(id, part): (
            &PartId,
            &crate::backends::kafka::consume::assignment::partition::Part,
        )| Source {
            part: *id,
            topic: Arc::clone(&part.name),
            partition: part.partition,
        };
        parts.map(source).collect()
    }

    /// Moves some records of a partition, of those that stand under a time until then; reports whether there were any.
    fn forward(&mut self, source: &Source, until: i64) -> Result<bool> {
        if !self.transactors.contains_key(&source.part) {
            let transactor = self.begin(source)?;
            self.transactors.insert(source.part, transactor);
        }
        let most = if self.careful.contains(&source.part) {
            1
        } else {
            MOST
        };
        let due = {
            let mut desk = self.shared.desk();
            match desk.retries(source.part) {
                Some(retries) if retries.is_read() => retries.pending.due(until, most),
                _ => return Ok(false),
            }
        };
        if due.is_empty() {
            return Ok(false);
        }
        let again: Vec<Due> = due.iter().map(Due::bare).collect();
        match self.transfer(source, due) {
            Ok(left) => {
                // What was replaced or ended meanwhile is not there any more, which is read soon.
                let is_some_moved = left.len() < again.len();
                self.put_back(source, left, None);
                return Ok(is_some_moved);
            }
            Err(failed) if failed.record.is_some() && error::is_refusal(&failed.error) => {
                self.careful.insert(source.part);
                let is_alone = again.len() == 1;
                if is_alone {
                    self.tell(&failed.error);
                    (self.refused_at, self.refused) = (Instant::now(), self.refused + 1);
                }
                self.put_back(source, again, is_alone.then_some(LAST + self.refused));
            }
            Err(failed) => {
                self.put_back(source, again, None);
                return Err(failed.error);
            }
        }
        Ok(true)
    }

    /// Shuts out whoever moved records of a partition before, and makes sure that what they ended is read first.
    fn begin(&self, source: &Source) -> Result<TransactionalProducer> {
        let (connection, group) = (&self.shared.connection, &self.shared.group);
        let task = format!("{group}.delay-{}", source.partition);
        let transactor = TransactionalProducer::begin(
            &connection.config,
            &connection.names().transactional_id(&task),
        )?;
        failpoint::reach("kafka.forwarding_begun");
        let barrier = connection.high(&source.topic, source.partition)?;
        if let Some(retries) = self.shared.desk().retries(source.part) {
            retries.barrier = retries.barrier.max(barrier);
        }
        Ok(transactor)
    }

    /// Moves a batch, or nothing of it; returns what could not be read.
    fn transfer(&self, source: &Source, due: Vec<Due>) -> Result<Vec<Due>, Failed> {
        let whole = |error| Failed {
            record: None,
            error,
        };
        let (reads, left) = self.complete(source, due).map_err(whole)?;
        let mut records = Vec::with_capacity(2 * reads.len());
        for read in reads {
            // What is refused to one topic holds up no retries of others.
            let record = Some(records.len());
            let moved = self.lay_out(source, read);
            let moved = moved.map_err(|error| Failed { record, error })?;
            records.extend(moved.into_iter().flatten());
        }
        let Some(transactor) = self.transactors.get(&source.part) else {
            return Ok(left);
        };
        if records.is_empty() || !self.shared.desk().parts.contains_key(&source.part) {
            return Ok(left);
        }
        transactor.commit(records, None)?;
        failpoint::reach("kafka.forwarded");
        Ok(left)
    }

    /// Reads again what is not at hand; returns what is complete, and what could not be read.
    fn complete(&self, source: &Source, due: Vec<Due>) -> Result<(Vec<FetchedRecord>, Vec<Due>)> {
        let absent = due.iter().filter(|due| due.record.is_none());
        let mut absent: Vec<i64> = absent.map(|due| due.offset).collect();
        absent.sort_unstable();
        let found = self
            .fetcher
            .read_some(&source.topic, source.partition, &absent, BYTES)?;
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

    /// Returns a record where it belongs, and its end where it stood; none if it is nothing of ours.
    fn lay_out(&self, source: &Source, read: FetchedRecord) -> Result<Option<[OutgoingRecord; 2]>> {
        let Some(key) = read.key.clone() else {
            return Ok(None);
        };
        let at = format!("{}/{}/{}", read.topic, read.partition, read.offset);
        let Some((mut story, message)) = delayed_record::decode(read) else {
            return Ok(None);
        };
        // The name of a dead letter may be derived from it, and must not change on the way.
        story.position.get_or_insert_with(|| Position::new(at));
        let (target, partitions) = self.target(&story.topic)?;
        let partition = delayed_record::partition(&message, &key, partitions);
        let moved = delayed_record::encode((&target, partition), key.clone(), &story, &message)?;
        Ok(Some([
            moved,
            OutgoingRecord::tombstone(&*source.topic, source.partition, key),
        ]))
    }

    /// Returns the topic of the retries of a topic, which is created if it is missing: also where nobody reads it now.
    fn target(&self, topic: &Topic) -> Result<(String, i32)> {
        let (connection, group) = (&self.shared.connection, &self.shared.group);
        let name = connection.names().retry_topic(group, topic)?;
        if let Some(partitions) = connection.known(&name) {
            return Ok((name, partitions));
        }
        let created = self
            .runtime
            .block_on(support_topics::create_retries(connection, group, topic));
        created.map(|partitions| (name, partitions))
    }

    fn put_back(&self, source: &Source, due: Vec<Due>, time: Option<i64>) {
        let mut desk = self.shared.desk();
        if let Some(retries) = desk.retries(source.part) {
            for due in due {
                let time = time.unwrap_or(due.time);
                retries.pending.put_back(due, time);
            }
        }
    }
}
