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
        EditReport, Guard, PlannedEdit, TriageError,
        edit::{JobEdit, PlannedEvents},
        listing::{BATCH, DeadLetterListing},
        notes::{Hiding, ManifestWriter, PurgeListWriter},
    },
    transport::{
        Capabilities, DeadLetter, DeadLetterId, Job, JobAction, JobId, MessageDigest,
        Result as Answer, Transport,
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
    lists: Lists,
    hash: PlanHash,
    edit: Option<Arc<PlannedEdit>>,
    edit_of_job: Option<JobEdit>,
    report: EditReport,
    observer: Option<PlanObserver>,
}

/// What is planned: its contents, its hash, and the report on its edit.
pub(super) struct Planned {
    pub(super) contents: Contents,
    pub(super) hash: String,
    pub(super) edited: Option<EditReport>,
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
            Some(job) if request.action.is_replay() && request.edit.is_none() => {
                let kind = (request.query.archived, request.editor.is_some());
                Some(ManifestWriter::start(transport, job, kind).await?)
            }
            _ => None,
        };
        let is_purge = request.action == JobAction::Purge && !request.query.archived;
        let purge = job.as_ref().filter(|_| is_purge).map(PurgeListWriter::new);
        let action = request.job_action();
        let mut hash = PlanHash::new(&action);
        let of_job = |(editor, job)| JobEdit::new(editor, transport, job, hiding.clone());
        let edit_of_job = request.editor.zip(job.as_ref()).map(of_job);
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
            edit_of_job,
            report: EditReport::default(),
            contents: ContentsBuilder::new(action, &capabilities, hiding),
            capabilities,
            keys: Keys::default(),
            max_replays: request.max_replays,
            observer: request.observer,
            lists: Lists {
                job,
                manifest,
                purge,
            },
        })
    }

    pub(super) async fn read_all(mut self, others: &[Job]) -> Result<Planned, TriageError> {
        let (mut page, mut chosen, mut is_end) = (Vec::new(), PlannedEvents::default(), false);
        while !is_end || !page.is_empty() || !chosen.letters.is_empty() {
            // The next ones are read, and those before them edited, while the previous ones are stored.
            let storing = self.lists.store(self.transport, &self.contents, &chosen);
            let editing = edit(self.edit_of_job.as_ref(), page);
            let reading = read(&mut self.letters, is_end);
            let (stored, edited, next) = tokio::join!(storing, editing, reading);
            stored?;
            chosen = edited?;
            let next = next?;
            is_end = next.is_empty();
            page = self.admit(next);
            self.report.add_all(std::mem::take(&mut chosen.report));
            chosen.letters = self.count(chosen.letters)?;
        }
        self.lists.finish(self.transport).await?;
        self.letters.check_names()?;
        let letters = self.transport.dead_letters();
        let mut contents = self
            .contents
            .finish(&self.capabilities, &self.letters, others);
        if contents.action.is_replay() {
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
        let edited = self.edit_of_job.is_some().then_some(self.report);
        if edited.is_some() {
            self.letters.check_archive(contents.dead_letters)?;
        }
        Ok(Planned {
            contents,
            hash: self.hash.finish(),
            edited: edited.map(EditReport::finish),
        })
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
        let page = self.admit(page);
        self.count(page)
    }

    /// Leaves out dead letters that were replayed too often or must not be replayed.
    fn admit(&mut self, mut page: Vec<DeadLetter>) -> Vec<DeadLetter> {
        page.retain(|letter| {
            let record = &letter.record;
            let most = self.max_replays;
            if self.contents.is_replay() && !self.guard.allows_replay_of(record) {
                self.contents.forbid();
            } else if most.is_some_and(|most| record.generation >= most) {
                self.contents.leave_out();
            } else {
                return true;
            }
            false
        });
        page
    }

    /// Counts the dead letters of the plan; those that its edit does not edit are not in it.
    fn count(&mut self, letters: Vec<DeadLetter>) -> Result<Vec<DeadLetter>, TriageError> {
        let mut counted = Vec::with_capacity(letters.len());
        for letter in letters {
            if !self.add_to_hash(&letter.id) {
                continue;
            }
            self.contents.add(&letter);
            let (topic, group) = self.contents.target(&letter);
            if self.contents.is_replay() {
                self.keys.add(&letter, &topic);
            }
            if let Some(observer) = &mut self.observer {
                let seen = (observer.0)(&letter.id, &topic, group.as_ref());
                seen.map_err(TriageError::Observer)?;
            }
            counted.push(letter);
        }
        Ok(counted)
    }
}

/// Reads the next dead letters, unless the end was reached.
async fn read(letters: &mut DeadLetterListing, is_end: bool) -> Answer<Vec<DeadLetter>> {
    if is_end {
        return Ok(Vec::new());
    }
    letters.batch(BATCH).await
}

async fn edit(edit: Option<&JobEdit>, letters: Vec<DeadLetter>) -> Answer<PlannedEvents> {
    match edit {
        Some(edit) if !letters.is_empty() => edit.plan(letters).await,
        _ => Ok(PlannedEvents {
            letters,
            ..PlannedEvents::default()
        }),
    }
}

/// Where the dead letters of a plan are listed: the job, and by what a replay is verified or a purge admitted.
#[derive(Debug)]
struct Lists {
    job: Option<JobId>,
    manifest: Option<ManifestWriter>,
    purge: Option<PurgeListWriter>,
}

impl Lists {
    async fn store(
        &mut self,
        transport: &dyn Transport,
        contents: &ContentsBuilder,
        chosen: &PlannedEvents,
    ) -> Answer<()> {
        let letters = &chosen.letters;
        enlist(transport, self.job.as_ref(), letters).await?;
        if let Some(list) = &mut self.purge {
            list.add(transport, letters).await?;
        }
        if let Some(manifest) = &mut self.manifest {
            for (number, letter) in letters.iter().enumerate() {
                let digest = chosen.digests.get(number).copied();
                let digest = digest.unwrap_or_else(|| MessageDigest::of(&letter.message));
                let target = contents.replay_target(letter);
                let group = contents.failed_group(letter);
                let listed = (letter, digest);
                manifest.add(transport, listed, target, group).await?;
            }
        }
        Ok(())
    }

    async fn finish(&mut self, transport: &dyn Transport) -> Answer<()> {
        if let Some(manifest) = self.manifest.take() {
            manifest.finish(transport).await?;
        }
        match &mut self.purge {
            Some(list) => list.finish(transport).await,
            None => Ok(()),
        }
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
