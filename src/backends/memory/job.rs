//! Replay and purge jobs: planned, run under a lease with a fencing token, ended.

use std::{collections::HashSet, sync::Arc, time::SystemTime, vec};

use async_trait::async_trait;

use super::{
    error::SCHEME,
    store::{Entry, GroupState, JobState, Lease, State, Store},
};
use crate::{
    event::{Group, Topic},
    transport::{
        DeadLetter, DeadLetterId, JOB_LEASE, Job, JobAction, JobId, JobLease, MessageDigest, Note,
        ReplayEdit, ReplayScan, ReplayTarget, ReplayTrace, Replayed, Resolution, Result, Settled,
        TraceKind,
    },
};

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

/// Plans a job without dead letters.
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

/// Adds dead letters to a job.
pub(super) fn enlist(state: &mut State, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
    let ids = letters.iter().map(|letter| letter.id.clone());
    find(state, job)?.letters.extend(ids);
    Ok(())
}

/// Forgets a job without a running worker.
pub(super) fn forget(state: &mut State, job: &JobId, now: SystemTime) -> Result<()> {
    if let Some(lease) = find(state, job)?.live(now) {
        return Err(JobLease::held_by(SCHEME, Some(&lease.holder)));
    }
    state.jobs.remove(job);
    Ok(())
}

/// Takes the lease, unless any job of this store is leased.
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

/// Renews the lease.
pub(super) fn renew(state: &mut State, lease: &JobLease, now: SystemTime) -> Result<()> {
    let job = fenced(state, lease, now)?;
    if let Some(lease) = &mut job.lease {
        lease.until = now + JOB_LEASE;
    }
    Ok(())
}

/// Ends the job if it is done; else, only the lease.
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

/// Returns the job if this lease is the current one.
fn fenced<'a>(state: &'a mut State, lease: &JobLease, now: SystemTime) -> Result<&'a mut JobState> {
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

/// Resolves the next dead letters of a job: each leaves the store in the same step in which its message is stored
/// again.
pub(super) fn advance(
    state: &mut State,
    (lease, edit): (&JobLease, Option<&dyn ReplayEdit>),
    max: usize,
    now: SystemTime,
) -> Result<Vec<(DeadLetterId, Resolution)>> {
    let job = fenced(state, lease, now)?;
    job.action.check_edit(SCHEME, edit.is_some())?;
    let action = job.action.clone();
    let left = job.letters.iter().skip(job.resolved);
    let letters: Vec<_> = left.take(max).cloned().collect();
    job.resolved += letters.len();
    let (mut outcomes, mut done) = (Vec::with_capacity(letters.len()), Vec::new());
    for id in letters {
        let resolution = match edit {
            Some(edit) => replay_edited(state, (&action, edit), &id, now),
            None => resolve(state, &action, &id, now),
        };
        if resolution == Resolution::Done {
            done.push(id.clone());
        }
        outcomes.push((id, resolution));
    }
    if let Some(edit) = edit.filter(|_| !done.is_empty()) {
        let Note { name, value } = edit.archive_note(&done);
        state.notes.insert(name, value);
    }
    Ok(outcomes)
}

/// Stores what an edit makes of a dead letter, which stays.
fn replay_edited(
    state: &mut State,
    (action, edit): (&JobAction, &dyn ReplayEdit),
    id: &DeadLetterId,
    now: SystemTime,
) -> Resolution {
    let Some(letter) = state.letter(id) else {
        return Resolution::Gone;
    };
    match edit.edit(&letter) {
        Err(reason) => return Resolution::Failed { reason },
        Ok(message) => {
            let letter = DeadLetter {
                message,
                ..Arc::unwrap_or_clone(letter)
            };
            replay(state, letter, action.to(), now);
        }
    }
    Resolution::Done
}

fn resolve(
    state: &mut State,
    action: &JobAction,
    id: &DeadLetterId,
    now: SystemTime,
) -> Resolution {
    let Some(letter) = state.take_letter(id) else {
        return Resolution::Gone;
    };
    if action.is_replay() {
        replay(state, Arc::unwrap_or_clone(letter), action.to(), now);
    }
    Resolution::Done
}

fn replay(state: &mut State, letter: DeadLetter, to: Option<&Topic>, now: SystemTime) {
    let lineage = Box::new(letter.lineage());
    let DeadLetter {
        mut message,
        record,
        is_foreign,
        ..
    } = letter;
    match to {
        None if is_foreign => {
            state.append(message, now, Some(lineage));
        }
        Some(topic) => {
            message.topic = topic.clone();
            state.append(message, now, Some(lineage));
        }
        None => state.append_for(&record.group, message, now, lineage),
    }
}

/// Reads the replays that are in a topic, or that a group has not finished.
pub(super) fn replays(store: &Store) -> Box<dyn ReplayScan> {
    let traces: Vec<_> = store.look(|state| {
        let of_group = |(name, group): (&Group, &GroupState)| {
            let queued = group.unfinished();
            let queued = queued.filter(|(number, _)| !state.log.contains_key(number));
            let traces = queued.filter_map(|(_, entry)| trace(entry, Some(name)));
            traces.collect::<Vec<_>>()
        };
        let stored = state.log.values().filter_map(|entry| trace(entry, None));
        let queued = state.groups.iter().flat_map(of_group);
        stored.chain(queued).collect()
    });
    Box::new(Replays(traces.into_iter()))
}

/// Reports which replays a group has settled: it no longer has what it has finished.
pub(super) fn settled(store: &Store, group: &Group, replays: &[Replayed]) -> Vec<Settled> {
    store.look(|state| {
        let Some(group) = state.groups.get(group) else {
            let reason = format!("there is no group `{group}`");
            return vec![Settled::Unknown(reason); replays.len()];
        };
        let unfinished = group.unfinished();
        let unfinished = unfinished.filter_map(|(_, entry)| entry.lineage.as_ref());
        let open: HashSet<_> = unfinished.map(|lineage| &lineage.replay_of).collect();
        let settled = |replay: &Replayed| {
            let is_its_own = replay.target.group.is_some();
            if open.contains(&replay.replay_of) {
                Settled::No
            } else if is_its_own || group.reads(&replay.target.topic) {
                Settled::Yes
            } else {
                Settled::Unknown("the group does not read this topic".to_owned())
            }
        };
        replays.iter().map(settled).collect()
    })
}

fn trace(entry: &Entry, group: Option<&Group>) -> Option<ReplayTrace> {
    Some(ReplayTrace {
        target: ReplayTarget {
            topic: entry.stored.message.topic.clone(),
            group: group.cloned(),
        },
        replay_of: entry.lineage.as_ref()?.replay_of.clone(),
        position: entry.stored.position.clone(),
        kind: TraceKind::Message(MessageDigest::of(&entry.stored.message)),
    })
}

/// The replays that the store had when the scan began.
struct Replays(vec::IntoIter<ReplayTrace>);

#[async_trait]
impl ReplayScan for Replays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        Ok(self.0.by_ref().take(max.max(1)).collect())
    }

    async fn may_be_gone(&mut self, target: &ReplayTarget) -> Result<Option<String>> {
        let group = target.group.as_ref();
        Ok(group.map(|group| format!("a message is forgotten once `{group}` has settled it")))
    }
}
