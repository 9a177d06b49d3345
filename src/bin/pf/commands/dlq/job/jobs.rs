//! `pf dlq jobs`: jobs that have not ended, and those in the log.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use clap::{Args, Subcommand};
use protoflow::{
    runtime::{LogEntry, Triage},
    transport::{Job, JobId},
};
use serde::Serialize;

use super::{by_name, session::Session, verify};
use crate::{
    commands::dlq::operator::{self, Because},
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
    metrics::MetricsArgs,
    output::{Paint, Painter, Remarks, Report, to_the_second},
    values::times,
};

/// List, show, resume and cancel replay and purge jobs
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  pf dlq jobs list
  pf dlq jobs show 01k3v7 --verify
  pf dlq jobs resume 01k3v7
  pf dlq jobs cancel 01k3v7 --because 'the handler is still broken'")]
pub enum JobsCommand {
    List(ListArgs),
    Show(ShowArgs),
    Resume(ResumeArgs),
    Cancel(CancelArgs),
}

/// List the jobs that have not ended
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Also those that have ended, from the log
    #[arg(long)]
    all: bool,
}

/// Show a job, also one that has ended
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq jobs show 01k3v7
  pf dlq jobs show 01k3v7 --verify
  pf dlq jobs show 01k3v7 --verify -o json | jq 'select(.found == \"missing\")'

The list of dead letters that `--verify` needs is kept for the last 20 replays, for 30 days.")]
pub struct ShowArgs {
    /// The id of the job, or its beginning
    job: String,
    /// Read the target of a replay again: is each message there exactly once? Exit 4 unless all are
    #[arg(long)]
    verify: bool,
}

/// Resume an interrupted job
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The id of the job, or its beginning
    job: String,
    /// At most N dead letters per second
    #[arg(long, value_name = "N", value_parser = times::rate)]
    rate: Option<f64>,
    #[command(flatten)]
    because: Because,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// Cancel a job; what it has not resolved stays a dead letter
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The id of the job, or its beginning
    job: String,
    #[command(flatten)]
    because: Because,
}

impl JobsCommand {
    /// Reports whether it changes the store.
    pub fn changes_store(&self) -> bool {
        matches!(self, Self::Resume(_) | Self::Cancel(_))
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let (_, triage) = operator::open(context).await?;
        match self {
            Self::List(args) => list(&triage, args.all, context).await,
            Self::Show(args) if args.verify => verify::verify(&triage, &args.job, context).await,
            Self::Show(args) => show(&triage, &args.job, context).await,
            Self::Resume(args) => args.run(triage, context).await,
            Self::Cancel(args) => args.run(&triage, context).await,
        }
    }
}

async fn list(triage: &Triage, all: bool, context: &mut Context) -> CliResult<()> {
    let jobs = triage.jobs().await?;
    let ended = if all {
        ended(triage, &jobs, &context.printer.remarks()).await?
    } else {
        Vec::new()
    };
    if jobs.is_empty() && ended.is_empty() {
        context.printer.remarks().remark(if all {
            "there was no job yet"
        } else {
            "no job is planned, running or interrupted; `--all` lists those that have ended"
        });
    }
    for entry in ended {
        context.printer.report(&Ended(entry))?;
    }
    let kept = kept_plans(triage, &jobs).await?;
    for job in jobs {
        context.printer.report(&View::of(job, &kept))?;
    }
    Ok(())
}

/// Returns the plans that are kept, if one of the jobs may be such a plan.
async fn kept_plans(triage: &Triage, jobs: &[Job]) -> CliResult<HashMap<JobId, String>> {
    if jobs.iter().all(|job| job.started) {
        return Ok(HashMap::new());
    }
    Ok(triage.kept_plans().await?)
}

/// Returns the entries of the log about jobs that have ended.
async fn ended(triage: &Triage, jobs: &[Job], remarks: &Remarks) -> CliResult<Vec<LogEntry>> {
    let log = triage.log().await?;
    for entry in log.iter().filter(|entry| entry.is_unreadable()) {
        let note = &entry.selection;
        remarks.warning(&format!("the note `{note}` of the log cannot be read"));
    }
    let log = log.into_iter();
    let is_ended = |entry: &LogEntry| {
        let id = entry.job.as_ref();
        id.is_some_and(|id| !jobs.iter().any(|job| job.id == *id))
    };
    Ok(log.filter(is_ended).collect())
}

async fn show(triage: &Triage, name: &str, context: &mut Context) -> CliResult<()> {
    let jobs = triage.jobs().await?;
    if let Some(job) = jobs.iter().find(|job| job.id.0.starts_with(name)) {
        let kept = kept_plans(triage, std::slice::from_ref(job)).await?;
        return context.printer.report(&View::of(job.clone(), &kept));
    }
    let mut found = ended(triage, &jobs, &context.printer.remarks()).await?;
    found.retain(|entry| entry.job.as_ref().is_some_and(|id| id.0.starts_with(name)));
    if found.is_empty() {
        return Err(by_name::unknown(name));
    }
    for entry in found {
        context.printer.report(&Ended(entry))?;
    }
    Ok(())
}

impl ResumeArgs {
    async fn run(self, triage: Triage, context: &mut Context) -> CliResult<()> {
        let remarks = context.printer.remarks();
        let metrics = self.metrics.start(&remarks)?;
        metrics.health.set_working(true);
        super::holder::clear(&triage, &remarks).await?;
        let job = find(&triage, &self.job).await?;
        let hash = triage.kept_plans().await?.remove(&job.id);
        if !job.started && hash.is_none() {
            return Err(unconfirmed(&job));
        }
        let session = Session {
            canary: None,
            store: masked(&context.url()?),
            triage,
            remarks,
            rate: self.rate,
            stop_on_refail: None,
            because: self.because.because,
        };
        session.resume(&job.id, hash, context).await
    }
}

/// Returns the error of a plan that was not agreed to, and may lack dead letters.
fn unconfirmed(job: &Job) -> CliError {
    let text = format!(
        "the plan of {} was never confirmed: it waits at a prompt, or was interrupted before it was complete",
        job.id
    );
    CliError::message(Exit::Failed, text)
        .hint("nothing was done; run its command again, it makes a new plan")
}

impl CancelArgs {
    async fn run(self, triage: &Triage, context: &mut Context) -> CliResult<()> {
        let job = find(triage, &self.job).await?;
        let guard = triage.guard().await.map_err(CliError::from)?;
        guard.check_writable().map_err(CliError::from)?;
        let entry = LogEntry {
            selection: format!("{} {}", job.action.verb(), job.selection),
            because: self.because.because,
            job: Some(job.id.clone()),
            ..LogEntry::new(operator::who(), "cancel")
        };
        let ended = |(): &(), entry| Some(entry);
        operator::noted(triage, entry, triage.cancel(&job.id), ended, context).await?;
        let (done, left) = (job.resolved, job.planned.saturating_sub(job.resolved));
        let remarks = context.printer.remarks();
        remarks.remark(&format!(
            "cancelled {}: {done} dead letters were done, {left} stay as they are",
            job.id
        ));
        Ok(())
    }
}

/// Returns the only job whose id begins like this.
async fn find(triage: &Triage, name: &str) -> CliResult<Job> {
    let mut jobs = triage.jobs().await?;
    jobs.retain(|job| job.id.0.starts_with(name));
    by_name::only(jobs, name)
}

#[derive(Serialize)]
struct View {
    state: &'static str,
    #[serde(flatten)]
    job: Job,
}

impl View {
    fn of(job: Job, kept: &HashMap<JobId, String>) -> Self {
        let state = match (&job.holder, job.started) {
            (Some(_), _) => "running",
            (None, true) => "interrupted",
            (None, false) if kept.contains_key(&job.id) => "planned",
            // It waits at a prompt, or its command was killed.
            (None, false) => "unconfirmed",
        };
        Self { state, job }
    }
}

impl Report for View {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let job = &self.job;
        let (id, time) = (paint(Paint::Name, &job.id.0), to_the_second(job.created));
        let (verb, selection) = (job.action.verb(), &job.selection);
        write!(
            out,
            "{id}  {time}  {:<11}  {} of {}  {verb} {selection}",
            self.state, job.resolved, job.planned
        )?;
        match &job.holder {
            Some(holder) => writeln!(out, "  held by {holder}"),
            None => writeln!(out),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Ended(LogEntry);

impl Report for Ended {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let entry = &self.0;
        let id = entry.job.as_ref().map_or("", |job| &job.0);
        let (id, time) = (paint(Paint::Name, id), to_the_second(entry.time));
        let (state, done) = match &entry.result {
            Some(result) if result.complete => ("done", format!("{} done", result.done)),
            Some(result) => ("interrupted", format!("{} done", result.done)),
            None if entry.action == "cancel" => ("cancelled", "0 done".to_owned()),
            // It was killed before its result was noted, and no longer needs to be resumed.
            None => ("ended", "result unknown".to_owned()),
        };
        let (action, selection, who) = (&entry.action, &entry.selection, &entry.who);
        writeln!(
            out,
            "{id}  {time}  {state:<11}  {done}  {action} {selection}  {who}"
        )
    }
}
