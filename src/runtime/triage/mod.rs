//! Triage of dead letters: find them, freeze a selection as a plan, and run it as a job under a lease.
//!
//! Looking is free of effects. What changes letters is a job: its plan lies in the broker, one host works
//! on it at a time, and whoever runs the same request again goes on where it was interrupted.
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
mod letters;
mod names;
mod plan;
mod query;
mod record;
mod report;
mod run;

use std::sync::Arc;

use self::letters::PAGE;
pub use self::{
    contents::{Contents, Target},
    counts::Counts,
    error::TriageError,
    letters::{Letters, Unfiltered},
    plan::{Plan, PlanRequest, Resumed},
    query::Query,
    record::write_letter,
    report::JobReport,
    run::{JobOptions, Progress},
};
use super::Stop;
use crate::transport::{Job, Result as Answer, Transport, sort_stats};

/// Works on the dead letters of a transport.
#[derive(Debug, Clone)]
pub struct Triage {
    transport: Arc<dyn Transport>,
}

impl Triage {
    /// Opens triage.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// Reads the letters that a query means, oldest first, changing nothing.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn list(&self, query: impl Into<Query>) -> Answer<Letters> {
        Letters::open(&*self.transport, query.into()).await
    }

    /// Counts the letters that a query means by topic, group, kind and fingerprint.
    ///
    /// # Errors
    /// If the transport fails, or a name fits no letter or several.
    pub async fn stats(&self, query: impl Into<Query>) -> Result<Counts, TriageError> {
        let query = query.into();
        if query.selection.letters.is_empty() && !query.is_filtered() {
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

    /// Tells what a plan of this request would do, leaving nothing behind.
    ///
    /// # Errors
    /// See [`plan`](Self::plan).
    pub async fn preview(&self, request: PlanRequest) -> Result<Contents, TriageError> {
        plan::preview(&*self.transport, request).await
    }

    /// Freezes a selection, or finds the interrupted job of the same request. Nothing is done to the
    /// letters.
    ///
    /// # Errors
    /// If the transport fails, a name fits no letter or several, or somebody is at work on the same
    /// request ([`crate::transport::ErrorKind::Held`]).
    pub async fn plan(&self, request: PlanRequest) -> Result<Plan, TriageError> {
        plan::freeze(&*self.transport, request).await
    }

    /// Drops a plan that was not agreed to. A job that is being resumed stays as it is.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn drop_plan(&self, plan: &Plan) -> Answer<()> {
        if plan.resumed.is_some() {
            return Ok(());
        }
        self.transport.dead_letters().forget(&plan.job).await
    }

    /// Carries a plan out under a lease with a heartbeat, and tells `progress` what became of each letter
    /// after each batch. A stop ends it between two batches, to be resumed.
    ///
    /// # Errors
    /// [`crate::transport::ErrorKind::Held`] if somebody else works on the store's dead letters, and
    /// [`TriageError::Stopped`] if the transport failed in the middle.
    pub async fn run(
        &self,
        plan: &Plan,
        options: &JobOptions,
        stop: &Stop,
        progress: &mut Progress<'_>,
    ) -> Result<JobReport, TriageError> {
        run::run(&*self.transport, plan, options, stop, progress).await
    }

    /// Returns jobs that have not ended.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn jobs(&self) -> Answer<Vec<Job>> {
        self.transport.dead_letters().jobs().await
    }
}
