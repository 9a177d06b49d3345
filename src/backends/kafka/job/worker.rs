//! The worker of a store's dead-letter jobs: the transactional id that fences its predecessors, and the state that was read
//! under it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::OwnedMutexGuard;

use super::letters::{JobWork, LetterReader};
use crate::{
    backends::kafka::{
        connection::{
            handle::{self, Connection},
            transaction::{LastOffsets, TransactionalProducer},
        },
        dead_letter::{
            decode::LetterDecoder,
            import::KnownIds,
            notes::NoteCache,
            resolved::ResolvedLetters,
            state_records::{JobState, Lease, RetainedReceipt},
            state_topic::TriageState,
        },
        error::SCHEME,
        read::offset_fetcher::OffsetFetcher,
    },
    lock::Mutex,
    transport::{
        DeadLetterId, JobAction, JobId, JobLease, ReplayEdit, Resolution, Result, TransportError,
    },
};

/// The dead-letter work of one transport.
#[derive(Debug, Default)]
pub(crate) struct JobWorkers {
    slot: Arc<tokio::sync::Mutex<WorkerSlot>>,
    /// How many letters were enlisted in jobs that this transport planned.
    pub(crate) enlisted: Mutex<HashMap<JobId, u64>>,
    pub(crate) notes: NoteCache,
    pub(crate) imported: KnownIds,
}

impl JobWorkers {
    /// Waits until no other call of this transport uses the worker.
    pub(crate) async fn slot(&self) -> OwnedMutexGuard<WorkerSlot> {
        Arc::clone(&self.slot).lock_owned().await
    }
}

/// The worker, if there is one, and its last step if that is in doubt.
#[derive(Debug, Default)]
pub(crate) struct WorkerSlot {
    pub(crate) worker: Option<Worker>,
    pub(crate) in_doubt: Option<InDoubt>,
}

/// A step of which it is unknown whether it was committed.
#[derive(Debug)]
pub(crate) struct InDoubt {
    pub(crate) job: JobId,
    pub(crate) through: u64,
    pub(crate) outcomes: Vec<(DeadLetterId, Resolution)>,
}

/// The holder of a lease, and the state that was read under it.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) producer: TransactionalProducer,
    pub(crate) token: u64,
    pub(crate) job: JobId,
    holder: Option<String>,
    pub(crate) action: JobAction,
    /// The edit of the step.
    pub(crate) edit: Option<Arc<dyn ReplayEdit>>,
    pub(crate) known: JobState,
    pub(crate) resolved: ResolvedLetters,
    pub(crate) receipts: BTreeMap<i64, RetainedReceipt>,
    /// Partitions of which letters were resolved under this lease.
    pub(crate) touched: HashSet<(String, i32)>,
    /// Commits that readers may not see yet.
    pub(crate) unseen: LastOffsets,
    pub(crate) decoder: LetterDecoder,
    pub(crate) fetcher: Arc<OffsetFetcher>,
    /// Reads the letters of the job; none only while it prefetches.
    pub(crate) letters: Option<LetterReader>,
}

impl WorkerSlot {
    /// Makes sure that the worker of this lease exists, and that the lease still holds.
    pub(crate) async fn ensure_worker(
        &mut self,
        connection: &Arc<Connection>,
        lease: &JobLease,
    ) -> Result<()> {
        if let Some(worker) = &self.worker
            && worker.token == lease.token
            && worker.job == lease.job
        {
            return Ok(());
        }
        check(&TriageState::read(connection).await?, lease)?;
        self.release_worker().await;
        let producer = begin(connection).await?;
        let state = TriageState::read(connection).await?;
        check(&state, lease)?;
        let holder = state.lease.as_ref();
        let holder = holder.and_then(|leased| leased.lease.holder.clone());
        let leased = (lease, holder.as_deref());
        self.worker = Some(Worker::new(connection, producer, leased, state).await?);
        Ok(())
    }

    /// Ends the worker. Its clients take a while to close; the one that only reads is closed in the background.
    pub(crate) async fn release_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            if let Some(letters) = worker.letters.take() {
                letters.end();
            }
            let _ = handle::blocking(move || {
                drop(worker);
                Ok(())
            })
            .await;
        }
    }
}

impl Worker {
    /// Starts to work under a lease.
    pub(crate) async fn new(
        connection: &Arc<Connection>,
        producer: TransactionalProducer,
        (lease, holder): (&JobLease, Option<&str>),
        mut state: TriageState,
    ) -> Result<Self> {
        let known = state.jobs.remove(&lease.job.0);
        let known = known.ok_or_else(|| lease.job.unknown(SCHEME))?;
        let plan = known
            .plan
            .as_ref()
            .ok_or_else(|| lease.job.unknown(SCHEME))?;
        let (decoder, fetcher) = (
            LetterDecoder::new(connection).await?,
            Arc::new(OffsetFetcher::new(&connection.config)),
        );
        let work = JobWork {
            job: &lease.job,
            action: &plan.action,
            known: &known,
        };
        let letters = LetterReader::new(&connection.config, work, &decoder, &fetcher);
        Ok(Self {
            producer,
            token: lease.token,
            job: lease.job.clone(),
            holder: holder.map(str::to_owned),
            action: plan.action.clone(),
            edit: None,
            known,
            resolved: state.resolved,
            receipts: state.receipts,
            touched: HashSet::new(),
            unseen: LastOffsets::new(),
            decoder,
            fetcher,
            letters: Some(letters),
        })
    }

    /// Starts a step with its edit, if the job has one.
    pub(crate) fn begin_step(&mut self, edit: Option<&Arc<dyn ReplayEdit>>) -> Result<()> {
        self.action.check_edit(SCHEME, edit.is_some())?;
        if let Some(letters) = &mut self.letters {
            letters.edit = edit.cloned();
        }
        self.edit = edit.cloned();
        Ok(())
    }

    /// Returns the lease as it has to be stored now, kept or released.
    pub(crate) fn lease(&self, is_kept: bool) -> Lease {
        Lease {
            job: self.job.clone(),
            holder: self.holder.clone().filter(|_| is_kept),
            token: Some(self.token),
        }
    }
}

/// Takes over the work on dead letters: the former worker is fenced and cannot commit any more.
pub(crate) async fn begin(connection: &Arc<Connection>) -> Result<TransactionalProducer> {
    let config = connection.config.clone();
    handle::blocking(move || {
        TransactionalProducer::begin(&config, &config.names.transactional_id("triage"))
    })
    .await
}

fn check(state: &TriageState, lease: &JobLease) -> Result<()> {
    match &state.lease {
        Some(leased) if leased.lease.holder.is_none() => Err(JobLease::lost(SCHEME, &lease.job)),
        Some(leased) if leased.token == lease.token && leased.lease.job == lease.job => Ok(()),
        Some(leased) => Err(busy(&leased.lease)),
        None => Err(JobLease::lost(SCHEME, &lease.job)),
    }
}

/// Returns the error of a process that finds the lease held.
pub(crate) fn busy(lease: &Lease) -> TransportError {
    JobLease::held_by(SCHEME, lease.holder.as_deref())
}
