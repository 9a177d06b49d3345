//! Plans: a frozen selection of dead letters, or the interrupted job of the same request.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io,
    time::{Duration, SystemTime},
};

use super::{
    contents::{Contents, ContentsBuilder},
    plan_hash::PlanHash,
};
use crate::{
    event::{Group, Topic},
    failpoint,
    runtime::triage::{
        Guard, Query, TriageError,
        listing::{DeadLetterListing, PAGE},
        notes::{ManifestWriter, discard_manifest, keep_plan, kept_plans},
    },
    transport::{
        Capabilities, DeadLetter, DeadLetterId, ErrorKind, Job, JobAction, JobId, Result as Answer,
        Transport, TransportError,
    },
};

/// Age after which a plan that was never confirmed counts as abandoned.
const ABANDONED: Duration = Duration::from_hours(1);

/// Is called with each dead letter that is planned, and the topic and group that it is replayed to or comes from.
pub struct PlanObserver(pub Box<ObservePlanned>);

/// See [`PlanObserver`].
type ObservePlanned = dyn FnMut(&DeadLetterId, &Topic, Option<&Group>) -> io::Result<()> + Send;

impl std::fmt::Debug for PlanObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlanObserver")
    }
}

/// A request for a plan.
#[derive(Debug)]
pub struct PlanRequest {
    /// Replay or purge.
    pub action: JobAction,
    /// The dead letters.
    pub query: Query,
    /// Leave out dead letters that were replayed this many times or more.
    pub max_replays: Option<u32>,
    /// Whether the plan is kept until it is applied or cancelled; by default it is dropped after an hour without a run.
    pub keep: bool,
    /// Is called with each dead letter that is planned, in order.
    pub observer: Option<PlanObserver>,
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
            keep: false,
            observer: None,
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
    /// The selection, as the operator wrote it.
    pub selection: String,
    /// The contents; for a resumed job only the action and the remaining number.
    pub contents: Contents,
    /// The hash of the action and the ids, in order; none for a resumed job.
    pub hash: Option<String>,
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
    Ok(planner.read_all(&jobs).await?.0)
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
    let letters = transport.dead_letters();
    let text = request.text();
    let mut jobs = current_jobs(transport).await?;
    if let Some(job) = take_same(&mut jobs, &request.action, &text) {
        return resume(transport.scheme(), job);
    }
    jobs.retain(|job| job.started);
    let job = letters.plan(request.action.clone(), &text).await?;
    failpoint::reach("triage.planned");
    let keep = request.keep;
    let planner = Planner::new(transport, guard, request, Some(job.clone()));
    let contents = match planner.await {
        Ok(planner) => planner.read_all(&jobs).await,
        Err(error) => Err(error),
    };
    match contents {
        Ok((contents, hash)) => {
            if keep {
                keep_plan(transport, &job, &hash).await?;
            }
            Ok(Plan {
                job,
                selection: text,
                contents,
                hash: Some(hash),
                resumed: None,
            })
        }
        Err(error) => {
            // Best effort: otherwise it is dropped later with the abandoned plans.
            let _ = letters.forget(&job).await;
            let _ = discard_manifest(transport, &job).await;
            Err(error)
        }
    }
}

/// Returns the jobs of a store, after dropping abandoned plans.
async fn current_jobs(transport: &dyn Transport) -> Answer<Vec<Job>> {
    let letters = transport.dead_letters();
    let mut jobs = letters.jobs().await?;
    let kept = if jobs.iter().any(is_abandoned) {
        kept_plans(transport).await?
    } else {
        HashMap::new()
    };
    for job in jobs.extract_if(.., |job| is_abandoned(job) && !kept.contains_key(&job.id)) {
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

/// Returns the plan of a job that has not ended.
pub(in crate::runtime::triage) fn resume(
    scheme: &'static str,
    job: Job,
) -> Result<Plan, TriageError> {
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
        resumed: job.started.then_some(resumed),
    })
}

/// Reads the dead letters of a request once, and stores them in its job if there is one.
struct Planner<'a> {
    transport: &'a dyn Transport,
    guard: &'a Guard,
    capabilities: Capabilities,
    letters: DeadLetterListing,
    contents: ContentsBuilder,
    max_replays: Option<u32>,
    job: Option<JobId>,
    manifest: Option<ManifestWriter>,
    hash: PlanHash,
    observer: Option<PlanObserver>,
}

impl<'a> Planner<'a> {
    async fn new(
        transport: &'a dyn Transport,
        guard: &'a Guard,
        request: PlanRequest,
        job: Option<JobId>,
    ) -> Result<Self, TriageError> {
        let capabilities = transport.capabilities().await?;
        let manifest = match &job {
            Some(job) if matches!(request.action, JobAction::Replay { .. }) => {
                Some(ManifestWriter::start(transport, job, request.query.archived).await?)
            }
            _ => None,
        };
        Ok(Self {
            transport,
            guard,
            letters: DeadLetterListing::open(transport, request.query).await?,
            hash: PlanHash::new(&request.action),
            contents: ContentsBuilder::new(request.action, &capabilities),
            capabilities,
            max_replays: request.max_replays,
            observer: request.observer,
            job,
            manifest,
        })
    }

    async fn read_all(mut self, others: &[Job]) -> Result<(Contents, String), TriageError> {
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
            chosen = self.choose(page)?;
            self.list(&chosen).await?;
        }
        if let Some(manifest) = self.manifest.take() {
            manifest.finish(self.transport).await?;
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
            for target in &contents.targets {
                self.guard.check_target(&target.topic)?;
            }
        }
        Ok((contents, self.hash.finish()))
    }

    /// Adds dead letters to the manifest of a replay.
    async fn list(&mut self, chosen: &[DeadLetter]) -> Answer<()> {
        if let Some(manifest) = &mut self.manifest {
            for letter in chosen {
                let target = self.contents.replay_target(letter);
                manifest.add(self.transport, letter, target).await?;
            }
        }
        Ok(())
    }

    /// Leaves out dead letters that were replayed too often or must not be replayed, and counts the rest.
    fn choose(&mut self, page: Vec<DeadLetter>) -> Result<Vec<DeadLetter>, TriageError> {
        let mut chosen = Vec::with_capacity(page.len());
        for letter in page {
            let record = &letter.record;
            if self.contents.is_replay() && !self.guard.allows_replay_of(record) {
                self.contents.forbid();
            } else if self
                .max_replays
                .is_some_and(|most| record.generation >= most)
            {
                self.contents.leave_out();
            } else {
                self.contents.add(&letter);
                self.hash.add(&letter.id);
                if let Some(observer) = &mut self.observer {
                    let (topic, group) = self.contents.target(&letter);
                    let seen = (observer.0)(&letter.id, &topic, group.as_ref());
                    seen.map_err(TriageError::Observer)?;
                }
                chosen.push(letter);
            }
        }
        Ok(chosen)
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
