//! The request for a job: its flags, and whether they ask for a preview, a plan file or a run.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use clap::Args;
use protoflow::{runtime::PlanRequest, transport::JobAction};

use super::{
    edit::{self, Mode},
    session::{Asking, Session},
};
use crate::{
    commands::dlq::{
        canary::{CanaryKind, CanaryWait, FirstTry, check_canary},
        operator::Because,
        repair::JqEdit,
        selection::SelectionArgs,
    },
    config::masked,
    context::Context,
    error::{CliError, CliResult},
    metrics::MetricsArgs,
    output::Format,
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
    /// Write the plan to a file instead of running it; `pf dlq apply` runs it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "yes"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    because: Because,
    #[command(flatten)]
    metrics: MetricsArgs,
}

impl JobArgs {
    /// Returns the selection.
    pub fn selection(&mut self) -> &mut SelectionArgs {
        &mut self.selection
    }
}

/// What is special about an action.
#[derive(Debug, Default)]
pub struct Special {
    pub max_replays: Option<u32>,
    pub stop_on_refail: Option<f64>,
    pub edit: Option<JqEdit>,
    /// What is tried before the replay, or the rest of it.
    pub canary: Option<CanaryKind>,
    /// Where the dead letters are exported to before they are purged.
    pub export: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(
    args: JobArgs,
    action: JobAction,
    special: Special,
    context: &mut Context,
) -> CliResult<()> {
    check(&args, action.verb(), context)?;
    let metrics = args.metrics.start(&context.printer.remarks())?;
    metrics.health.set_working(true);
    let wait = wait_of(&special, &args, &action)?;
    let Some(selected) = args.selection.open(context).await? else {
        return Ok(());
    };
    let remarks = context.printer.remarks();
    let job = Session {
        store: masked(&context.url()?),
        triage: selected.triage,
        remarks: remarks.clone(),
        rate: args.rate,
        stop_on_refail: special.stop_on_refail,
        because: args.because.because,
        canary: wait,
    };
    let mut request = PlanRequest {
        max_replays: special.max_replays,
        text: selected.text,
        ..PlanRequest::new(action, selected.query)
    };
    let mode = mode(args.yes, args.dry_run, args.all);
    if let Some(CanaryKind::Command(canary)) = &special.canary {
        let first = FirstTry {
            canary,
            triage: &job.triage,
            request: &request,
            edit: special.edit.as_ref(),
            encoding: selected.transport.encoding(),
            asks: asks(mode, args.plan.is_some()),
        };
        let any = first.run(context).await?;
        if args.dry_run {
            if !any {
                selected.empty.report(&*selected.transport, &remarks).await;
            }
            return Ok(());
        }
    }
    if let (Some(file), None, Mode::Run(_)) = (&special.export, &args.plan, mode)
        && !job.export(&mut request, file, context).await?
    {
        return Ok(());
    }
    let done = match (special.edit, &args.plan, mode) {
        (Some(jq), Some(file), _) => edit::write_plan(&job, request, &jq, file).await?,
        (Some(jq), None, mode) => edit::run(&job, request, jq, mode, context).await?,
        (None, Some(file), _) => job.write_plan(request, None, file).await?,
        (None, None, Mode::DryRun | Mode::Unconfirmed) => {
            job.preview(request, args.dry_run, context).await?
        }
        (None, None, Mode::Run(asking)) => job.execute(request, asking, context).await?,
    };
    if !done {
        selected.empty.hint(&*selected.transport, &remarks).await;
    }
    Ok(())
}

/// Returns whether a canary asks before the rest; none if nobody can be asked.
fn asks(mode: Mode, is_plan: bool) -> Option<bool> {
    match mode {
        _ if is_plan => Some(false),
        Mode::DryRun => Some(false),
        Mode::Run(asking) => Some(asking.wanted),
        Mode::Unconfirmed => None,
    }
}

/// Returns the canary that is waited for, if one is asked for.
fn wait_of(special: &Special, args: &JobArgs, action: &JobAction) -> CliResult<Option<CanaryWait>> {
    let Some(CanaryKind::Wait(wait)) = special.canary else {
        return Ok(None);
    };
    check_canary(action)?;
    if args.plan.is_some() {
        let text = "`--plan` replays nothing, so that there is no canary to wait for";
        let hint = "give the number to `pf dlq apply FILE --canary N`";
        return Err(CliError::usage(text).hint(hint));
    }
    Ok(Some(wait))
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

/// Decides how far a command goes.
fn mode(yes: bool, dry_run: bool, all: bool) -> Mode {
    let wanted = !yes && is_terminal();
    match (dry_run, yes || wanted) {
        (true, _) => Mode::DryRun,
        (false, true) => Mode::Run(Asking { wanted, all }),
        (false, false) => Mode::Unconfirmed,
    }
}

fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
