//! Jobs on dead letters: planned, leased, ended. Plans are plain records; whatever counts is committed by the one who
//! holds the lease, under a transactional id of which there is one.

use std::{sync::Arc, time::SystemTime};

use super::{
    prune,
    worker::{self, Bench, Triage, Worker, busy},
};
use crate::{
    backends::kafka::{
        codec::record::{self, OutgoingRecord},
        connection::{
            handle::{self, Connection},
            transaction::TransactionalProducer,
        },
        dead_letter::{
            state_records::{Entry, Known, Lease, Plan},
            state_topic::{self, LEASE, State},
        },
        error::SCHEME,
    },
    failpoint,
    transport::{DeadLetter, ErrorKind, JOB_CHUNK, Job, JobAction, JobId, JobLease, Result},
};

/// Returns the jobs that have not ended.
pub(crate) async fn list(connection: &Arc<Connection>) -> Result<Vec<Job>> {
    let state = State::read(connection).await?;
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

/// Writes down a job without letters.
pub(crate) async fn plan(
    connection: &Arc<Connection>,
    triage: &Triage,
    action: JobAction,
    selection: &str,
) -> Result<JobId> {
    state_topic::make(connection).await?;
    let job = JobId::generate();
    let plan = Plan {
        action,
        selection: selection.to_owned(),
        created: record::millis(SystemTime::now()),
        started: false,
    };
    let written = state_topic::record(connection, state_topic::job_key(&job), Some(&plan))?;
    state_topic::write(connection, vec![written]).await?;
    failpoint::reach("kafka.job_planned");
    note_enlisted(triage, &job, 0);
    Ok(job)
}

fn note_enlisted(triage: &Triage, job: &JobId, count: u64) {
    let mut enlisted = triage.enlisted.lock();
    enlisted.insert(job.clone(), count);
}

/// Adds letters to a job.
pub(crate) async fn enlist(
    connection: &Arc<Connection>,
    triage: &Triage,
    job: &JobId,
    letters: &[DeadLetter],
) -> Result<()> {
    let known = {
        let enlisted = triage.enlisted.lock();
        enlisted.get(job).copied()
    };
    let mut start = match known {
        Some(known) => known,
        None => find(&State::read(connection).await?, job)?.planned(),
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
    note_enlisted(triage, job, start);
    Ok(())
}

fn entry(letter: &DeadLetter) -> Entry {
    let at = letter.at.as_ref().map(|at| at.as_str().to_owned());
    Entry(letter.id.clone(), at)
}

fn find<'a>(state: &'a State, job: &JobId) -> Result<&'a Known> {
    state.jobs.get(&job.0).ok_or_else(|| job.unknown(SCHEME))
}

/// Forgets a job that nobody works on.
pub(crate) async fn forget(connection: &Arc<Connection>, job: &JobId) -> Result<()> {
    let state = State::read(connection).await?;
    let known = find(&state, job)?;
    if let Some(held) = &state.lease
        && held.lease.job == *job
        && is_live(connection, &state).await?
    {
        return Err(busy(&held.lease));
    }
    state_topic::write(connection, state_topic::erased(connection, job, known)).await?;
    Ok(())
}

/// Reports whether somebody holds the lease, by the clock of the broker that wrote it.
async fn is_live(connection: &Arc<Connection>, state: &State) -> Result<bool> {
    match &state.lease {
        Some(held) if held.lease.holder.is_some() => {
            Ok(held.is_live(state_topic::now(connection).await?))
        }
        _ => Ok(false),
    }
}

/// Takes the lease, unless somebody works on any job of this store.
pub(crate) async fn lease(
    connection: &Arc<Connection>,
    triage: &Triage,
    job: &JobId,
    holder: &str,
) -> Result<JobLease> {
    let mut bench = triage.bench().await;
    // A worker that went down in a transaction hides what was written since, the job perhaps, until it is shut out.
    refuse_if_held(connection, &State::read(connection).await?).await?;
    bench.dismiss().await;
    let transactor = worker::begin(connection).await?;
    failpoint::reach("kafka.predecessor_fenced");
    // Somebody may have been quicker; being shut out, they come back by themselves.
    let mut state = State::read(connection).await?;
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
    let (transactor, placed) = commit(transactor, records).await?;
    failpoint::reach("kafka.lease_taken");
    let lease = JobLease {
        job: job.clone(),
        token: u64::try_from(placed).unwrap_or(0),
    };
    bench.doubt = None;
    bench.worker = Some(Worker::new(connection, transactor, (&lease, Some(holder)), state).await?);
    Ok(lease)
}

async fn refuse_if_held(connection: &Arc<Connection>, state: &State) -> Result<()> {
    match &state.lease {
        Some(held) if is_live(connection, state).await? => Err(busy(&held.lease)),
        _ => Ok(()),
    }
}

/// Commits records; returns the offset of the first.
async fn commit(
    transactor: TransactionalProducer,
    records: Vec<OutgoingRecord>,
) -> Result<(TransactionalProducer, i64)> {
    handle::blocking(move || {
        let placed = transactor.commit_visibly(records)?;
        let offset = placed.first().map_or(0, |placed| placed.offset);
        Ok((transactor, offset))
    })
    .await
}

/// Commits records of the holder of a lease, who may have been shut out by one who found out too late.
async fn commit_held(
    connection: &Arc<Connection>,
    bench: &mut Bench,
    lease: &JobLease,
    is_kept: bool,
    more: impl Fn(&Worker) -> Vec<OutgoingRecord>,
) -> Result<()> {
    let mut is_last = false;
    loop {
        match bench.ready(connection, lease).await {
            // What got no answer was committed.
            Err(failed) if is_last && !is_kept && failed.kind() == ErrorKind::Held => return Ok(()),
            ready => ready?,
        }
        let Some(mut worker) = bench.worker.take() else {
            return Err(lease.job.unknown(SCHEME));
        };
        let mut records = vec![state_topic::record(
            connection,
            LEASE,
            Some(&worker.lease(is_kept)),
        )?];
        records.extend(more(&worker));
        let answer = handle::blocking(move || {
            let answer = worker.transactor.commit_visibly(records);
            if !is_kept {
                worker.transactor.wait_until_seen(&worker.unseen);
            }
            if let Some(reading) = &mut worker.reading {
                reading.forget();
            }
            Ok((worker, answer))
        });
        let (worker, answer) = answer.await?;
        match answer {
            Ok(_) => {
                bench.worker = Some(worker);
                return Ok(());
            }
            Err(failed) => {
                bench.worker = Some(worker);
                bench.dismiss().await;
                let kind = failed.error.kind();
                if is_last || !matches!(kind, ErrorKind::Held | ErrorKind::Ambiguous) {
                    return Err(failed.into());
                }
                is_last = true;
            }
        }
    }
}

/// Keeps the lease.
pub(crate) async fn renew(
    connection: &Arc<Connection>,
    triage: &Triage,
    lease: &JobLease,
) -> Result<()> {
    let mut bench = triage.bench().await;
    commit_held(connection, &mut bench, lease, true, |_| Vec::new()).await
}

/// Ends the job, or only the lease.
pub(crate) async fn release(
    connection: &Arc<Connection>,
    triage: &Triage,
    lease: &JobLease,
    done: bool,
) -> Result<()> {
    let mut bench = triage.bench().await;
    bench.ready(connection, lease).await?;
    if done && let Some(worker) = &mut bench.worker {
        prune::prune(connection, worker).await?;
    }
    let ended = commit_held(connection, &mut bench, lease, false, |worker| {
        if done {
            state_topic::erased(connection, &worker.job, &worker.known)
        } else {
            Vec::new()
        }
    });
    ended.await?;
    failpoint::reach("kafka.lease_given_back");
    bench.dismiss().await;
    Ok(())
}
