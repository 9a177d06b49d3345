//! What replay and purge have in common: freeze a plan, show it, ask, run it under a lease, report.

mod holder;
mod outcome;
mod plan;

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    runtime::{JobOptions, JobReport, Plan, PlanRequest, Triage, TriageError},
    transport::{ErrorKind, JobAction},
};

pub use self::plan::count;
use self::{
    outcome::{Outcomes, Progress, Summary},
    plan::Shown,
};
use super::{names, selection::SelectionArgs};
use crate::{
    config::masked,
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Format, Remarks, to_the_second},
    values::times,
};

/// How a job is chosen and run.
#[derive(Debug, Args)]
pub struct JobArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Every dead letter of the store
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show the plan and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Letters per second
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
    let remarks = context.printer.remarks();
    let Some(chosen) = args.selection.choose(&remarks)? else {
        return Ok(());
    };
    let transport = context.open(OpenOptions::default()).await?;
    let job = Work {
        store: masked(&context.url()?),
        triage: Triage::new(transport.clone()),
        remarks: remarks.clone(),
        rate: args.rate,
    };
    let request = PlanRequest {
        action,
        query: chosen.query,
        max_replays,
        text: chosen.text,
    };
    let asking = !args.yes && is_terminal();
    let done = if args.dry_run || !(args.yes || asking) {
        job.look(request, args.dry_run, context).await?
    } else {
        job.act(request, asking, context).await?
    };
    if !done {
        chosen.aim.hint(&*transport, &remarks).await;
    }
    Ok(())
}

/// Makes sure that nobody acts on everything by leaving something out.
fn check(args: &JobArgs, verb: &str, context: &Context) -> CliResult<()> {
    let given = args.selection.is_given();
    if args.all && given {
        return Err(CliError::usage(
            "--all and a selection contradict each other",
        ));
    }
    if !args.all && !given {
        return Err(
            CliError::usage(format!("nothing is selected to {verb}")).hint(
                "`pf dlq stats` shows what there is; --all means every dead letter of the store",
            ),
        );
    }
    if !matches!(context.printer.format(), Format::Text | Format::Json) {
        return Err(CliError::usage(format!("{verb} shows no events"))
            .hint("it can write `-o text` and `-o json`"));
    }
    Ok(())
}

fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

struct Work {
    store: String,
    triage: Triage,
    remarks: Remarks,
    rate: Option<f64>,
}

impl Work {
    /// Shows what would be done; returns whether there is anything.
    async fn look(
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
        let shown = Shown::new(&self.store, &contents);
        if asked_for {
            context.printer.report(&shown)?;
        } else {
            self.remarks.remark(&shown.text());
        }
        shown.warn(&self.remarks);
        if asked_for || contents.letters == 0 {
            return Ok(contents.letters > 0);
        }
        Err(CliError::usage(format!(
            "{verb} asks before it acts, and here is nobody to ask"
        ))
        .hint("--yes says yes"))
    }

    /// Freezes a plan, asks, and carries it out; returns whether there was anything to do.
    async fn act(
        &self,
        request: PlanRequest,
        asking: bool,
        context: &mut Context,
    ) -> CliResult<bool> {
        holder::outlive_the_dead(&self.triage, &self.remarks).await?;
        let plan = match self.triage.plan(request).await {
            Ok(plan) => plan,
            Err(error) => return Err(names::explain(&self.triage, error).await),
        };
        self.show(&plan);
        if plan.contents.letters == 0 && plan.resumed.is_none() {
            self.triage.drop_plan(&plan).await?;
            return Ok(false);
        }
        if asking && !agreed(&plan)? {
            self.triage.drop_plan(&plan).await?;
            return Err(CliError::message(Exit::Failed, "nothing was done"));
        }
        let report = self.carry_out(&plan, context).await?;
        if is_held(&report) {
            // Best effort: what is left of it is forgotten with the abandoned plans.
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
                "going on with the {verb} of {created}, which was interrupted: {done} of {planned} letters are done"
            ));
            return;
        }
        let shown = Shown::new(&self.store, &plan.contents);
        self.remarks.remark(&shown.text());
        shown.warn(&self.remarks);
    }

    async fn carry_out(
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
                if !outcomes.tell(resolved) {
                    stop.drain.cancel();
                }
            })
            .await;
        outcomes.finish()?;
        if signals.stop.abort.is_cancelled() {
            return Err(
                signals.interrupted("stopped in the middle; the same command goes on there")
            );
        }
        Ok(report)
    }
}

/// Reports whether somebody else is at work, so that nothing was begun.
fn is_held(report: &Result<JobReport, TriageError>) -> bool {
    matches!(report, Err(TriageError::Transport(refused)) if refused.kind() == ErrorKind::Held)
}

/// Says what became of a job, and how the command ends.
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
        remarks.remark("that was the earlier plan alone; what died since is left");
    }
    summary.verdict(stopped.map(CliError::from))
}

/// Asks on the terminal.
fn agreed(plan: &Plan) -> io::Result<bool> {
    let letters = count(plan.contents.letters);
    let (question, yes): (_, &[&str]) = match &plan.contents.action {
        JobAction::Purge => (
            format!("Type `purge` to delete {letters} for good: "),
            &["purge"],
        ),
        action => (
            format!("Go on with the {} of {letters}? [y/N] ", action.verb()),
            &["y", "yes"],
        ),
    };
    Remarks::ask(&question);
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(yes.contains(&answer.trim().to_lowercase().as_str()))
}
