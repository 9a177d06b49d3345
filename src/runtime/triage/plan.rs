//! Freezing a selection: exactly these letters, whatever dies from now on.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use super::{
    Query, TriageError,
    contents::{Contents, Gathering},
    letters::{Letters, PAGE},
};
use crate::{
    event::{Group, Topic},
    failpoint,
    transport::{
        Capabilities, DeadLetter, DeadLetters, ErrorKind, Job, JobAction, JobId, Result as Answer,
        Transport, TransportError,
    },
};

/// A plan that nobody agreed to for so long was abandoned.
const ABANDONED: Duration = Duration::from_hours(1);

/// What to plan.
#[derive(Debug)]
pub struct PlanRequest {
    /// Replay or purge.
    pub action: JobAction,
    /// Which letters.
    pub query: Query,
    /// Leave out letters that were replayed so often.
    pub max_replays: Option<u32>,
    /// The request in the operator's words, by which an interrupted job of it is found again; the
    /// query's own text by default, in which relative times would differ.
    pub text: Option<String>,
}

impl PlanRequest {
    /// Asks for an action on letters.
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

/// A frozen selection: exactly these letters, whatever dies from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The job that carries it out.
    pub job: JobId,
    /// What it does; of a resumed job only what is left, in numbers.
    pub contents: Contents,
    /// Set when this is an earlier job, interrupted, that will be resumed.
    pub resumed: Option<Resumed>,
}

/// An interrupted job that is resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Letters planned.
    pub planned: u64,
    /// Letters that it has dealt with.
    pub resolved: u64,
    /// When it was planned.
    pub created: SystemTime,
}

/// Reads what a plan of this request would do, leaving nothing behind.
pub(super) async fn preview(
    transport: &dyn Transport,
    request: PlanRequest,
) -> Result<Contents, TriageError> {
    let mut jobs = transport.dead_letters().jobs().await?;
    jobs.retain(|job| job.started);
    Planner::new(transport, request, None)
        .await?
        .gather(&jobs)
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
    let gathered = match planner.await {
        Ok(planner) => planner.gather(&jobs).await,
        Err(error) => Err(error),
    };
    match gathered {
        Ok(contents) => Ok(Plan {
            job,
            contents,
            resumed: None,
        }),
        Err(error) => {
            // Best effort: what is left of it is forgotten with the abandoned plans.
            let _ = letters.forget(&job).await;
            Err(error)
        }
    }
}

/// Returns the jobs of a store after forgetting plans that nobody ever agreed to.
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
            "another dead-letter job is running: this {verb}, held by {holder}, with {left} dead letters to go"
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

/// Reads the letters of a request once, and writes them down under its job if there is one.
struct Planner<'a> {
    transport: &'a dyn Transport,
    capabilities: Capabilities,
    letters: Letters,
    gathering: Gathering,
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
            letters: Letters::open(transport, request.query).await?,
            gathering: Gathering::new(request.action, &capabilities),
            capabilities,
            max_replays: request.max_replays,
            job,
        })
    }

    async fn gather(mut self, others: &[Job]) -> Result<Contents, TriageError> {
        let mut chosen = Vec::new();
        loop {
            // While some are written down, the next are read.
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
            .gathering
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

    /// Leaves out what was replayed too often, and counts the rest.
    fn choose(&mut self, mut page: Vec<DeadLetter>) -> Vec<DeadLetter> {
        page.retain(|letter| {
            let is_over = |most| letter.record.generation >= most;
            let is_left_out = self.max_replays.is_some_and(is_over);
            if is_left_out {
                self.gathering.leave_out();
            } else {
                self.gathering.add(letter);
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
    fn only_old_plans_that_nobody_agreed_to_are_abandoned() {
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
