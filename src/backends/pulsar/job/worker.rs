//! The worker of the holder of the lease: the exclusive producer of the journal, and what the journal said under it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use super::{
    keepers::Keepers,
    letters::LetterReader,
    plan::{self, PlanReader},
    publishing::Producers,
    targets::Targets,
};
use crate::{
    backends::pulsar::{
        codec::retry::json,
        connection::{
            consumer::Consumer,
            handle::Connection,
            keeper::{Keeper, keep, keeper},
            names::KEEPER,
            producer::Producer,
            producer_task::{Exclusive, ProducerSpec},
        },
        dead_letter::{
            internal_log::outbound,
            journal::{self, Journal, Lease, Progress, Record},
        },
        error::SCHEME,
    },
    lock::Mutex,
    transport::{
        DeadLetterId, ErrorKind, JobAction, JobId, JobLease, Resolution, Result, TransportError,
    },
};

/// A journal of more records is summarised by the next holder.
const SUMMARISE: usize = 5_000;
/// Letters in one record of a summary.
const CHUNK: usize = 10_000;

/// The dead-letter work of one transport.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(super) slot: tokio::sync::Mutex<Slot>,
    /// How many letters were enlisted in jobs that this transport planned.
    pub(super) enlisted: Mutex<HashMap<JobId, u64>>,
}

/// The worker, if there is one, and its last step if the outcome of that is unknown.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) worker: Option<Worker>,
    pub(super) unreported: Option<Unreported>,
}

/// A step of which it is unknown whether the journal has it.
#[derive(Debug)]
pub(super) struct Unreported {
    pub(super) job: JobId,
    pub(super) through: u64,
    pub(super) outcomes: Vec<(DeadLetterId, Resolution)>,
}

/// The only producer of the journal.
#[derive(Debug)]
pub(super) struct Writer {
    producer: Producer,
    pub(super) epoch: u64,
}

/// The holder of a lease.
#[derive(Debug)]
pub(super) struct Worker {
    writer: Writer,
    pub(super) lease: Lease,
    pub(super) action: JobAction,
    pub(super) progress: Progress,
    pub(super) resolved: HashSet<u64>,
    pub(super) plan: PlanReader,
    pub(super) letters: LetterReader,
    pub(super) targets: Targets,
    pub(super) producers: Producers,
    pub(super) keepers: Keepers,
    /// A step has begun and not ended.
    pub(super) is_stepping: bool,
}

impl Writer {
    /// Becomes the only producer of the journal, and returns what the journal says then.
    pub(super) async fn open(
        connection: &Arc<Connection>,
        exclusive: Exclusive,
    ) -> Result<(Self, Journal)> {
        let topic = journal::topic(connection);
        let spec = ProducerSpec {
            exclusive: Some(exclusive),
            keeper: Some(Keeper::internal()),
            ..ProducerSpec::default()
        };
        let (producer, opened) = Producer::open(connection, topic, spec).await?;
        let writer = Self {
            producer,
            epoch: opened.topic_epoch.unwrap_or(0),
        };
        // What predecessors had sent is stored before this.
        writer.append(&[Record::Fence]).await?;
        let journal = Journal::read(connection).await?;
        Ok((writer, journal))
    }

    /// Appends records and returns once they are stored.
    pub(super) async fn append(&self, records: &[Record]) -> Result<()> {
        let records = records.iter();
        let sendings: Vec<_> = records
            .map(|record| self.producer.send(outbound(None, Some(json(record)))))
            .collect();
        for sending in sendings {
            sending.await?;
        }
        Ok(())
    }

    pub(super) async fn close(self) {
        self.producer.close().await;
    }
}

impl Slot {
    /// Makes sure that the worker of this lease exists.
    pub(super) async fn ensure(
        &mut self,
        connection: &Arc<Connection>,
        lease: &JobLease,
    ) -> Result<()> {
        let is_here = self.worker.as_ref().is_some_and(|worker| {
            let of = &worker.lease;
            of.token == lease.token && of.job == lease.job && !worker.is_stepping
        });
        if is_here {
            return Ok(());
        }
        check(&Journal::read(connection).await?, lease)?;
        self.release().await;
        let (writer, journal) = Writer::open(connection, Exclusive::Fencing).await?;
        let held = check(&journal, lease)?;
        self.worker = Some(Worker::start(connection, writer, journal, held).await?);
        Ok(())
    }

    /// Ends the worker.
    pub(super) async fn release(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.close().await;
        }
    }
}

impl Worker {
    /// Starts to work under a lease.
    pub(super) async fn start(
        connection: &Arc<Connection>,
        writer: Writer,
        mut journal: Journal,
        lease: Lease,
    ) -> Result<Self> {
        let listed = plan::get(connection, &lease.job).await?;
        summarise(connection, &writer, &journal, &lease).await?;
        let progress = journal.progress.remove(&lease.job.0);
        Ok(Self {
            writer,
            action: listed.plan.action,
            progress: progress.unwrap_or_else(Progress::begin),
            resolved: journal.resolved,
            plan: PlanReader::open(connection, &lease.job).await?,
            letters: LetterReader::new(connection),
            targets: Targets::new(connection),
            producers: Producers::new(connection, &lease.job),
            keepers: Keepers::default(),
            is_stepping: false,
            lease,
        })
    }

    /// Writes the lease: as held, or as given back.
    pub(super) async fn write_lease(&self, is_held: bool) -> Result<()> {
        let lease = Lease {
            holder: self.lease.holder.clone().filter(|_| is_held),
            time: SystemTime::now(),
            ..self.lease.clone()
        };
        self.writer.append(&[Record::Lease(lease)]).await
    }

    /// Writes how far the job is, and the letters that were resolved.
    pub(super) async fn write_step(&self, progress: &Progress, resolved: Vec<u64>) -> Result<()> {
        let step = Record::Step {
            job: self.lease.job.clone(),
            progress: progress.clone(),
            resolved,
        };
        self.writer.append(&[step]).await
    }

    async fn close(self) {
        self.producers.close().await;
        self.keepers.close().await;
        self.writer.close().await;
    }
}

/// Returns the lease of the journal if it is this one.
fn check(journal: &Journal, lease: &JobLease) -> Result<Lease> {
    match &journal.lease {
        Some(held) if held.token == lease.token && held.job == lease.job => match held.holder {
            Some(_) => Ok(held.clone()),
            None => Err(JobLease::lost(SCHEME, &lease.job)),
        },
        Some(held) if held.holder.is_some() => Err(busy(journal)),
        _ => Err(JobLease::lost(SCHEME, &lease.job)),
    }
}

/// Returns the error of a process that finds the lease held.
pub(super) fn busy(journal: &Journal) -> TransportError {
    let holder = journal.lease.as_ref();
    JobLease::held_by(SCHEME, holder.and_then(|held| held.holder.as_deref()))
}

/// Becomes the only producer of the journal unless another process is.
pub(super) async fn acquire(connection: &Arc<Connection>) -> Result<(Writer, Journal)> {
    keep(connection, &journal::topic(connection)).await?;
    match Writer::open(connection, Exclusive::IfAlone).await {
        Err(held) if held.kind() == ErrorKind::Held => Err(busy(&Journal::read(connection).await?)),
        opened => opened,
    }
}

/// Writes what a long journal says in few records, and lets the broker delete those before.
async fn summarise(
    connection: &Arc<Connection>,
    writer: &Writer,
    journal: &Journal,
    lease: &Lease,
) -> Result<()> {
    let Some(last) = journal.last.filter(|_| journal.records > SUMMARISE) else {
        return Ok(());
    };
    let resolved: Vec<u64> = journal.resolved.iter().copied().collect();
    let mut records: Vec<Record> = resolved
        .chunks(CHUNK)
        .map(|chunk| Record::Resolved {
            resolved: chunk.to_vec(),
        })
        .collect();
    for listed in plan::list(connection).await? {
        if let Some(progress) = journal.progress.get(&listed.job.0) {
            records.push(Record::Step {
                job: listed.job,
                progress: progress.clone(),
                resolved: Vec::new(),
            });
        }
    }
    records.push(Record::Lease(lease.clone()));
    writer.append(&records).await?;
    let topic = journal::topic(connection);
    // An operator who reads the subscription keeps the old records.
    if let Ok(consumer) = Consumer::subscribe(connection, &keeper(topic, KEEPER)).await {
        let _ = consumer.handle.ack_up_to(last).await;
        let _ = consumer.handle.close().await;
    }
    Ok(())
}
