//! `pf dlq apply`: runs exactly what a plan file says, or says what changed.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use clap::Args;
use protoflow::{
    runtime::{Query, Triage},
    transport::{Job, Selection},
};

use super::{
    edit, holder,
    plan_file::{self, PlanFile},
    session::Session,
};
use crate::{
    commands::dlq::{
        canary::{CanaryWait, check_canary},
        operator::{self, Because},
    },
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
    metrics::MetricsArgs,
    values::times,
};

/// Dead letters per page.
const PAGE: usize = 500;

/// Run a plan that `--plan FILE` wrote: exactly its dead letters, or none
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq replay --reason timeout --plan replay.json
  pf dlq apply replay.json --because 'the gateway is back'

If a dead letter of the plan is gone, nothing is done and the difference is shown.
An interrupted run is resumed when the same command is run again.")]
pub struct ApplyArgs {
    /// The plan file
    file: PathBuf,
    /// At most N dead letters per second
    #[arg(long, value_name = "N", value_parser = times::rate)]
    rate: Option<f64>,
    /// First replay N, and the rest only once their group has handled them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    canary: Option<u16>,
    /// How long the group may take to handle the first N [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = times::some_duration, requires = "canary")]
    canary_timeout: Option<Duration>,
    #[command(flatten)]
    because: Because,
    #[command(flatten)]
    metrics: MetricsArgs,
}

impl ApplyArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let file = PlanFile::read(&self.file)?;
        let metrics = self.metrics.start(&context.printer.remarks())?;
        metrics.health.set_working(true);
        let canary = self
            .canary
            .map(|most| CanaryWait::new(most, self.canary_timeout));
        if canary.is_some() {
            check_canary(&file.plan.action)?;
        }
        let (_, triage) = operator::open(context).await?;
        let remarks = context.printer.remarks();
        holder::clear(&triage, &remarks).await?;
        let job = find(&triage, &file).await?;
        let session = Session {
            store: masked(&context.url()?),
            triage,
            remarks,
            rate: self.rate,
            stop_on_refail: None,
            because: self.because.because.or(file.plan.because.clone()),
            canary,
        };
        if file.plan.edit.is_some() {
            return edit::apply(&session, &file, context).await;
        }
        if !job.started {
            check_unchanged(&session.triage, &file).await?;
        }
        session.resume(&job.id, Some(file.plan.hash), context).await
    }
}

/// Returns the job of a plan, which the store has to know by the same hash.
async fn find(triage: &Triage, file: &PlanFile) -> CliResult<Job> {
    let id = &file.plan.job;
    let known = triage.plan_hash(id).await?;
    if known.as_ref().is_some_and(|hash| *hash != file.plan.hash) {
        let text = "the store has another plan under this id: the file was altered";
        return Err(CliError::message(Exit::Failed, text).hint("write the plan again"));
    }
    let mut jobs = triage.jobs().await?.into_iter();
    match jobs.find(|job| job.id == *id) {
        Some(job) if known.is_some() => Ok(job),
        _ => {
            let text = format!(
                "this store has no plan {id}: it was applied or cancelled, or is of another store"
            );
            let hint = format!(
                "the plan was made for {}; `pf dlq log` shows what was applied",
                file.plan.store
            );
            Err(CliError::message(Exit::Failed, text).hint(hint))
        }
    }
}

/// Fails if a dead letter of the plan is gone.
async fn check_unchanged(triage: &Triage, file: &PlanFile) -> CliResult<()> {
    let mut left: HashSet<_> = file.letters.iter().map(|letter| &letter.id).collect();
    let mut letters = triage.list(Query::from(Selection::default())).await?;
    loop {
        let page = letters.next(PAGE).await?;
        if page.is_empty() || left.is_empty() {
            break;
        }
        for letter in &page {
            left.remove(&letter.id);
        }
    }
    let Some(first) = left.iter().min() else {
        return Ok(());
    };
    Err(plan_file::gone(left.len() as u64, first))
}
