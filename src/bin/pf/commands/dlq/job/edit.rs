//! `pf dlq replay --edit`: the edited dead letters are stored, and then replayed as any others.

use protoflow::{
    runtime::{EditReport, EditRequest, LogEntry, PlanRequest, Query},
    transport::{DeadLetterRef, Selection},
};

use super::{
    holder,
    plan::count,
    session::{Asking, Session},
};
use crate::{
    commands::dlq::{
        names,
        operator::{self, who},
        repair::{EditView, JqEdit},
    },
    context::Context,
    error::{CliError, CliResult, Exit},
    output::Remarks,
};

/// How far a command goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    /// It shows what would be done.
    DryRun,
    /// It may not, because nobody can be asked.
    Unconfirmed,
    Run(Asking),
}

impl Session {
    /// Edits the dead letters of a request and replays them; returns whether it selects any.
    pub(super) async fn edit_and_run(
        &self,
        mut request: PlanRequest,
        edit: JqEdit,
        mode: Mode,
        context: &mut Context,
    ) -> CliResult<bool> {
        let selection = request.text.take().unwrap_or_else(|| request.query.text());
        let text = format!("{selection} {}", edit.text());
        request.text = Some(text.clone());
        holder::wait_for_dead_holder(&self.triage, &self.remarks).await?;
        let jobs = self.triage.jobs().await?.into_iter();
        let mut same = jobs.filter(|job| job.started && job.selection == text);
        if let (Some(job), Mode::Run(_)) = (same.next(), mode) {
            self.resume(&job.id, None, context).await?;
            return Ok(true);
        }
        if matches!(mode, Mode::Run(_)) {
            self.triage.recover_edits(operator::is_dead).await?;
        }
        let wanted = EditRequest {
            query: request.query.clone(),
            text,
            who: operator::process(),
            is_dead: operator::is_dead,
        };
        let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
        let preview = match self.triage.preview_edit(wanted.clone(), &mut event).await {
            Ok(preview) => preview,
            Err(error) => return Err(names::explain(&self.triage, error).await),
        };
        let Some(asking) = self.confirm(&preview, mode, context)? else {
            return Ok(preview.edited + preview.refused > 0);
        };
        let report = self.triage.edit(wanted, &mut event).await?;
        self.log_edit(&report, request.text.clone(), context).await;
        request.query = edited(&report);
        self.execute(request, asking, context).await?;
        refused(&report)?;
        Ok(true)
    }

    /// Shows what would change and asks; `None` if nothing is to be done.
    fn confirm(
        &self,
        preview: &EditReport,
        mode: Mode,
        context: &mut Context,
    ) -> CliResult<Option<Asking>> {
        let view = EditView(preview);
        if matches!(mode, Mode::DryRun) {
            context.printer.report(&view)?;
            return Ok(None);
        }
        if preview.edited + preview.refused == 0 {
            self.remarks.remark("no dead letters");
            return Ok(None);
        }
        self.remarks.remark(&view.text());
        if preview.edited == 0 {
            return refused(preview).map(|()| None);
        }
        let Mode::Run(asking) = mode else {
            return Err(
                CliError::usage("an edit needs confirmation and stdin is not a terminal")
                    .hint("confirm with `--yes`"),
            );
        };
        if asking.wanted && !agreed(preview)? {
            return Err(CliError::message(Exit::Failed, "nothing was done"));
        }
        // It was asked once, about the edit and the replay.
        Ok(Some(Asking {
            wanted: false,
            ..asking
        }))
    }

    async fn log_edit(&self, report: &EditReport, text: Option<String>, context: &Context) {
        let entry = LogEntry {
            selection: format!("{} ({} edited)", text.unwrap_or_default(), report.edited),
            because: self.because.clone(),
            ..LogEntry::new(who(), "edit")
        };
        operator::log(&self.triage, &entry, context).await;
    }
}

/// Returns the query for edited dead letters.
fn edited(report: &EditReport) -> Query {
    let ids = report.ids.iter();
    Query::from(Selection {
        ids: ids
            .map(|id| DeadLetterRef(id.as_str().to_owned()))
            .collect(),
        ..Selection::default()
    })
}

/// Fails if some dead letters could not be edited.
fn refused(report: &EditReport) -> CliResult<()> {
    if report.refused == 0 {
        return Ok(());
    }
    let exit = if report.edited > 0 {
        Exit::Partly
    } else {
        Exit::Failed
    };
    let text = format!(
        "{} could not be edited and stay as they are",
        count(report.refused)
    );
    Err(CliError::message(exit, text))
}

fn agreed(preview: &EditReport) -> CliResult<bool> {
    let letters = count(preview.edited);
    Ok(Remarks::confirm(&format!(
        "edit and replay {letters}? [y/N] "
    ))?)
}
