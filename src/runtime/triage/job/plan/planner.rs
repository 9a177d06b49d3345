//! Reading the dead letters of a request once: counted, hashed, listed for verification, and stored in its job.

use std::sync::Arc;

use super::{
    contents::{Contents, ContentsBuilder},
    hash::PlanHash,
    newer::Keys,
    request::{PlanObserver, PlanRequest},
};
use crate::{
    event::{Group, Topic},
    failpoint,
    runtime::triage::{
        Guard, PlannedEdit, TriageError,
        listing::{BATCH, DeadLetterListing},
        notes::{Hiding, ManifestWriter, PurgeListWriter},
    },
    transport::{
        Capabilities, DeadLetter, DeadLetterId, Job, JobAction, JobId, Result as Answer, Transport,
    },
};

/// Reads the dead letters of a request once, and stores them in its job if there is one.
pub(super) struct Planner<'a> {
    transport: &'a dyn Transport,
    guard: &'a Guard,
    capabilities: Capabilities,
    pub(super) letters: DeadLetterListing,
    pub(super) contents: ContentsBuilder,
    keys: Keys,
    max_replays: Option<u32>,
    job: Option<JobId>,
    manifest: Option<ManifestWriter>,
    purge_list: Option<PurgeListWriter>,
    hash: PlanHash,
    edit: Option<Arc<PlannedEdit>>,
    observer: Option<PlanObserver>,
}

impl<'a> Planner<'a> {
    pub(super) async fn new(
        transport: &'a dyn Transport,
        guard: &'a Guard,
        request: PlanRequest,
        job: Option<JobId>,
    ) -> Result<Self, TriageError> {
        let capabilities = transport.capabilities().await?;
        let hiding = Hiding::of(guard)?;
        let manifest = match &job {
            // What is edited first is listed when it is replayed.
            Some(job)
                if matches!(request.action, JobAction::Replay { .. }) && request.edit.is_none() =>
            {
                Some(ManifestWriter::start(transport, job, request.query.archived).await?)
            }
            _ => None,
        };
        let is_purge = request.action == JobAction::Purge && !request.query.archived;
        let purge_list = job.as_ref().filter(|_| is_purge).map(PurgeListWriter::new);
        let mut hash = PlanHash::new(&request.action);
        if let Some(edit) = &request.edit {
            hash.edit(&edit.program);
        }
        let letters = DeadLetterListing::open(transport, request.query).await?;
        Ok(Self {
            transport,
            guard,
            letters: letters.hiding(hiding.clone()),
            hash,
            edit: request.edit,
            contents: ContentsBuilder::new(request.action, &capabilities, hiding),
            capabilities,
            keys: Keys::default(),
            max_replays: request.max_replays,
            observer: request.observer,
            job,
            manifest,
            purge_list,
        })
    }

    pub(super) async fn read_all(
        mut self,
        others: &[Job],
    ) -> Result<(Contents, String), TriageError> {
        let mut chosen = Vec::new();
        loop {
            // The next ones are read while the previous ones are stored.
            let enlisting = enlist(self.transport, self.job.as_ref(), &chosen);
            let (enlisted, page) = tokio::join!(enlisting, self.letters.batch(BATCH));
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
        if let Some(list) = &mut self.purge_list {
            list.finish(self.transport).await?;
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
            contents
                .warnings
                .extend(self.keys.warning(self.transport).await);
            for target in &contents.targets {
                self.guard.check_target(&target.topic)?;
            }
        }
        Ok((contents, self.hash.finish()))
    }

    /// Adds dead letters to the manifest of a replay, or to the list of a purge.
    async fn list(&mut self, chosen: &[DeadLetter]) -> Answer<()> {
        if let Some(list) = &mut self.purge_list {
            list.add(self.transport, chosen).await?;
        }
        if let Some(manifest) = &mut self.manifest {
            for letter in chosen {
                let target = self.contents.replay_target(letter);
                let group = self.contents.failed_group(letter);
                manifest.add(self.transport, letter, target, group).await?;
            }
        }
        Ok(())
    }

    /// Adds a dead letter to the hash; `false` if the edit of the plan does not edit it.
    fn add_to_hash(&mut self, id: &DeadLetterId) -> bool {
        match &self.edit {
            None => self.hash.add(id),
            Some(edit) => match edit.becomes.get(id) {
                Some(becomes) => self.hash.add_edited(id, becomes),
                None => return false,
            },
        }
        true
    }

    /// Leaves out dead letters that were replayed too often or must not be replayed, and counts the rest.
    pub(super) fn choose(&mut self, page: Vec<DeadLetter>) -> Result<Vec<DeadLetter>, TriageError> {
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
            } else if self.add_to_hash(&letter.id) {
                self.contents.add(&letter);
                let (topic, group) = self.contents.target(&letter);
                if self.contents.is_replay() {
                    self.keys.add(&letter, &topic);
                }
                if let Some(observer) = &mut self.observer {
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
