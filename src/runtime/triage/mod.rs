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
//! let options = JobOptions { holder: "nightly job".to_owned(), rate: Some(50.0) };
//! let report = triage.run(&plan, &options, &Stop::default(), &mut |_| {}).await?;
//! assert!(report.complete);
//! # Ok(())
//! # }
//! ```

mod contents;
mod counts;
mod error;
mod listing;
mod names;
mod plan;
mod query;
mod record;
mod report;
mod run;

use std::sync::Arc;

use self::listing::PAGE;
pub use self::{
    contents::{Contents, Target},
    counts::Counts,
    error::TriageError,
    listing::{DeadLetterListing, FilterFailures},
    plan::{Plan, PlanRequest, Resumed},
    query::Query,
    record::write_dead_letter,
    report::JobReport,
    run::{JobOptions, Progress},
};
use super::Stop;
use crate::transport::{Job, Result as Answer, Transport, sort_stats};

/// Triage of the dead letters of a transport.
#[derive(Debug, Clone)]
pub struct Triage {
    transport: Arc<dyn Transport>,
}

impl Triage {
    /// Creates triage for a transport.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// Lists the dead letters of a query, oldest first, without side effects.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn list(&self, query: impl Into<Query>) -> Answer<DeadLetterListing> {
        DeadLetterListing::open(&*self.transport, query.into()).await
    }

    /// Counts the dead letters of a query by topic, group, kind and fingerprint.
    ///
    /// # Errors
    /// If the transport fails, or an id matches no dead letter or several.
    pub async fn stats(&self, query: impl Into<Query>) -> Result<Counts, TriageError> {
        let query = query.into();
        if query.selection.ids.is_empty() && !query.is_filtered() {
            let mut rows = self
                .transport
                .dead_letters()
                .stats(&query.selection)
                .await?;
            sort_stats(&mut rows);
            return Ok(Counts { rows, rest: 0 });
        }
        let mut letters = self.list(query).await?;
        let mut counts = Counts::builder();
        loop {
            let page = letters.next(PAGE).await?;
            if page.is_empty() {
                letters.check_names()?;
                return Ok(counts.into());
            }
            for letter in &page {
                counts.add(letter);
            }
        }
    }

    /// Returns the contents of a plan for this request, without storing anything.
    ///
    /// # Errors
    /// See [`plan`](Self::plan).
    pub async fn preview(&self, request: PlanRequest) -> Result<Contents, TriageError> {
        plan::preview(&*self.transport, request).await
    }

    /// Freezes a selection, or finds the interrupted job of the same request. The dead letters stay unchanged.
    ///
    /// # Errors
    /// If the transport fails, an id matches no dead letter or several, or the same request is already running
    /// ([`crate::transport::ErrorKind::Held`]).
    pub async fn plan(&self, request: PlanRequest) -> Result<Plan, TriageError> {
        plan::freeze(&*self.transport, request).await
    }

    /// Drops a plan that was not confirmed. A job that would be resumed stays unchanged.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn drop_plan(&self, plan: &Plan) -> Answer<()> {
        if plan.resumed.is_some() {
            return Ok(());
        }
        self.transport.dead_letters().forget(&plan.job).await
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
        run::run(&*self.transport, plan, options, stop, progress).await
    }

    /// Returns the jobs that have not ended.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn jobs(&self) -> Answer<Vec<Job>> {
        self.transport.dead_letters().jobs().await
    }
}
