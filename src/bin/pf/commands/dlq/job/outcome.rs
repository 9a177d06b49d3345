//! Outcomes of a job: by id while it runs, as counts at its end.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use protoflow::{
    runtime::{EditReport, JobReport, Plan, TriageError},
    transport::{DeadLetterId, JobAction, Resolution},
};
use serde::Serialize;

use super::plan::count;
use crate::{
    commands::dlq::list::check_filter,
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Format, Paint, Painter, Printer, Remarks, Report},
};

/// A progress bar, on a terminal only.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn new(plan: &Plan, remarks: &Remarks) -> Self {
        if remarks.is_quiet() {
            return Self(ProgressBar::hidden());
        }
        // Draws nothing unless stderr is a terminal.
        let bar = ProgressBar::new(plan.contents.dead_letters);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

/// Writes the outcome of each dead letter: all of them as JSON, as text only those that were not resolved.
pub struct Outcomes<'a> {
    verb: &'static str,
    printer: &'a mut Printer,
    progress: &'a Progress,
    failed: io::Result<()>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a DeadLetterId,
    #[serde(flatten)]
    resolution: &'a Resolution,
}

impl<'a> Outcomes<'a> {
    pub fn new(action: &JobAction, printer: &'a mut Printer, progress: &'a Progress) -> Self {
        Self {
            verb: action.verb(),
            printer,
            progress,
            failed: Ok(()),
        }
    }

    /// Writes outcomes; returns whether stdout is still open.
    pub fn write_all(&mut self, resolved: &[(DeadLetterId, Resolution)]) -> bool {
        self.progress.0.inc(resolved.len() as u64);
        if self.failed.is_ok() {
            let bar = &self.progress.0;
            self.failed = bar.suspend(|| write(self.verb, self.printer, resolved));
        }
        self.failed.is_ok()
    }

    /// Removes the progress bar.
    ///
    /// # Errors
    /// If something could not be written.
    pub fn finish(self) -> io::Result<()> {
        self.progress.0.finish_and_clear();
        self.failed
    }
}

fn write(
    verb: &str,
    printer: &mut Printer,
    resolved: &[(DeadLetterId, Resolution)],
) -> io::Result<()> {
    for (id, resolution) in resolved {
        let line = if printer.format() == Format::Json {
            serde_json::to_string(&Line { id, resolution })?
        } else if let Some(line) = text(verb, id, resolution) {
            line
        } else {
            continue;
        };
        printer.raw(format!("{line}\n").as_bytes())?;
    }
    printer.flush()
}

fn text(verb: &str, id: &DeadLetterId, resolution: &Resolution) -> Option<String> {
    match resolution {
        Resolution::Done => None,
        Resolution::Gone => Some(format!("{id}  gone: already resolved elsewhere")),
        Resolution::Failed { reason } => Some(format!("{id}  failed: {reason}")),
        Resolution::Ambiguous { reason } => {
            Some(format!("{id}  outcome of the {verb} unknown: {reason}"))
        }
    }
}

/// Counts of a job.
#[derive(Serialize)]
pub struct Summary<'a> {
    job: &'a str,
    #[serde(flatten)]
    action: &'a JobAction,
    planned: u64,
    missing: u64,
    #[serde(flatten)]
    report: JobReport,
}

impl<'a> Summary<'a> {
    pub fn new(plan: &'a Plan, report: JobReport) -> Self {
        Self {
            job: &plan.job.0,
            action: &plan.contents.action,
            planned: plan.contents.dead_letters,
            missing: plan.contents.missing,
            report,
        }
    }

    /// Decides how the command ends; `stopped` is the error that stopped the job before its end.
    pub fn verdict(&self, stopped: Option<CliError>) -> CliResult<()> {
        let report = &self.report;
        let verb = self.action.verb();
        let exit = if report.done > 0 {
            Exit::Partly
        } else {
            Exit::Failed
        };
        if let Some(error) = stopped {
            let error = if report.done > 0 {
                error.ending(Exit::Partly)
            } else {
                error
            };
            return Err(error.hint("run the same command again to resume"));
        }
        if report.refailed > 0 && !report.complete {
            let (again, done) = (report.refailed, count(report.done));
            let text = format!("stopped: {again} of {done} that were replayed have died again");
            return Err(CliError::message(exit, text)
                .hint("see `pf dlq stats --since 10m`; run the same command again to resume"));
        }
        if !report.complete {
            return Err(
                CliError::message(exit, format!("the {verb} was stopped before its end"))
                    .hint("run the same command again to resume"),
            );
        }
        if report.failed + report.ambiguous > 0 {
            let failed = format!("{} failed", count(report.failed));
            let unknown = format!("the outcome of {} is unknown", count(report.ambiguous));
            let text = match (report.failed, report.ambiguous) {
                (_, 0) => failed,
                (0, _) => unknown,
                _ => format!("{failed}, and {unknown}"),
            };
            return Err(CliError::message(exit, text));
        }
        if self.missing > 0 {
            let text = format!("{} of the given ids match nothing", self.missing);
            return Err(CliError::message(Exit::Partly, text));
        }
        Ok(())
    }
}

/// Fails if an edit refused some dead letters.
pub fn refused(report: &EditReport) -> CliResult<()> {
    if report.refused == 0 {
        return check_filter(&report.filter_failures);
    }
    let exit = if report.edited > 0 {
        Exit::Partly
    } else {
        Exit::Failed
    };
    let text = format!("{} could not be edited", count(report.refused));
    Err(CliError::message(exit, text).hint("what is not edited stays as it is"))
}

/// Fails if some dead letters could not be edited.
pub fn check_edited(plan: &Plan) -> CliResult<()> {
    plan.edited.as_ref().map_or(Ok(()), refused)
}

/// Reports whether a job did not begin, because another one or an edit is at work, its plan is out of date, or the policy
/// forbids it.
pub fn never_began(report: &Result<JobReport, TriageError>) -> bool {
    matches!(
        report,
        Err(TriageError::Transport(_) | TriageError::Policy(_))
    )
}

/// Prints the report and decides how the command ends.
pub fn conclude(
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

impl Report for Summary<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let done = match self.action {
            JobAction::Purge => "purged",
            action if action.is_replay() => "replayed",
            _ => "done with",
        };
        let report = &self.report;
        write!(out, "{} {}", paint(Paint::Good, done), count(report.done))?;
        let others = [
            ("gone", report.gone),
            ("failed", report.failed),
            ("ambiguous", report.ambiguous),
        ];
        for (name, count) in others.into_iter().filter(|(_, count)| *count > 0) {
            write!(out, ", {count} {name}")?;
        }
        writeln!(out)
    }
}
