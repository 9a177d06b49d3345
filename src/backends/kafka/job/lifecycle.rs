//! The life of a job: plan, enlist, lease, renew, release, forget. Plans are plain records; everything after is committed by
//! the holder of the lease, under the one transactional id of the store.

use std::sync::Arc;

use super::{
    prune,
    worker::{self, JobWorkers, Worker, WorkerSlot, busy},
};
use crate::{
    backends::kafka::{
        codec::record::{self, OutgoingRecord},
        connection::{
            handle::{self, Connection},
            transaction::{self, TransactionalProducer},
        },
        dead_letter::{
            state_records::{Entry, JobState, Lease, Plan},
            state_topic::{self, LEASE, TriageState},
        },
        error::SCHEME,
    },
    failpoint,
    transport::{DeadLetter, ErrorKind, JOB_CHUNK, Job, JobAction, JobId, JobLease, Result},
};

/// Returns the jobs that have not ended.
pub(crate) async fn list(connection: &Arc<Connection>) -> Result<Vec<Job>> {
    let state = TriageState::read(connection).await?;
    let held = state.held().cloned();
    let jobs = state.jobs.into_iter().filter_map(|(id, known)| {
        let planned = known.planned();
        let plan = known.plan?;
        let held = held.as_ref().filter(|held| held.lease.job.0 == id);
        Some(Job {
            action: plan.action,
            selection: plan.selection,
            planned,
            resolved: known.through,
            created: record::time(Some(plan.created)),
            holder: held.and_then(|held| held.lease.holder.clone()),
            started: plan.started,
            id: JobId(id),
        })
    });
    Ok(jobs.collect())
}

/// Stores a job without letters.
pub(crate) async fn plan(
    connection: &Arc<Connection>,
    workers: &JobWorkers,
    action: JobAction,
    selection: &str,
) -> Result<JobId> {
    state_topic::ensure_topic(connection).await?;
    let job = JobId::generate();
    let plan = Plan {
        action,
        selection: selection.to_owned(),
        created: record::now_millis(),
        started: false,
    };
    let written = state_topic::record(connection, state_topic::job_key(&job), Some(&plan))?;
    state_topic::write(connection, vec![written]).await?;
    failpoint::reach("kafka.job_planned");
    note_enlisted(workers, &job, 0);
    Ok(job)
}

fn note_enlisted(workers: &JobWorkers, job: &JobId, count: u64) {
    let mut enlisted = workers.enlisted.lock();
    enlisted.insert(job.clone(), count);
}

/// Adds letters to a job.
pub(crate) async fn enlist(
    connection: &Arc<Connection>,
    workers: &JobWorkers,
    job: &JobId,
    letters: &[DeadLetter],
) -> Result<()> {
    let known = {
        let enlisted = workers.enlisted.lock();
        enlisted.get(job).copied()
    };
    let mut start = match known {
        Some(known) => known,
        None => find(&TriageState::read(connection).await?, job)?.planned(),
    };
    let mut records = Vec::new();
    for chunk in letters.chunks(JOB_CHUNK) {
        let entries: Vec<Entry> = chunk.iter().map(entry).collect();
        let count = entries.len() as u64;
        let key = state_topic::chunk_key(job, start, count);
        records.push(state_topic::record(connection, key, Some(&entries))?);
        start += count;
    }
    state_topic::write(connection, records).await?;
    failpoint::reach("kafka.chunk_stored");
    note_enlisted(workers, job, start);
    Ok(())
}

fn entry(letter: &DeadLetter) -> Entry {
    let at = letter.at.as_ref().map(|at| at.as_str().to_owned());
    Entry(letter.id.clone(), at)
}

fn find<'a>(state: &'a TriageState, job: &JobId) -> Result<&'a JobState> {
    state.jobs.get(&job.0).ok_or_else(|| job.unknown(SCHEME))
}

/// Forgets a job that nobody holds.
pub(crate) async fn forget(connection: &Arc<Connection>, job: &JobId) -> Result<()> {
    let state = TriageState::read(connection).await?;
    let known = find(&state, job)?;
    if let Some(held) = &state.lease
        && held.lease.job == *job
        && is_live(connection, &state).await?
    {
        return Err(busy(&held.lease));
    }
    state_topic::write(connection, state_topic::tombstones(connection, job, known)).await?;
    Ok(())
}

/// Reports whether the lease is held, by the clock of the broker that wrote it.
async fn is_live(connection: &Arc<Connection>, state: &TriageState) -> Result<bool> {
    match &state.lease {
        Some(held) if held.lease.holder.is_some() => {
            Ok(held.is_live(state_topic::now(connection).await?))
        }
        _ => Ok(false),
    }
}

/// Takes the lease, unless any job of this store is held.
pub(crate) async fn lease(
    connection: &Arc<Connection>,
    workers: &JobWorkers,
    job: &JobId,
    holder: &str,
) -> Result<JobLease> {
    let mut slot = workers.slot().await;
    // A worker that crashed in a transaction hides what was written since, perhaps this job, until it is fenced.
    refuse_if_held(connection, &TriageState::read(connection).await?).await?;
    slot.release_worker().await;
    let producer = worker::begin(connection).await?;
    failpoint::reach("kafka.predecessor_fenced");
    // Another process may have been faster; now that it is fenced, it notices and comes back.
    let mut state = TriageState::read(connection).await?;
    refuse_if_held(connection, &state).await?;
    let known = state
        .jobs
        .get_mut(&job.0)
        .ok_or_else(|| job.unknown(SCHEME))?;
    let plan = known.plan.as_mut().ok_or_else(|| job.unknown(SCHEME))?;
    plan.started = true;
    let lease = Lease {
        job: job.clone(),
        holder: Some(holder.to_owned()),
        token: None,
    };
    let records = vec![
        state_topic::record(connection, LEASE, Some(&lease))?,
        state_topic::record(connection, state_topic::job_key(job), Some(plan))?,
    ];
    let taken = commit(producer, records).await;
    let (producer, placed) = taken.map_err(|failed| match failed.kind() {
        // Another process was fenced last, and has the lease.
        ErrorKind::Held => JobLease::held_by(SCHEME, None),
        _ => failed,
    })?;
    failpoint::reach("kafka.lease_taken");
    let lease = JobLease {
        job: job.clone(),
        token: u64::try_from(placed).unwrap_or(0),
    };
    slot.in_doubt = None;
    slot.worker = Some(Worker::new(connection, producer, (&lease, Some(holder)), state).await?);
    Ok(lease)
}

async fn refuse_if_held(connection: &Arc<Connection>, state: &TriageState) -> Result<()> {
    match &state.lease {
        Some(held) if is_live(connection, state).await? => Err(busy(&held.lease)),
        _ => Ok(()),
    }
}

/// Commits records; returns the offset of the first.
async fn commit(
    producer: TransactionalProducer,
    records: Vec<OutgoingRecord>,
) -> Result<(TransactionalProducer, i64)> {
    handle::blocking(move || {
        let placed = producer.commit_visibly(records)?;
        let offset = transaction::first(&placed)?.offset;
        Ok((producer, offset))
    })
    .await
}

/// Commits records of the holder of a lease. It may have been fenced by a process that noticed the lease too late; then it
/// takes its transactional id back and commits once more.
async fn commit_under_lease(
    connection: &Arc<Connection>,
    slot: &mut WorkerSlot,
    lease: &JobLease,
    is_kept: bool,
    more: impl Fn(&Worker) -> Vec<OutgoingRecord>,
) -> Result<()> {
    let mut is_last = false;
    loop {
        match slot.ensure_worker(connection, lease).await {
            // The commit that got no answer had happened.
            Err(failed) if is_last && !is_kept && failed.kind() == ErrorKind::Held => return Ok(()),
            ready => ready?,
        }
        let Some(mut worker) = slot.worker.take() else {
            return Err(lease.job.unknown(SCHEME));
        };
        let mut records = vec![state_topic::record(
            connection,
            LEASE,
            Some(&worker.lease(is_kept)),
        )?];
        records.extend(more(&worker));
        let answer = handle::blocking(move || {
            let answer = worker.producer.commit_visibly(records);
            if !is_kept {
                worker.producer.wait_until_seen(&worker.unseen);
            }
            if let Some(letters) = &mut worker.letters {
                letters.forget();
            }
            Ok((worker, answer))
        });
        let (worker, answer) = answer.await?;
        match answer {
            Ok(_) => {
                slot.worker = Some(worker);
                return Ok(());
            }
            Err(failed) => {
                slot.worker = Some(worker);
                slot.release_worker().await;
                let kind = failed.error.kind();
                if is_last || !matches!(kind, ErrorKind::Held | ErrorKind::Ambiguous) {
                    return Err(failed.into());
                }
                is_last = true;
            }
        }
    }
}

/// Renews the lease.
pub(crate) async fn renew(
    connection: &Arc<Connection>,
    workers: &JobWorkers,
    lease: &JobLease,
) -> Result<()> {
    let mut slot = workers.slot().await;
    commit_under_lease(connection, &mut slot, lease, true, |_| Vec::new()).await
}

/// Releases the lease, and ends the job if it is done.
pub(crate) async fn release(
    connection: &Arc<Connection>,
    workers: &JobWorkers,
    lease: &JobLease,
    done: bool,
) -> Result<()> {
    let mut slot = workers.slot().await;
    slot.ensure_worker(connection, lease).await?;
    if done && let Some(worker) = &mut slot.worker {
        prune::prune(connection, worker).await?;
    }
    let ended = commit_under_lease(connection, &mut slot, lease, false, |worker| {
        if done {
            state_topic::tombstones(connection, &worker.job, &worker.known)
        } else {
            Vec::new()
        }
    });
    ended.await?;
    failpoint::reach("kafka.lease_given_back");
    slot.release_worker().await;
    Ok(())
}
