//! Triage of dead letters: select, plan, and run jobs under a lease.

use std::sync::Arc;

use super::Stop;
use crate::{
    event::Topic,
    transport::{
        Job, JobAction, JobId, LetterId, Resolution, Result, Selection, StatsRow, Transport,
    },
};

/// What to plan.
#[derive(Debug)]
pub struct PlanRequest {
    /// Replay or purge.
    pub action: JobAction,
    /// Which letters.
    pub selection: Selection,
    /// A jq filter on the letter's record, and its text.
    #[cfg(feature = "filter")]
    pub filter: Option<(super::Filter, String)>,
    /// Leave out letters that were replayed so often.
    pub max_replays: Option<u32>,
}

/// A frozen selection: exactly these letters, whatever dies from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The job that carries it out.
    pub job: JobId,
    /// What it does.
    pub action: JobAction,
    /// How many letters.
    pub letters: u64,
    /// Letters per target: topic, and group where it goes to that group alone.
    pub targets: Vec<(Topic, Option<crate::event::Group>, u64)>,
    /// What they died of, most frequent first.
    pub reasons: Vec<StatsRow>,
    /// What the operator should know before saying yes.
    pub warnings: Vec<String>,
    /// Letters left out by `max_replays`.
    pub left_out: u64,
    /// Set when this is an earlier job, interrupted, that will be resumed: letters it has dealt with.
    pub resumed: Option<u64>,
}

/// What a job did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobReport {
    /// Replayed or purged.
    pub done: u64,
    /// Dealt with by somebody else before.
    pub gone: u64,
    /// Still dead letters, and why.
    pub failed: Vec<(LetterId, String)>,
    /// Unknown, and why.
    pub ambiguous: Vec<(LetterId, String)>,
    /// Whether every letter of the plan was dealt with.
    pub complete: bool,
}

/// Works on the dead letters of a transport.
#[derive(Debug)]
pub struct Triage {
    transport: Arc<dyn Transport>,
}

impl Triage {
    /// Opens triage.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }
    /// Freezes a selection, or finds the interrupted job of the same request. Nothing is done to the letters.
    /// # Errors
    /// If the transport fails.
    pub async fn plan(&self, request: PlanRequest) -> Result<Plan> {
        let _ = (&self.transport, request);
        todo!()
    }
    /// Drops a plan that was not agreed to.
    /// # Errors
    /// If the transport fails.
    pub async fn drop_plan(&self, plan: &Plan) -> Result<()> {
        let _ = plan;
        todo!()
    }
    /// Carries a plan out under a lease with a heartbeat; `rate` is letters per second. Calls `progress` after each batch.
    /// # Errors
    /// [`crate::transport::ErrorKind::Held`] if somebody else works on the store's dead letters.
    pub async fn run(
        &self,
        plan: &Plan,
        holder: &str,
        rate: Option<f64>,
        stop: &Stop,
        progress: &mut (dyn FnMut(&[(LetterId, Resolution)]) + Send),
    ) -> Result<JobReport> {
        let _ = (plan, holder, rate, stop, progress);
        todo!()
    }
    /// Returns jobs that have not ended.
    /// # Errors
    /// If the transport fails.
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        self.transport.dead_letters().jobs().await
    }
}
