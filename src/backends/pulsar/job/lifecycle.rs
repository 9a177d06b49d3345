//! The life of a job: plan, enlist, lease, renew, release, forget.

use std::{sync::Arc, time::SystemTime};

use super::{
    plan::{self, Entry, Plan, Record},
    worker::{Jobs, Slot, Worker, acquire, busy},
};
use crate::{
    backends::pulsar::{
        connection::handle::Connection,
        dead_letter::journal::{Journal, Lease},
    },
    failpoint,
    transport::{DeadLetter, ErrorKind, JOB_CHUNK, Job, JobAction, JobId, JobLease, Result},
};

/// Returns the jobs that have not ended.
pub(crate) async fn list(connection: &Arc<Connection>) -> Result<Vec<Job>> {
    let plans = plan::list(connection).await?;
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let journal = Journal::read(connection).await?;
    let lease = journal.lease.as_ref().filter(|lease| lease.is_live());
    let jobs = plans.into_iter().map(|listed| {
        let progress = journal.progress.get(&listed.job.0);
        let held = lease.filter(|lease| lease.job == listed.job);
        Job {
            action: listed.plan.action,
            selection: listed.plan.selection,
            planned: listed.planned,
            resolved: progress.map_or(0, |progress| progress.through),
            created: listed.plan.created,
            holder: held.and_then(|lease| lease.holder.clone()),
            started: progress.is_some(),
            id: listed.job,
        }
    });
    Ok(jobs.collect())
}

/// Stores a job without letters.
pub(crate) async fn plan(
    connection: &Arc<Connection>,
    jobs: &Jobs,
    action: JobAction,
    selection: &str,
) -> Result<JobId> {
    let job = JobId::generate();
    let plan = Plan {
        action,
        selection: selection.to_owned(),
        created: SystemTime::now(),
    };
    plan::create(connection, &job, plan).await?;
    failpoint::reach("pulsar.job_planned");
    jobs.enlisted.lock().insert(job.clone(), 0);
    Ok(job)
}

/// Adds letters to a job.
pub(crate) async fn enlist(
    connection: &Arc<Connection>,
    jobs: &Jobs,
    job: &JobId,
    letters: &[DeadLetter],
) -> Result<()> {
    let known = jobs.enlisted.lock().get(job).copied();
    let mut start = match known {
        Some(known) => known,
        None => plan::get(connection, job).await?.planned,
    };
    let mut records = Vec::new();
    for chunk in letters.chunks(JOB_CHUNK) {
        let letters: Vec<Entry> = chunk.iter().map(Entry::of).collect();
        let count = letters.len() as u64;
        records.push(Record::Letters { start, letters });
        start += count;
    }
    plan::append(connection, job, &records).await?;
    failpoint::reach("pulsar.chunk_stored");
    jobs.enlisted.lock().insert(job.clone(), start);
    Ok(())
}

/// Forgets a job that no process holds.
pub(crate) async fn forget(connection: &Arc<Connection>, job: &JobId) -> Result<()> {
    plan::get(connection, job).await?;
    match acquire(connection).await {
        Ok((writer, _)) => {
            let ended = plan::end(connection, job).await;
            writer.close().await;
            ended
        }
        Err(held) if held.kind() == ErrorKind::Held => {
            let journal = Journal::read(connection).await?;
            match &journal.lease {
                Some(lease) if lease.job == *job => Err(busy(&journal)),
                _ => plan::end(connection, job).await,
            }
        }
        Err(failed) => Err(failed),
    }
}

/// Takes the lease, unless a process holds it.
pub(crate) async fn lease(
    connection: &Arc<Connection>,
    jobs: &Jobs,
    job: &JobId,
    holder: &str,
) -> Result<JobLease> {
    plan::get(connection, job).await?;
    let mut slot = jobs.slot.lock().await;
    let (writer, journal) = acquire(connection).await?;
    failpoint::reach("pulsar.predecessor_fenced");
    let lease = Lease {
        job: job.clone(),
        holder: Some(holder.to_owned()),
        token: writer.epoch,
        time: SystemTime::now(),
    };
    let is_new = !journal.progress.contains_key(&job.0);
    let worker = Worker::start(connection, writer, journal, lease).await?;
    worker.write_lease(true).await?;
    if is_new {
        worker.write_step(&worker.progress, Vec::new()).await?;
    }
    failpoint::reach("pulsar.lease_taken");
    let token = worker.lease.token;
    slot.release().await;
    (slot.unreported, slot.worker) = (None, Some(worker));
    Ok(JobLease {
        job: job.clone(),
        token,
    })
}

/// Writes the lease under it. The holder may have been fenced by a process that lost interest; then it takes the journal back
/// and writes once more.
async fn write_lease(
    connection: &Arc<Connection>,
    slot: &mut Slot,
    lease: &JobLease,
    is_held: bool,
) -> Result<()> {
    let mut is_last = false;
    loop {
        match slot.ensure(connection, lease).await {
            // The record that got no answer was stored.
            Err(failed) if is_last && !is_held && failed.kind() == ErrorKind::Held => return Ok(()),
            ready => ready?,
        }
        let Some(worker) = &slot.worker else {
            return Err(lease.job.unknown(crate::backends::pulsar::error::SCHEME));
        };
        let failed = match worker.write_lease(is_held).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        slot.release().await;
        if is_last || !matches!(failed.kind(), ErrorKind::Held | ErrorKind::Ambiguous) {
            return Err(failed);
        }
        is_last = true;
    }
}

/// Renews the lease.
pub(crate) async fn renew(
    connection: &Arc<Connection>,
    jobs: &Jobs,
    lease: &JobLease,
) -> Result<()> {
    let mut slot = jobs.slot.lock().await;
    write_lease(connection, &mut slot, lease, true).await
}

/// Releases the lease, and ends the job if it is done.
pub(crate) async fn release(
    connection: &Arc<Connection>,
    jobs: &Jobs,
    lease: &JobLease,
    done: bool,
) -> Result<()> {
    let mut slot = jobs.slot.lock().await;
    slot.ensure(connection, lease).await?;
    if done {
        plan::end(connection, &lease.job).await?;
        failpoint::reach("pulsar.job_ended");
    }
    // Without its plan a job has no worker to write the lease again; then the broker ends it with the connection.
    let written = match &slot.worker {
        Some(worker) if done => worker.write_lease(false).await,
        _ => write_lease(connection, &mut slot, lease, false).await,
    };
    failpoint::reach("pulsar.lease_given_back");
    slot.release().await;
    match written {
        Err(failed) if done && !failed.is_transient() => {
            tracing::debug!(%failed, "the lease of a job that is done ends with its connection");
            Ok(())
        }
        written => written,
    }
}
