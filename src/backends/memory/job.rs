//! Jobs on dead letters: planned, leased under a fencing token, ended.

use std::time::SystemTime;

use super::{error::SCHEME, state::State};
use crate::transport::{DeadLetter, JOB_LEASE, Job, JobAction, JobId, JobLease, LetterId, Result};

/// A job that has not ended.
#[derive(Debug)]
pub(super) struct JobState {
    pub(super) action: JobAction,
    selection: String,
    pub(super) letters: Vec<LetterId>,
    /// How many of them were dealt with.
    pub(super) resolved: usize,
    created: SystemTime,
    started: bool,
    lease: Option<Lease>,
}

#[derive(Debug)]
struct Lease {
    holder: String,
    token: u64,
    until: SystemTime,
}

impl JobState {
    /// Returns the lease, unless it has run out.
    fn live(&self, now: SystemTime) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }
}

/// Returns the jobs that have not ended.
pub(super) fn list(state: &State, now: SystemTime) -> Vec<Job> {
    let job = |(id, job): (&JobId, &JobState)| Job {
        id: id.clone(),
        action: job.action.clone(),
        selection: job.selection.clone(),
        planned: job.letters.len() as u64,
        resolved: job.resolved as u64,
        created: job.created,
        holder: job.live(now).map(|lease| lease.holder.clone()),
        started: job.started,
    };
    state.jobs.iter().map(job).collect()
}

/// Writes down a job without letters.
pub(super) fn plan(
    state: &mut State,
    action: JobAction,
    selection: &str,
    now: SystemTime,
) -> JobId {
    let id = JobId(format!("{:06}", state.number()));
    let job = JobState {
        action,
        selection: selection.to_owned(),
        letters: Vec::new(),
        resolved: 0,
        created: now,
        started: false,
        lease: None,
    };
    state.jobs.insert(id.clone(), job);
    id
}

/// Adds letters to a job.
pub(super) fn enlist(state: &mut State, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
    let ids = letters.iter().map(|letter| letter.id.clone());
    find(state, job)?.letters.extend(ids);
    Ok(())
}

/// Forgets a job that nobody works on.
pub(super) fn forget(state: &mut State, job: &JobId, now: SystemTime) -> Result<()> {
    if let Some(lease) = find(state, job)?.live(now) {
        return Err(JobLease::held_by(SCHEME, Some(&lease.holder)));
    }
    state.jobs.remove(job);
    Ok(())
}

/// Takes the lease, unless somebody works on any job of this store.
pub(super) fn lease(
    state: &mut State,
    job: &JobId,
    holder: &str,
    now: SystemTime,
) -> Result<JobLease> {
    find(state, job)?;
    if let Some(lease) = state.jobs.values().find_map(|job| job.live(now)) {
        return Err(JobLease::held_by(SCHEME, Some(&lease.holder)));
    }
    let token = state.number();
    let leased = find(state, job)?;
    leased.started = true;
    leased.lease = Some(Lease {
        holder: holder.to_owned(),
        token,
        until: now + JOB_LEASE,
    });
    Ok(JobLease {
        job: job.clone(),
        token,
    })
}

/// Keeps the lease.
pub(super) fn renew(state: &mut State, lease: &JobLease, now: SystemTime) -> Result<()> {
    let job = fenced(state, lease, now)?;
    if let Some(lease) = &mut job.lease {
        lease.until = now + JOB_LEASE;
    }
    Ok(())
}

/// Ends the job, or only the lease.
pub(super) fn release(
    state: &mut State,
    lease: &JobLease,
    done: bool,
    now: SystemTime,
) -> Result<()> {
    fenced(state, lease, now)?.lease = None;
    if done {
        state.jobs.remove(&lease.job);
    }
    Ok(())
}

/// Returns the job if the lease still is the one that counts.
pub(super) fn fenced<'a>(
    state: &'a mut State,
    lease: &JobLease,
    now: SystemTime,
) -> Result<&'a mut JobState> {
    let job = find(state, &lease.job)?;
    match job.live(now) {
        Some(live) if live.token == lease.token => Ok(job),
        Some(live) => Err(JobLease::held_by(SCHEME, Some(&live.holder))),
        None => Err(JobLease::lost(SCHEME, &lease.job)),
    }
}

fn find<'a>(state: &'a mut State, job: &JobId) -> Result<&'a mut JobState> {
    state.jobs.get_mut(job).ok_or_else(|| job.unknown(SCHEME))
}
