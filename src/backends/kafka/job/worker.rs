//! Who works on the dead letters of a store: a transactional id that shuts out whoever had it before, and what was
//! read under it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::OwnedMutexGuard;

use super::letters::Gatherer;
use crate::{
    backends::kafka::{
        connection::{
            handle::{self, Connection},
            transaction::{LastOffsets, TransactionalProducer},
        },
        dead_letter::{
            resolved::Resolved,
            state_records::{Kept, Known, Lease},
            state_topic::State,
            store::Opener,
        },
        error::SCHEME,
        read::offset_fetcher::OffsetFetcher,
    },
    lock::Mutex,
    transport::{JobAction, JobId, JobLease, LetterId, Resolution, Result, TransportError},
};

/// What a transport keeps of its work on dead letters.
#[derive(Debug, Default)]
pub(crate) struct Triage {
    bench: Arc<tokio::sync::Mutex<Bench>>,
    /// How many letters were enlisted in jobs that were planned here.
    pub(crate) enlisted: Mutex<HashMap<JobId, u64>>,
}

impl Triage {
    /// Waits until nobody else of this transport works, and lets one work.
    pub(crate) async fn bench(&self) -> OwnedMutexGuard<Bench> {
        Arc::clone(&self.bench).lock_owned().await
    }
}

/// The place of the one who works.
#[derive(Debug, Default)]
pub(crate) struct Bench {
    pub(crate) worker: Option<Worker>,
    pub(crate) doubt: Option<Doubt>,
}

/// A step of which nobody knows whether it was committed.
#[derive(Debug)]
pub(crate) struct Doubt {
    pub(crate) job: JobId,
    pub(crate) through: u64,
    pub(crate) outcomes: Vec<(LetterId, Resolution)>,
}

/// Who holds a lease, and what was read under it.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) transactor: TransactionalProducer,
    pub(crate) token: u64,
    pub(crate) job: JobId,
    holder: Option<String>,
    pub(crate) action: JobAction,
    pub(crate) known: Known,
    pub(crate) resolved: Resolved,
    pub(crate) receipts: BTreeMap<i64, Kept>,
    /// Partitions of which letters were dealt with since.
    pub(crate) touched: HashSet<(String, i32)>,
    /// What was committed and perhaps is not shown to readers yet.
    pub(crate) unseen: LastOffsets,
    pub(crate) opener: Opener,
    pub(crate) fetcher: Arc<OffsetFetcher>,
    /// Reads the letters of the job; always there, except while it reads ahead.
    pub(crate) reading: Option<Gatherer>,
}

impl Bench {
    /// Makes sure that the worker of this lease is here, and that the lease still is the one that counts.
    pub(crate) async fn ready(
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
        check(&State::read(connection).await?, lease)?;
        self.dismiss().await;
        let transactor = begin(connection).await?;
        let state = State::read(connection).await?;
        check(&state, lease)?;
        let holder = state.lease.as_ref();
        let holder = holder.and_then(|leased| leased.lease.holder.clone());
        let leased = (lease, holder.as_deref());
        self.worker = Some(Worker::new(connection, transactor, leased, state).await?);
        Ok(())
    }

    /// Lets the worker go. Its clients take a while to close, of which nobody waits for the one that only reads.
    pub(crate) async fn dismiss(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            if let Some(reading) = worker.reading.take() {
                reading.end();
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
    /// Begins to work under a lease.
    pub(crate) async fn new(
        connection: &Arc<Connection>,
        transactor: TransactionalProducer,
        (lease, holder): (&JobLease, Option<&str>),
        mut state: State,
    ) -> Result<Self> {
        let known = state.jobs.remove(&lease.job.0);
        let known = known.ok_or_else(|| lease.job.unknown(SCHEME))?;
        let plan = known
            .plan
            .as_ref()
            .ok_or_else(|| lease.job.unknown(SCHEME))?;
        let (opener, fetcher) = (
            Opener::new(connection).await?,
            Arc::new(OffsetFetcher::new(&connection.config)),
        );
        let work = (&lease.job, &plan.action, &known);
        let reading = Gatherer::new(&connection.config, work, &opener, &fetcher);
        Ok(Self {
            transactor,
            token: lease.token,
            job: lease.job.clone(),
            holder: holder.map(str::to_owned),
            action: plan.action.clone(),
            known,
            resolved: state.resolved,
            receipts: state.receipts,
            touched: HashSet::new(),
            unseen: LastOffsets::new(),
            opener,
            fetcher,
            reading: Some(reading),
        })
    }

    /// Returns the lease as it is to be written down now, kept or given back.
    pub(crate) fn lease(&self, is_kept: bool) -> Lease {
        Lease {
            job: self.job.clone(),
            holder: self.holder.clone().filter(|_| is_kept),
            token: Some(self.token),
        }
    }
}

/// Takes over the work on dead letters: whoever did it can commit nothing any more.
pub(crate) async fn begin(connection: &Arc<Connection>) -> Result<TransactionalProducer> {
    let config = connection.config.clone();
    handle::blocking(move || {
        TransactionalProducer::begin(&config, &config.names.transactional_id("triage"))
    })
    .await
}

fn check(state: &State, lease: &JobLease) -> Result<()> {
    match &state.lease {
        Some(leased) if leased.lease.holder.is_none() => Err(JobLease::lost(SCHEME, &lease.job)),
        Some(leased) if leased.token == lease.token && leased.lease.job == lease.job => Ok(()),
        Some(leased) => Err(busy(&leased.lease)),
        None => Err(JobLease::lost(SCHEME, &lease.job)),
    }
}

/// Returns the error of who finds somebody else at work.
pub(crate) fn busy(lease: &Lease) -> TransportError {
    JobLease::held_by(SCHEME, lease.holder.as_deref())
}
