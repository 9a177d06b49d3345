//! Replay and purge jobs: freeze a plan, show it, ask, run it under a lease, report.

mod holder;
mod outcome;
mod plan;

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Args;
use protoflow::{
    runtime::{JobOptions, JobReport, Plan, PlanRequest, Triage, TriageError},
    transport::{ErrorKind, JobAction},
};

pub use self::plan::count;
use self::{
    outcome::{Outcomes, Progress, Summary},
    plan::PlanView,
};
use super::{names, selection::SelectionArgs};
use crate::{
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Format, Remarks, to_the_second},
    values::times,
};

/// Flags of replay and purge.
#[derive(Debug, Args)]
pub struct JobArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Select every dead letter of the store
    #[arg(long)]
    all: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Show the plan only
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// At most N dead letters per second
    #[arg(long, value_name = "N", value_parser = times::rate)]
    rate: Option<f64>,
}

/// Runs the command.
pub async fn run(
    args: JobArgs,
    action: JobAction,
    max_replays: Option<u32>,
    context: &mut Context,
) -> CliResult<()> {
    check(&args, action.verb(), context)?;
    let Some(selected) = args.selection.open(context).await? else {
        return Ok(());
    };
    let remarks = context.printer.remarks();
    let job = Session {
        store: masked(&context.url()?),
        triage: selected.triage,
        remarks: remarks.clone(),
        rate: args.rate,
    };
    let request = PlanRequest {
        action,
        query: selected.query,
        max_replays,
        text: selected.text,
    };
    let asking = !args.yes && is_terminal();
    let done = if args.dry_run || !(args.yes || asking) {
        job.preview(request, args.dry_run, context).await?
    } else {
        job.execute(request, asking, context).await?
    };
    if !done {
        selected.empty.hint(&*selected.transport, &remarks).await;
    }
    Ok(())
}

/// Refuses a job without a selection: an omission must not select everything.
fn check(args: &JobArgs, verb: &str, context: &Context) -> CliResult<()> {
    let given = args.selection.is_given();
    if args.all && given {
        return Err(CliError::usage(
            "`--all` cannot be combined with a selection",
        ));
    }
    if !args.all && !given {
        return Err(CliError::usage(format!("nothing selected to {verb}"))
            .hint("see `pf dlq stats`; `--all` selects every dead letter of the store"));
    }
    if !matches!(context.printer.format(), Format::Text | Format::Json) {
        return Err(CliError::usage(format!("{verb} does not print events"))
            .hint("use `-o text` or `-o json`"));
    }
    Ok(())
}

fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

struct Session {
    store: String,
    triage: Triage,
    remarks: Remarks,
    rate: Option<f64>,
}

impl Session {
    /// Shows the plan; returns whether it selects anything.
    async fn preview(
        &self,
        request: PlanRequest,
        asked_for: bool,
        context: &mut Context,
    ) -> CliResult<bool> {
        let verb = request.action.verb();
        let contents = match self.triage.preview(request).await {
            Ok(contents) => contents,
            Err(error) => return Err(names::explain(&self.triage, error).await),
        };
        let shown = PlanView::new(&self.store, &contents);
        if asked_for {
            context.printer.report(&shown)?;
        } else {
            self.remarks.remark(&shown.text());
        }
        shown.warn(&self.remarks);
        if asked_for || contents.dead_letters == 0 {
            return Ok(contents.dead_letters > 0);
        }
        Err(CliError::usage(format!(
            "{verb} needs confirmation and stdin is not a terminal"
        ))
        .hint("confirm with `--yes`"))
    }

    /// Freezes a plan, asks, and runs it; returns whether it selects anything.
    async fn execute(
        &self,
        request: PlanRequest,
        asking: bool,
        context: &mut Context,
    ) -> CliResult<bool> {
        holder::wait_for_dead_holder(&self.triage, &self.remarks).await?;
        let plan = match self.triage.plan(request).await {
            Ok(plan) => plan,
            Err(error) => return Err(names::explain(&self.triage, error).await),
        };
        self.show(&plan);
        if plan.contents.dead_letters == 0 && plan.resumed.is_none() {
            self.triage.drop_plan(&plan).await?;
            return Ok(false);
        }
        if asking && !agreed(&plan)? {
            self.triage.drop_plan(&plan).await?;
            return Err(CliError::message(Exit::Failed, "nothing was done"));
        }
        let report = self.run_plan(&plan, context).await?;
        if is_held(&report) {
            // Best effort: otherwise it is dropped later with the abandoned plans.
            let _ = self.triage.drop_plan(&plan).await;
        }
        conclude(&plan, report, context)?;
        Ok(true)
    }

    fn show(&self, plan: &Plan) {
        if let Some(resumed) = &plan.resumed {
            let verb = plan.contents.action.verb();
            let created = to_the_second(resumed.created);
            let (done, planned) = (resumed.resolved, resumed.planned);
            self.remarks.remark(&format!(
                "resuming the {verb} of {created}, which was interrupted: {done} of {planned} dead letters are done"
            ));
            return;
        }
        let shown = PlanView::new(&self.store, &plan.contents);
        self.remarks.remark(&shown.text());
        shown.warn(&self.remarks);
    }

    async fn run_plan(
        &self,
        plan: &Plan,
        context: &mut Context,
    ) -> CliResult<Result<JobReport, TriageError>> {
        let signals = context.signals()?;
        let options = JobOptions {
            holder: holder::name(),
            rate: self.rate,
        };
        let progress = Progress::new(plan, &self.remarks);
        let mut outcomes = Outcomes::new(&plan.contents.action, &mut context.printer, &progress);
        let stop = signals.stop.clone();
        let report = self
            .triage
            .run(plan, &options, &signals.stop, &mut |resolved| {
                if !outcomes.write_all(resolved) {
                    stop.drain.cancel();
                }
            })
            .await;
        outcomes.finish()?;
        if signals.stop.abort.is_cancelled() {
            return Err(signals.interrupted("interrupted; run the same command again to resume"));
        }
        Ok(report)
    }
}

/// Reports whether another job is running, so that this one did not start.
fn is_held(report: &Result<JobReport, TriageError>) -> bool {
    matches!(report, Err(TriageError::Transport(refused)) if refused.kind() == ErrorKind::Held)
}

/// Prints the report and decides how the command ends.
fn conclude(
    plan: &Plan,
    report: Result<JobReport, TriageError>,
    context: &mut Context,
) -> CliResult<()> {
    let (report, stopped) = match report {
        Ok(report) => (report, None),
        Err(TriageError::Stopped { report, source }) => (*report, Some(source)),
        Err(error) => return Err(error.into()),
    };
    let was_earlier = plan.resumed.is_some() && report.complete;
    let summary = Summary::new(plan, report);
    context.printer.report(&summary)?;
    if was_earlier {
        let remarks = context.printer.remarks();
        remarks.remark("this was the earlier plan; dead letters since then remain");
    }
    summary.verdict(stopped.map(CliError::from))
}

/// Asks on the terminal.
fn agreed(plan: &Plan) -> io::Result<bool> {
    let letters = count(plan.contents.dead_letters);
    let (question, yes): (_, &[&str]) = match &plan.contents.action {
        JobAction::Purge => (
            format!("Type `purge` to delete {letters} permanently: "),
            &["purge"],
        ),
        action => (
            format!("{} {letters}? [y/N] ", action.verb()),
            &["y", "yes"],
        ),
    };
    Remarks::ask(&question);
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(yes.contains(&answer.trim().to_lowercase().as_str()))
}
