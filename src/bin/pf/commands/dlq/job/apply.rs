//! `pf dlq apply`: runs exactly what a plan file says, or says what changed.

use std::path::PathBuf;

use clap::Args;
use protoflow::{
    runtime::{Query, Triage},
    transport::{Job, Selection},
};

use super::{holder, plan::count, plan_file::PlanFile, session::Session};
use crate::{
    commands::dlq::operator::{self, Because},
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
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
    #[command(flatten)]
    because: Because,
}

impl ApplyArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let file = PlanFile::read(&self.file)?;
        let (_, triage) = operator::open(context).await?;
        let remarks = context.printer.remarks();
        holder::clear(&triage, &remarks).await?;
        let job = find(&triage, &file).await?;
        if !job.started {
            check_unchanged(&triage, &file).await?;
        }
        let session = Session {
            store: masked(&context.url()?),
            triage,
            remarks,
            rate: self.rate,
            stop_on_refail: None,
            because: self.because.because.or(file.plan.because),
        };
        session.resume(&job.id, Some(file.plan.hash), context).await
    }
}

/// Returns the job of a plan, which the store has to know by the same hash.
async fn find(triage: &Triage, file: &PlanFile) -> CliResult<Job> {
    let id = &file.plan.job;
    let kept = triage.kept_plans().await?;
    let known = kept.get(id);
    if known.is_some_and(|hash| *hash != file.plan.hash) {
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
    let mut left = file.id_set();
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
    let gone = left.len() as u64;
    let text = format!(
        "{} of this plan are gone since, {first} among them",
        count(gone)
    );
    Err(CliError::message(Exit::Failed, text)
        .hint("nothing was done; make a new plan, and cancel this one with `pf dlq jobs cancel`"))
}
