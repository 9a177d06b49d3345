//! Triage of dead letters: listing them, freezing a selection as a plan, and running it as a job under a lease.
//!
//! Listing has no side effects. Dead letters are changed only by a job. Its plan is stored in the broker, one process runs it
//! at a time, and running the same request again, on any host, resumes it where it was interrupted.
//!
//! ```
//! use protoflow::{
//!     backends::{OpenOptions, Registry},
//!     runtime::{JobOptions, PlanRequest, Stop, Triage},
//!     transport::{JobAction, Selection},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let transport = Registry::builtin().open(&"memory:".parse()?, OpenOptions::default()).await?;
//! let triage = Triage::new(transport);
//! let timeouts = Selection { reason: Some("timeout".to_owned()), ..Selection::default() };
//! let plan = triage.plan(PlanRequest::new(JobAction::Replay { to: None }, timeouts)).await?;
//! let options = JobOptions { holder: "nightly job".to_owned(), rate: Some(50.0), ..JobOptions::default() };
//! let report = triage.run(&plan, &options, &Stop::default(), &mut |_| {}).await?;
//! assert!(report.complete);
//! # Ok(())
//! # }
//! ```

mod archive;
mod check;
mod counts;
mod edit;
mod error;
mod exchange;
mod job;
mod listing;
mod names;
mod notes;
mod query;
mod record;
mod repair;

use std::{collections::HashMap, sync::Arc};

#[cfg(feature = "filter")]
pub use self::notes::Masks;
pub use self::{
    archive::Archiving,
    check::{CheckLimits, CheckReport},
    counts::Counts,
    edit::{
        Becomes, EditEvent, EditRefusal, EditReport, EditShape, PlannedEdit, ReplayEditor,
        edited_copy,
    },
    error::TriageError,
    exchange::{
        ExportError, Exported, read_exported, write_export_end, write_exported, write_masked,
    },
    job::{
        Contents, Fate, Followed, Follower, Found, JobOptions, JobReport, LineageStep, Lineages,
        Plan, PlanHash, PlanObserver, PlanRequest, Progress, Resumed, Target, Verification,
        VerifiedLetter,
    },
    listing::{DeadLetterListing, FilterFailures},
    notes::{Fix, Guard, LogEntry, Policy, PolicyError},
    query::Query,
    record::{write_dead_letter, write_listed, write_shown},
    repair::{EditRequest, EditedReplay},
};
use self::{
    job::{plan, run, verify},
    notes::{Fixes, Hiding},
};
use super::Stop;
use crate::transport::{DeadLetter, Job, JobId, NoteName, Result as Answer, Transport};

/// Triage of the dead letters of a transport.
#[derive(Debug, Clone)]
pub struct Triage {
    transport: Arc<dyn Transport>,
    local: Guard,
}

impl Triage {
    /// Creates triage for a transport.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            local: Guard::default(),
        }
    }

    /// Returns the transport.
    #[must_use]
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Lists the dead letters of a query, oldest first, without side effects.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn list(&self, query: impl Into<Query>) -> Answer<DeadLetterListing> {
        let listing = DeadLetterListing::open(&*self.transport, query.into()).await?;
        let listing = listing.hiding(Hiding::or_everything(self.guard().await)?);
        Ok(listing.marking(Fixes::read(&*self.transport).await?))
    }

    /// Counts the dead letters of a query by topic, group, kind and fingerprint. What the policies mask is not in the samples.
    ///
    /// # Errors
    /// If the transport fails, the policy cannot be read, or an id matches no dead letter or several.
    pub async fn stats(&self, query: impl Into<Query>) -> Result<Counts, TriageError> {
        let hiding = Hiding::of(&self.guard().await?)?;
        counts::count(&*self.transport, hiding, query.into()).await
    }

    /// Returns the contents of a plan for this request, without storing anything.
    ///
    /// # Errors
    /// See [`plan`](Self::plan).
    pub async fn preview(&self, request: PlanRequest) -> Result<Contents, TriageError> {
        plan::preview(&*self.transport, &self.guard().await?, request).await
    }

    /// Returns copies of the first dead letters, at most `most`, of a plan for this request, with the topics that they would go to.
    ///
    /// # Errors
    /// See [`plan`](Self::plan).
    pub async fn first(
        &self,
        request: PlanRequest,
        most: usize,
    ) -> Result<Vec<DeadLetter>, TriageError> {
        let guard = self.guard().await?;
        guard.check_writable()?;
        let mut first = plan::first(&*self.transport, &guard, request, most).await?;
        first.truncate(most);
        Ok(first)
    }

    /// Freezes a selection, or finds the interrupted job of the same request. The dead letters stay unchanged.
    ///
    /// # Errors
    /// If the transport fails, an id matches no dead letter or several, or the same request is already running
    /// ([`crate::transport::ErrorKind::Held`]).
    pub async fn plan(&self, request: PlanRequest) -> Result<Plan, TriageError> {
        plan::freeze(&*self.transport, &self.guard().await?, request).await
    }

    /// Drops a plan that was not confirmed, unless it resumes a job.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn drop_plan(&self, plan: &Plan) -> Answer<()> {
        if plan.resumed.is_some() {
            return Ok(());
        }
        plan::discard(&*self.transport, &plan.job).await
    }

    /// Keeps a plan whose request said so until it is run or cancelled, once it was handed over.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn keep(&self, plan: &Plan) -> Answer<()> {
        notes::confirm_plan(&*self.transport, &plan.job).await
    }

    /// Cancels a job that no process runs, also one that cannot be read. What it has not resolved stays a dead letter.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume), or if the policy forbids changes or cannot be read.
    pub async fn cancel(&self, job: &JobId) -> Result<(), TriageError> {
        self.guard().await?.check_writable()?;
        let transport = &*self.transport;
        transport.dead_letters().forget(job).await?;
        notes::release_plan(transport, job).await?;
        Ok(notes::discard_purge_list(transport, job).await?)
    }

    /// Returns the plan of a job that has not ended, to be run.
    ///
    /// # Errors
    /// [`crate::transport::ErrorKind::NotFound`] if there is no such job, [`crate::transport::ErrorKind::Held`] if a process runs
    /// it, or if the transport fails.
    pub async fn resume(&self, id: &JobId) -> Result<Plan, TriageError> {
        plan::find(&*self.transport, id).await
    }

    /// Returns the hashes of the plans that wait to be applied.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn kept_plans(&self) -> Answer<HashMap<JobId, String>> {
        Ok(notes::kept_plans(&*self.transport).await?.hashes)
    }

    /// Returns the hash of a plan that is to be kept, also if [`keep`](Self::keep) was not reached: its reader may run it.
    ///
    /// # Errors
    /// If the transport fails, or the note of the plan cannot be read.
    pub async fn plan_hash(&self, job: &JobId) -> Answer<Option<String>> {
        notes::plan_hash(&*self.transport, job).await
    }

    /// Runs a plan under a lease with a heartbeat, and reports the outcome of each dead letter to `progress` after each batch.
    /// A stop ends it between two batches; it can be resumed.
    ///
    /// # Cancellation
    /// If the future is dropped, the job stays resumable, but only once its lease has expired.
    ///
    /// # Errors
    /// [`crate::transport::ErrorKind::Held`] if another dead-letter job is running, and [`TriageError::Stopped`] if the transport
    /// failed before the end.
    pub async fn run(
        &self,
        plan: &Plan,
        options: &JobOptions,
        stop: &Stop,
        progress: &mut Progress<'_>,
    ) -> Result<JobReport, TriageError> {
        let guard = self.guard().await?;
        guard.check_action(&plan.contents.action)?;
        let options = JobOptions {
            rate: guard.rate(options.rate),
            ..options.clone()
        };
        run::run(&*self.transport, &guard, plan, &options, stop, progress).await
    }

    /// Returns the jobs that have not ended, without plans that were neither confirmed for an hour nor kept.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn jobs(&self) -> Answer<Vec<Job>> {
        Ok(plan::all_jobs(&*self.transport).await?.0)
    }

    /// Returns the replays that can be verified, oldest first: the last ones.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn verifiable(&self) -> Answer<Vec<JobId>> {
        let headers = notes::manifest_headers(&*self.transport).await?.into_iter();
        Ok(headers.map(|header| header.job).collect())
    }

    /// Reads the target of a replay again: is each dead letter of its plan there exactly once?
    ///
    /// # Errors
    /// [`crate::transport::ErrorKind::NotFound`] if the store does not keep the list of its dead letters, or if the transport
    /// fails.
    pub async fn verify(&self, job: &JobId) -> Answer<Verification> {
        verify::verify(&*self.transport, job).await
    }

    /// Archives the dead letters of a query: they stay stored, and only a query of the archive shows them.
    ///
    /// # Errors
    /// If the transport fails, an id matches no dead letter or several, or the policy forbids changes.
    pub async fn archive(&self, query: impl Into<Query>) -> Result<Archiving, TriageError> {
        archive::change(&*self.transport, &self.guard().await?, query.into(), true).await
    }

    /// Takes archived dead letters out of the archive again.
    ///
    /// # Errors
    /// If the transport fails, an id matches no archived dead letter or several, or the policy forbids changes.
    pub async fn restore(&self, query: impl Into<Query>) -> Result<Archiving, TriageError> {
        archive::change(&*self.transport, &self.guard().await?, query.into(), false).await
    }

    /// Notes that a fingerprint is fixed: later dead letters of it are regressions.
    ///
    /// # Errors
    /// If the transport fails, or the policy forbids changes.
    pub async fn fix(&self, fix: &Fix) -> Result<(), TriageError> {
        self.guard().await?.check_writable()?;
        Ok(notes::store_fix(&*self.transport, fix).await?)
    }

    /// Returns the fingerprints that are fixed.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn fixes(&self) -> Answer<Vec<Fix>> {
        Ok(Fixes::read(&*self.transport).await?.into_list())
    }

    /// Checks the dead letters of a query against limits.
    ///
    /// # Errors
    /// If the transport fails, or an id matches no dead letter or several.
    pub async fn check(
        &self,
        limits: &CheckLimits,
        query: impl Into<Query>,
    ) -> Result<CheckReport, TriageError> {
        check::check(&*self.transport, limits, query.into()).await
    }

    /// Undoes what interrupted edits left, with which [`edit`](Self::edit) begins. `is_dead` tells which processes have exited.
    ///
    /// # Errors
    /// [`crate::transport::ErrorKind::Held`] if another process is editing, or if the transport fails.
    pub async fn recover_edits(&self, is_dead: fn(&str) -> bool) -> Answer<()> {
        repair::recover(&*self.transport, is_dead).await
    }

    /// Says what an edit would change.
    ///
    /// # Errors
    /// If the transport fails, or an id matches no dead letter or several.
    pub async fn preview_edit(
        &self,
        request: EditRequest,
        event: &mut EditEvent<'_>,
    ) -> Result<EditReport, TriageError> {
        repair::run(&*self.transport, &self.guard().await?, request, true, event).await
    }

    /// Stores edited dead letters beside the originals, which are archived. What an edit does not change, or makes invalid, stays.
    ///
    /// # Errors
    /// If the transport fails, an id matches no dead letter or several, the policy forbids changes, or another process is
    /// editing ([`crate::transport::ErrorKind::Held`]).
    pub async fn edit(
        &self,
        request: EditRequest,
        event: &mut EditEvent<'_>,
    ) -> Result<EditReport, TriageError> {
        let guard = self.guard().await?;
        guard.check_writable()?;
        repair::run(&*self.transport, &guard, request, false, event).await
    }

    /// Returns the policies that hold: that of the store, and those of this process.
    ///
    /// # Errors
    /// If the transport fails, or the store's policy cannot be read: then nothing may be changed.
    pub async fn guard(&self) -> Result<Guard, PolicyError> {
        let mut guard = self.local.clone();
        guard.add(self.policy().await?);
        Ok(guard)
    }

    /// Returns the policy of the store.
    ///
    /// # Errors
    /// If the transport fails, or the policy cannot be read.
    pub async fn policy(&self) -> Result<Policy, PolicyError> {
        notes::load_policy(&*self.transport).await
    }

    /// Stores the policy of the store.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn set_policy(&self, policy: &Policy) -> Answer<()> {
        notes::store_policy(&*self.transport, policy).await
    }

    /// Adds a policy of this process: it can only forbid more than that of the store.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.local.add(policy);
        self
    }

    /// Appends an entry to the log of the store.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn note(&self, entry: &LogEntry) -> Answer<()> {
        notes::append_log(&*self.transport, entry).await.map(drop)
    }

    /// Appends an entry about something that begins; it stays as it is unless [`note_end`](Self::note_end) replaces it.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn note_begin(&self, entry: &LogEntry) -> Answer<NoteName> {
        notes::begin_log(&*self.transport, entry).await
    }

    /// Replaces an entry by one with the result, or removes it if nothing was begun.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn note_end(&self, begun: &NoteName, entry: Option<&LogEntry>) -> Answer<()> {
        notes::replace_log(&*self.transport, begun, entry).await
    }

    /// Returns the log of the store, oldest first.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn log(&self) -> Answer<Vec<LogEntry>> {
        notes::read_log(&*self.transport).await
    }
}
