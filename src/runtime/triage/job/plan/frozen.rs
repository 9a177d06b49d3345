//! Plans: a frozen selection of dead letters, or the interrupted job of the same request.

use std::time::{Duration, SystemTime};

use super::{contents::Contents, planner::Planner, request::PlanRequest};
use crate::{
    failpoint,
    runtime::triage::{
        EditReport, Guard, TriageError,
        listing::PAGE,
        notes::{
            check_unedited, discard_manifest, discard_purge_list, draft_plan, kept_plans,
            release_plan,
        },
    },
    transport::{
        DeadLetter, ErrorKind, Job, JobAction, JobId, Result as Answer, Transport, TransportError,
    },
};

/// Age after which a plan that was never confirmed counts as abandoned.
const ABANDONED: Duration = Duration::from_hours(1);

/// A frozen selection: exactly these dead letters, not later ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The job that runs it.
    pub job: JobId,
    /// The selection, as the operator wrote it.
    pub selection: String,
    /// The contents; for a resumed job only the action and the remaining number.
    pub contents: Contents,
    /// The hash of the action and the ids, in order; none for a resumed job.
    pub hash: Option<String>,
    /// What its edit changes, and which dead letters cannot be edited; none without an edit, or for a resumed job.
    pub edited: Option<EditReport>,
    /// Set if this is an interrupted job that will be resumed.
    pub resumed: Option<Resumed>,
}

/// An interrupted job that is resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Dead letters in the plan.
    pub planned: u64,
    /// Dead letters resolved so far.
    pub resolved: u64,
    /// Time of planning.
    pub created: SystemTime,
}

/// Returns the contents of a plan for this request, without storing anything.
pub(in crate::runtime::triage) async fn preview(
    transport: &dyn Transport,
    guard: &Guard,
    request: PlanRequest,
) -> Result<Contents, TriageError> {
    let mut jobs = transport.dead_letters().jobs().await?;
    jobs.retain(|job| job.started);
    let planner = Planner::new(transport, guard, request, None).await?;
    Ok(Box::pin(planner.read_all(&jobs)).await?.contents)
}

/// Returns the first dead letters that a plan for this request would contain, up to a page more than wanted.
pub(in crate::runtime::triage) async fn first(
    transport: &dyn Transport,
    guard: &Guard,
    request: PlanRequest,
    most: usize,
) -> Result<Vec<DeadLetter>, TriageError> {
    let mut planner = Planner::new(transport, guard, request, None).await?;
    let mut first = Vec::new();
    while first.len() < most {
        let page = planner.letters.next(most.min(PAGE)).await?;
        if page.is_empty() {
            planner.letters.check_names()?;
            break;
        }
        first.extend(planner.choose(page)?);
    }
    for letter in &mut first {
        letter.message.topic = planner.contents.target(letter).0;
        guard.check_target(&letter.message.topic)?;
    }
    Ok(first)
}

/// Freezes the selection, or finds the interrupted job of the same request.
pub(in crate::runtime::triage) async fn freeze(
    transport: &dyn Transport,
    guard: &Guard,
    request: PlanRequest,
) -> Result<Plan, TriageError> {
    guard.check_writable()?;
    let (action, text) = (request.job_action(), request.text());
    let mut jobs = current_jobs(transport).await?;
    if let Some(job) = take_same(&mut jobs, &action, &text) {
        return resume(transport.scheme(), job);
    }
    jobs.retain(|job| job.started);
    let letters = transport.dead_letters();
    let job = letters.plan(action, &text).await?;
    failpoint::reach("triage.planned");
    let (keep, is_edit) = (request.keep, request.edit.is_some());
    let planner = Planner::new(transport, guard, request, Some(job.clone()));
    let contents = match planner.await {
        Ok(planner) => Box::pin(planner.read_all(&jobs)).await,
        Err(error) => Err(error),
    };
    match contents {
        Ok(frozen) => {
            if keep {
                draft_plan(transport, &job, &frozen.hash, is_edit).await?;
            }
            Ok(Plan {
                job,
                selection: text,
                contents: frozen.contents,
                hash: Some(frozen.hash),
                edited: frozen.edited,
                resumed: None,
            })
        }
        Err(error) => {
            // Best effort: otherwise it is dropped later with the abandoned plans.
            let _ = discard(transport, &job).await;
            Err(error)
        }
    }
}

/// Returns the jobs of a store, after dropping abandoned plans.
async fn current_jobs(transport: &dyn Transport) -> Answer<Vec<Job>> {
    let (current, abandoned) = all_jobs(transport).await?;
    for job in abandoned {
        match discard(transport, &job.id).await {
            Err(error) if !matches!(error.kind(), ErrorKind::Held | ErrorKind::NotFound) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(current)
}

/// Returns the jobs of a store, and the plans that were abandoned: not confirmed for long, nor kept.
pub(in crate::runtime::triage) async fn all_jobs(
    transport: &dyn Transport,
) -> Answer<(Vec<Job>, Vec<Job>)> {
    let mut jobs = transport.dead_letters().jobs().await?;
    if !jobs.iter().any(is_abandoned) {
        return Ok((jobs, Vec::new()));
    }
    let kept = kept_plans(transport).await?;
    let is_kept = |job: &Job| kept.others || kept.hashes.contains_key(&job.id);
    let abandoned = jobs.extract_if(.., |job| is_abandoned(job) && !is_kept(job));
    let abandoned = abandoned.collect();
    Ok((jobs, abandoned))
}

/// Removes a plan that is not run, with all that was noted for it.
pub(in crate::runtime::triage) async fn discard(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    transport.dead_letters().forget(job).await?;
    release_plan(transport, job).await?;
    discard_purge_list(transport, job).await?;
    discard_manifest(transport, job).await
}

fn is_abandoned(job: &Job) -> bool {
    let age = job.created.elapsed().unwrap_or_default();
    !job.started && job.holder.is_none() && age > ABANDONED
}

fn take_same(jobs: &mut Vec<Job>, action: &JobAction, text: &str) -> Option<Job> {
    let same = |job: &Job| job.started && job.action == *action && job.selection == text;
    let at = jobs.iter().position(same)?;
    Some(jobs.swap_remove(at))
}

/// Returns the plan of a job that has not ended, to be run.
pub(in crate::runtime::triage) async fn find(
    transport: &dyn Transport,
    id: &JobId,
) -> Result<Plan, TriageError> {
    check_unedited(transport, id).await?;
    let scheme = transport.scheme();
    let mut jobs = all_jobs(transport).await?.0.into_iter();
    let job = jobs.find(|job| job.id == *id);
    resume(scheme, job.ok_or_else(|| id.unknown(scheme))?)
}

/// Returns the plan of a job that has not ended.
fn resume(scheme: &'static str, job: Job) -> Result<Plan, TriageError> {
    let left = job.planned.saturating_sub(job.resolved);
    if let Some(holder) = job.holder {
        let verb = job.action.verb();
        let text = format!(
            "this {verb} is already running, held by {holder}, with {left} dead letters to go"
        );
        return Err(TransportError::new(scheme, ErrorKind::Held, text).into());
    }
    let resumed = Resumed {
        planned: job.planned,
        resolved: job.resolved,
        created: job.created,
    };
    Ok(Plan {
        job: job.id,
        selection: job.selection,
        contents: Contents::left(job.action, left),
        hash: None,
        edited: None,
        resumed: job.started.then_some(resumed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_plans_that_were_never_confirmed_are_abandoned() {
        let job = |age: u64, started, holder: Option<&str>| Job {
            id: JobId("job".to_owned()),
            action: JobAction::Purge,
            selection: "--all".to_owned(),
            planned: 1,
            resolved: 0,
            created: SystemTime::now() - Duration::from_secs(age),
            holder: holder.map(str::to_owned),
            started,
        };
        assert!(is_abandoned(&job(4000, false, None)));
        assert!(!is_abandoned(&job(60, false, None)), "may be at its prompt");
        assert!(!is_abandoned(&job(4000, true, None)));
        assert!(!is_abandoned(&job(4000, false, Some("ann"))));
    }
}
