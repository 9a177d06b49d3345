//! Plans: a frozen selection of dead letters, or the interrupted job of the same request.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use super::{
    Query, TriageError,
    contents::{Contents, ContentsBuilder},
    listing::{DeadLetterListing, PAGE},
};
use crate::{
    event::{Group, Topic},
    failpoint,
    transport::{
        Capabilities, DeadLetter, DeadLetters, ErrorKind, Job, JobAction, JobId, Result as Answer,
        Transport, TransportError,
    },
};

/// Age after which a plan that was never confirmed counts as abandoned.
const ABANDONED: Duration = Duration::from_hours(1);

/// A request for a plan.
#[derive(Debug)]
pub struct PlanRequest {
    /// Replay or purge.
    pub action: JobAction,
    /// The dead letters.
    pub query: Query,
    /// Leave out dead letters that were replayed this many times or more.
    pub max_replays: Option<u32>,
    /// The request as the operator wrote it, by which an interrupted job is found again. By default the text of the query, in
    /// which relative times would differ from run to run.
    pub text: Option<String>,
}

impl PlanRequest {
    /// Creates a request for an action on dead letters.
    #[must_use]
    pub fn new(action: JobAction, query: impl Into<Query>) -> Self {
        Self {
            action,
            query: query.into(),
            max_replays: None,
            text: None,
        }
    }

    fn text(&self) -> String {
        let mut text = self.text.clone().unwrap_or_else(|| self.query.text());
        if let Some(most) = self.max_replays {
            let _ = write!(text, " --max-replays {most}");
        }
        text
    }
}

/// A frozen selection: exactly these dead letters, not later ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The job that runs it.
    pub job: JobId,
    /// The contents; for a resumed job only the action and the remaining number.
    pub contents: Contents,
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
pub(super) async fn preview(
    transport: &dyn Transport,
    request: PlanRequest,
) -> Result<Contents, TriageError> {
    let mut jobs = transport.dead_letters().jobs().await?;
    jobs.retain(|job| job.started);
    Planner::new(transport, request, None)
        .await?
        .read_all(&jobs)
        .await
}

/// Freezes the selection, or finds the interrupted job of the same request.
pub(super) async fn freeze(
    transport: &dyn Transport,
    request: PlanRequest,
) -> Result<Plan, TriageError> {
    let letters = transport.dead_letters();
    let text = request.text();
    let mut jobs = current_jobs(letters).await?;
    if let Some(job) = take_same(&mut jobs, &request.action, &text) {
        return resume(transport.scheme(), job);
    }
    jobs.retain(|job| job.started);
    let job = letters.plan(request.action.clone(), &text).await?;
    failpoint::reach("triage.planned");
    let planner = Planner::new(transport, request, Some(job.clone()));
    let contents = match planner.await {
        Ok(planner) => planner.read_all(&jobs).await,
        Err(error) => Err(error),
    };
    match contents {
        Ok(contents) => Ok(Plan {
            job,
            contents,
            resumed: None,
        }),
        Err(error) => {
            // Best effort: otherwise it is dropped later with the abandoned plans.
            let _ = letters.forget(&job).await;
            Err(error)
        }
    }
}

/// Returns the jobs of a store, after dropping abandoned plans.
async fn current_jobs(letters: &dyn DeadLetters) -> Answer<Vec<Job>> {
    let mut jobs = letters.jobs().await?;
    for job in jobs.extract_if(.., |job| is_abandoned(job)) {
        match letters.forget(&job.id).await {
            Err(error) if !matches!(error.kind(), ErrorKind::Held | ErrorKind::NotFound) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(jobs)
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

fn resume(scheme: &'static str, job: Job) -> Result<Plan, TriageError> {
    let left = job.planned.saturating_sub(job.resolved);
    if let Some(holder) = job.holder {
        let verb = job.action.verb();
        let text = format!(
            "this {verb} is already running, held by {holder}, with {left} dead letters to go"
        );
        return Err(TransportError::new(scheme, ErrorKind::Held, text).into());
    }
    Ok(Plan {
        job: job.id,
        contents: Contents::left(job.action, left),
        resumed: Some(Resumed {
            planned: job.planned,
            resolved: job.resolved,
            created: job.created,
        }),
    })
}

/// Reads the dead letters of a request once, and stores them in its job if there is one.
struct Planner<'a> {
    transport: &'a dyn Transport,
    capabilities: Capabilities,
    letters: DeadLetterListing,
    contents: ContentsBuilder,
    max_replays: Option<u32>,
    job: Option<JobId>,
}

impl<'a> Planner<'a> {
    async fn new(
        transport: &'a dyn Transport,
        request: PlanRequest,
        job: Option<JobId>,
    ) -> Result<Self, TriageError> {
        let capabilities = transport.capabilities().await?;
        Ok(Self {
            transport,
            letters: DeadLetterListing::open(transport, request.query).await?,
            contents: ContentsBuilder::new(request.action, &capabilities),
            capabilities,
            max_replays: request.max_replays,
            job,
        })
    }

    async fn read_all(mut self, others: &[Job]) -> Result<Contents, TriageError> {
        let mut chosen = Vec::new();
        loop {
            // The next page is read while the previous one is stored.
            let enlisting = enlist(self.transport, self.job.as_ref(), &chosen);
            let (enlisted, page) = tokio::join!(enlisting, self.letters.next(PAGE));
            enlisted?;
            let page = page?;
            if page.is_empty() {
                break;
            }
            chosen = self.choose(page);
        }
        self.letters.check_names()?;
        let letters = self.transport.dead_letters();
        let mut contents = self
            .contents
            .finish(&self.capabilities, &self.letters, others);
        if matches!(contents.action, JobAction::Replay { .. }) {
            let targets = contents.targets.iter();
            let targets: Vec<(Group, Topic)> = targets
                .filter_map(|target| Some((target.group.clone()?, target.topic.clone())))
                .collect();
            contents
                .warnings
                .extend(letters.replay_warnings(&targets).await);
        }
        Ok(contents)
    }

    /// Leaves out dead letters that were replayed too often, and counts the rest.
    fn choose(&mut self, mut page: Vec<DeadLetter>) -> Vec<DeadLetter> {
        page.retain(|letter| {
            let is_over = |most| letter.record.generation >= most;
            let is_left_out = self.max_replays.is_some_and(is_over);
            if is_left_out {
                self.contents.leave_out();
            } else {
                self.contents.add(letter);
            }
            !is_left_out
        });
        page
    }
}

async fn enlist(
    transport: &dyn Transport,
    job: Option<&JobId>,
    letters: &[DeadLetter],
) -> Answer<()> {
    if let Some(job) = job
        && !letters.is_empty()
    {
        transport.dead_letters().enlist(job, letters).await?;
        failpoint::reach("triage.enlisted");
    }
    Ok(())
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
