//! A job from its plan to its report.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    sync::Arc,
};

use protoflow::{
    runtime::{
        JobOptions, JobReport, LogEntry, Plan, PlanRequest, PlannedEdit, ReplayEditor, Triage,
        TriageError,
    },
    transport::{JobAction, JobId},
};

use super::{
    holder,
    outcome::{Outcomes, Progress, Summary, check_edited, conclude, never_began},
    plan::{PlanView, count},
    plan_file::{PlanHeader, PlanWriter},
};
use crate::{
    commands::dlq::{
        canary::CanaryWait,
        exchange::write_all,
        list::check_filter,
        names,
        operator::{self, who},
        repair::{EditView, JqEdit},
        selection::exactly,
    },
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Remarks, to_the_second},
    stdio::Stdin,
};

/// Whether the operator is asked, and about everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    pub(super) wanted: bool,
    pub(super) all: bool,
}

/// A plan to be run, and its edit.
struct Run<'a> {
    plan: &'a Plan,
    editor: Option<ReplayEditor>,
}

pub(super) struct Session {
    pub(super) store: String,
    pub(super) triage: Triage,
    pub(super) remarks: Remarks,
    pub(super) rate: Option<f64>,
    pub(super) stop_on_refail: Option<f64>,
    pub(super) because: Option<String>,
    /// How the first dead letters of a replay are waited for.
    pub(super) canary: Option<CanaryWait>,
}

impl Session {
    /// Shows the plan; returns whether it selects anything.
    pub(super) async fn preview(
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
            check_filter(&contents.reasons.filter_failures)?;
            return Ok(contents.dead_letters > 0);
        }
        Err(CliError::usage(format!(
            "{verb} needs confirmation and stdin is not a terminal"
        ))
        .hint("confirm with `--yes`"))
    }

    /// Freezes a plan, asks, and runs it; returns whether it selects anything.
    pub(super) async fn execute(
        &self,
        request: PlanRequest,
        asking: Asking,
        context: &mut Context,
    ) -> CliResult<bool> {
        holder::clear(&self.triage, &self.remarks).await?;
        let editor = request.editor.clone();
        let plan = match self.triage.plan(request).await {
            Ok(plan) => plan,
            Err(error) => return Err(names::explain(&self.triage, error).await),
        };
        self.show(&plan);
        if plan.contents.dead_letters == 0 && plan.resumed.is_none() {
            self.triage.drop_plan(&plan).await?;
            check_edited(&plan)?;
            check_filter(&plan.contents.reasons.filter_failures)?;
            return Ok(false);
        }
        if asking.wanted {
            let agreed = self.agreed(&plan, asking.all, context).await;
            if !matches!(agreed, Ok(true)) {
                self.triage.drop_plan(&plan).await?;
                agreed?;
                return Err(CliError::message(Exit::Failed, "nothing was done"));
            }
        }
        let report = Box::pin(self.run_all(&plan, editor, context)).await?;
        if never_began(&report) {
            // Best effort: otherwise it is dropped later with the abandoned plans.
            let _ = self.triage.drop_plan(&plan).await;
        }
        conclude(&plan, report, context)?;
        check_edited(&plan)?;
        check_filter(&plan.contents.reasons.filter_failures)?;
        Ok(true)
    }

    /// Runs a job that was planned before.
    pub(super) async fn resume(
        &self,
        id: &JobId,
        hash: Option<String>,
        context: &mut Context,
    ) -> CliResult<()> {
        let mut plan = self.triage.resume(id).await?;
        plan.hash = hash;
        if plan.resumed.is_some() {
            self.show(&plan);
        } else {
            let verb = plan.contents.action.verb();
            let letters = count(plan.contents.dead_letters);
            let store = &self.store;
            self.remarks
                .remark(&format!("{verb} {letters} of {store}, as planned"));
        }
        let edit = plan.contents.action.edit();
        let editor = edit.map(JqEdit::compile).transpose()?;
        let editor = editor.map(JqEdit::into_editor);
        let report = Box::pin(self.run_all(&plan, editor, context)).await?;
        conclude(&plan, report, context)
    }

    /// Freezes a plan and writes it to a file; returns whether it selects anything.
    pub(super) async fn write_plan(
        &self,
        mut request: PlanRequest,
        edit: Option<Arc<PlannedEdit>>,
        file: &Path,
    ) -> CliResult<bool> {
        let (writer, observer) = PlanWriter::create(file, edit.clone())?;
        request.keep = true;
        request.edit.clone_from(&edit);
        request.observer = Some(observer);
        let text = request.text.clone().unwrap_or_else(|| request.query.text());
        let (version, until) = PlanHeader::version(edit.is_some());
        let plan = match self.triage.plan(request).await {
            Ok(plan) => plan,
            Err(error) => {
                writer.discard();
                return Err(names::explain(&self.triage, error).await);
            }
        };
        let Some(hash) = plan.hash.clone() else {
            writer.discard();
            let text = "the same request was interrupted; resume or cancel it first";
            return Err(CliError::message(Exit::Failed, text).hint("see `pf dlq jobs list`"));
        };
        self.show(&plan);
        if plan.contents.dead_letters == 0 {
            writer.discard();
            self.triage.drop_plan(&plan).await?;
            check_filter(&plan.contents.reasons.filter_failures)?;
            return Ok(false);
        }
        let written = writer.finish(&PlanHeader {
            version,
            store: self.store.clone(),
            job: plan.job.clone(),
            action: plan.contents.action.clone(),
            selection: text,
            until,
            hash,
            who: who(),
            because: self.because.clone(),
            edit: edit.map(|edit| edit.program.clone()),
        });
        if written.is_err() {
            // Without its file, the plan could not be applied. Best effort: otherwise it is dropped later.
            let _ = self.triage.drop_plan(&plan).await;
        }
        written?;
        self.triage.keep(&plan).await?;
        let file = file.display();
        self.remarks.remark(&format!(
            "nothing was done; run it with `pf dlq apply {file}`"
        ));
        check_filter(&plan.contents.reasons.filter_failures)?;
        Ok(true)
    }

    /// Exports the dead letters of a request to a file, which must not exist, and narrows the request to exactly those: what is
    /// dead-lettered meanwhile is not in the file. Returns whether there are any.
    pub(super) async fn export(
        &self,
        request: &mut PlanRequest,
        file: &Path,
        context: &mut Context,
    ) -> CliResult<bool> {
        let failed = |error: io::Error| {
            CliError::from(error)
                .during(format!("cannot export to `{}`", file.display()))
                .hint("nothing was purged")
        };
        let mut out = fs::File::create_new(file).map_err(failed)?;
        let mut write = |lines: &[u8], _: &mut Context| out.write_all(lines);
        let query = request.query.clone();
        request.text.get_or_insert_with(|| query.text());
        let ids = write_all(&self.triage, query, context, &mut write).await?;
        out.sync_all().map_err(failed)?;
        let file = file.display();
        self.remarks
            .remark(&format!("exported {} to {file}", count(ids.len() as u64)));
        let Some(query) = exactly(&ids) else {
            return Ok(false);
        };
        // The filter stays, so that the plan counts the dead letters on which it fails.
        request.query.selection = query.selection;
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
        if let Some(edited) = &plan.edited {
            self.remarks.remark(&EditView(edited).text());
            if plan.contents.dead_letters == 0 && edited.refused > 0 {
                return;
            }
        }
        let shown = PlanView::new(&self.store, &plan.contents);
        self.remarks.remark(&shown.text());
        shown.warn(&self.remarks);
    }

    /// Runs a plan; with a canary, first its dead letters, and the rest once these were handled.
    async fn run_all(
        &self,
        plan: &Plan,
        editor: Option<ReplayEditor>,
        context: &mut Context,
    ) -> CliResult<Result<JobReport, TriageError>> {
        let run = Run { plan, editor };
        let Some(canary) = self.canary else {
            return self.run_plan(&run, None, context).await;
        };
        let resolved = plan.resumed.as_ref().map_or(0, |resumed| resumed.resolved);
        let left = canary
            .most
            .saturating_sub(usize::try_from(resolved).unwrap_or(usize::MAX));
        let mut first = JobReport::default();
        if left > 0 {
            match self.run_plan(&run, Some(left), context).await? {
                Ok(report) => first = report,
                failed => return Ok(failed),
            }
            let tried = first.done + first.gone + first.failed + first.ambiguous;
            let is_whole = first.complete || tried >= left as u64;
            if !is_whole || first.failed + first.ambiguous > 0 {
                return Ok(Ok(first));
            }
        }
        let waited = canary.wait(&self.triage, &plan.job, !first.complete, context);
        if let Err(error) = waited.await {
            context.printer.report(&Summary::new(plan, first))?;
            return Err(error);
        }
        if first.complete {
            return Ok(Ok(first));
        }
        let rest = self.run_plan(&run, None, context).await?;
        Ok(match rest {
            Ok(rest) => Ok(first.then(rest)),
            Err(TriageError::Stopped { report, source }) => Err(TriageError::Stopped {
                report: Box::new(first.then(*report)),
                source,
            }),
            failed => failed,
        })
    }

    async fn run_plan(
        &self,
        run: &Run<'_>,
        most: Option<usize>,
        context: &mut Context,
    ) -> CliResult<Result<JobReport, TriageError>> {
        let (signals, plan) = (context.signals()?, run.plan);
        let entry = LogEntry {
            selection: plan.selection.clone(),
            because: self.because.clone(),
            job: Some(plan.job.clone()),
            plan: plan.hash.clone(),
            ..LogEntry::new(who(), plan.contents.action.verb())
        };
        let begun = operator::log_begin(&self.triage, &entry, context).await;
        let options = JobOptions {
            holder: operator::process(),
            rate: self.rate,
            stop_on_refail: self.stop_on_refail,
            most,
            edit: run.editor.clone(),
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
        let written = outcomes.finish();
        let interrupted = signals
            .stop
            .abort
            .is_cancelled()
            .then(|| signals.interrupted("interrupted; run the same command again to resume"));
        let result = match &report {
            Ok(report) => Some(*report),
            Err(TriageError::Stopped { report, .. }) => Some(**report),
            Err(_) => None,
        };
        let ended = result.is_some().then_some(LogEntry { result, ..entry });
        operator::log_end(&self.triage, begun, ended.as_ref(), context).await;
        written?;
        interrupted.map_or(Ok(report), Err)
    }
}

impl Session {
    /// Asks on the terminal.
    async fn agreed(&self, plan: &Plan, all: bool, context: &Context) -> CliResult<bool> {
        let letters = count(plan.contents.dead_letters);
        let store = self.store.as_str();
        let (question, yes): (_, Vec<String>) = match &plan.contents.action {
            JobAction::Purge if all => (
                format!("Type `{store}` to delete all {letters} of this store permanently: "),
                vec![store.to_owned()],
            ),
            JobAction::Purge => (
                format!("Type `purge` to delete {letters} permanently: "),
                vec!["purge".to_owned()],
            ),
            action => (
                match action.edit() {
                    Some(_) => format!("edit and replay {letters}? [y/N] "),
                    None => format!("{} {letters}? [y/N] ", action.verb()),
                },
                ["y", "yes"].map(str::to_owned).into(),
            ),
        };
        Remarks::ask(&question);
        let answer = || {
            let mut answer = String::new();
            BufReader::new(Stdin).read_line(&mut answer).map(|_| answer)
        };
        let answer = context.wait_for(answer).await?;
        let answer = answer.trim();
        Ok(yes.iter().any(|yes| yes.eq_ignore_ascii_case(answer)))
    }
}
