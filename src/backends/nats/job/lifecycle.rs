//! The life of a job: listed, leased under a fencing token, renewed, released, forgotten.
//!
//! A lease is a message that the server expires, so that the clocks of two workers need not agree. Its fencing token is the
//! sequence of its first message: a later lease has a larger one.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            kv::{self, Key, Versioned},
            stream::info,
        },
        error::SCHEME,
        job::{
            journal::{self, lease_lost},
            plan::{self, Plan},
            session::JobSession,
            step_state::Event,
        },
        read::{
            scope::{ReadScope, StartAt},
            stream_reader::StreamReader,
        },
    },
    failpoint,
    transport::{JOB_LEASE, Job, JobId, JobLease, Result, TransportError},
};

/// The lease of a store, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Lease {
    job: JobId,
    /// None once it was released.
    holder: Option<String>,
    /// The sequence of the first message of this lease; none in that message itself.
    token: Option<u64>,
    /// Unlike that of any other message, so that a write without an answer is recognised.
    mark: String,
}

fn lease_key(connection: &Connection) -> Key {
    Key::in_state_stream(connection, "lease")
}

/// Returns the jobs that have not ended.
pub(crate) async fn list(connection: &Arc<Connection>) -> Result<Vec<Job>> {
    let plans = plans(connection).await?;
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let lease = held(connection).await?;
    let journal = journal::read(connection).await?;
    let job = |(id, plan): (String, Plan)| {
        let id = JobId(id);
        let journal = journal.as_ref().filter(|journal| journal.value.job == id);
        let lease = lease.as_ref().filter(|lease| lease.value.job == id);
        Job {
            planned: plan.planned(),
            resolved: journal.map_or(plan.resolved, |journal| journal.value.resolved),
            created: plan.created(),
            holder: lease.and_then(|lease| lease.value.holder.clone()),
            started: plan.started,
            action: plan.action,
            selection: plan.selection,
            id,
        }
    };
    Ok(plans.into_iter().map(job).collect())
}

async fn plans(connection: &Arc<Connection>) -> Result<BTreeMap<String, Plan>> {
    let (stream, mut plans) = (connection.names.state_stream(), BTreeMap::new());
    if info::find(connection, &stream).await?.is_none() {
        return Ok(plans);
    }
    let filters = vec![plan::subject(connection, "*")];
    let scope = ReadScope::once(stream, filters, StartAt::Sequence(1));
    let mut reader = StreamReader::open(connection, scope).await?;
    while let Some(received) = reader.next().await? {
        let id = received.subject.rsplit('.').nth(1);
        if let (Some(id), Ok(plan)) = (id, serde_json::from_slice(&received.payload)) {
            plans.insert(id.to_owned(), plan);
        }
    }
    Ok(plans)
}

/// Deletes a job that has no lease.
pub(crate) async fn forget(connection: &Connection, job: &JobId) -> Result<()> {
    plan::find(connection, job).await?;
    if let Some(lease) = held(connection).await?
        && lease.value.job == *job
    {
        return Err(held_by(&lease.value));
    }
    plan::delete(connection, job).await
}

/// Takes the lease, unless a job of this store has it.
pub(crate) async fn lease(connection: &Connection, job: &JobId, holder: &str) -> Result<JobLease> {
    plan::find(connection, job).await?;
    let key = lease_key(connection);
    let last = kv::get::<Lease>(connection, &key).await?;
    if let Some(last) = &last
        && last.value.holder.is_some()
    {
        return Err(held_by(&last.value));
    }
    let wanted = Lease {
        job: job.clone(),
        holder: Some(holder.to_owned()),
        token: None,
        mark: connection.id(),
    };
    let revision = last.map_or(0, |last| last.revision);
    let seconds = JOB_LEASE.as_secs();
    let token = kv::set_expiring(connection, &key, &wanted, revision, seconds).await;
    let token = token.map_err(|failed| lease_lost(failed, job))?;
    failpoint::reach("nats.lease_taken");
    let lease = JobLease {
        job: job.clone(),
        token,
    };
    match start(connection, &lease).await {
        Ok(()) => Ok(lease),
        Err(failed) => {
            give_up(connection, &lease).await?;
            Err(failed)
        }
    }
}

/// Finishes what an earlier worker left unfinished, and fences it.
async fn start(connection: &Connection, lease: &JobLease) -> Result<()> {
    journal::take_over(connection, lease).await?;
    failpoint::reach("nats.journal_begun");
    let mut plan = plan::find(connection, &lease.job).await?;
    if plan.value.started {
        return Ok(());
    }
    plan.value.started = true;
    plan::store(connection, &lease.job, &plan).await
}

/// Extends the lease.
pub(crate) async fn renew(connection: &Connection, lease: &JobLease) -> Result<()> {
    let mut live = current(connection, lease).await?;
    live.value.token = Some(lease.token);
    live.value.mark = connection.id();
    let (key, seconds) = (lease_key(connection), JOB_LEASE.as_secs());
    let renewed = kv::set_expiring(connection, &key, &live.value, live.revision, seconds).await;
    renewed.map_err(|failed| lease_lost(failed, &lease.job))?;
    Ok(())
}

/// Ends the job, or only the lease.
pub(crate) async fn release(
    connection: &Connection,
    session: &JobSession,
    lease: &JobLease,
    done: bool,
) -> Result<()> {
    check(connection, lease).await?;
    session.prefetch.close().await;
    journal::close(connection, lease, !session.is_interrupted()).await?;
    session.apply(&Event::Released);
    failpoint::reach("nats.journal_closed");
    if done {
        plan::delete(connection, &lease.job).await?;
        failpoint::reach("nats.job_erased");
    }
    give_up(connection, lease).await
}

async fn give_up(connection: &Connection, lease: &JobLease) -> Result<()> {
    let live = current(connection, lease).await?;
    let free = Lease {
        job: lease.job.clone(),
        holder: None,
        token: None,
        mark: connection.id(),
    };
    let key = lease_key(connection);
    let freed = kv::set_expiring(connection, &key, &free, live.revision, 1).await;
    freed.map_err(|failed| lease_lost(failed, &lease.job))?;
    Ok(())
}

/// Checks that a lease is the current one.
pub(crate) async fn check(connection: &Connection, lease: &JobLease) -> Result<()> {
    current(connection, lease).await.map(drop)
}

async fn current(connection: &Connection, lease: &JobLease) -> Result<Versioned<Lease>> {
    match held(connection).await? {
        Some(live) if live.value.token.unwrap_or(live.revision) == lease.token => Ok(live),
        Some(live) => Err(held_by(&live.value)),
        None => Err(JobLease::lost(SCHEME, &lease.job)),
    }
}

/// Reads the lease of the store, if a process holds it.
async fn held(connection: &Connection) -> Result<Option<Versioned<Lease>>> {
    let lease = kv::get::<Lease>(connection, &lease_key(connection)).await?;
    Ok(lease.filter(|lease| lease.value.holder.is_some()))
}

fn held_by(lease: &Lease) -> TransportError {
    JobLease::held_by(SCHEME, lease.holder.as_deref())
}
