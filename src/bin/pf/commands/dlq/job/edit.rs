//! `pf dlq replay --edit`: the edited dead letters are stored, and then replayed as any others.

use protoflow::runtime::{EditReport, EditRequest, LogEntry, PlanRequest};

use super::{
    holder,
    plan::count,
    session::{Asking, Session, exactly},
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

/// Edits the dead letters of a request and replays them; returns whether it selects any.
pub(super) async fn run(
    session: &Session,
    mut request: PlanRequest,
    edit: JqEdit,
    mode: Mode,
    context: &mut Context,
) -> CliResult<bool> {
    let selection = request.text.take().unwrap_or_else(|| request.query.text());
    let text = format!("{selection} {}", edit.text());
    request.text = Some(text.clone());
    holder::wait_for_dead_holder(&session.triage, &session.remarks).await?;
    let jobs = session.triage.jobs().await?.into_iter();
    let mut same = jobs.filter(|job| job.started && job.selection == text);
    if let (Some(job), Mode::Run(_)) = (same.next(), mode) {
        session.resume(&job.id, None, context).await?;
        return Ok(true);
    }
    if matches!(mode, Mode::Run(_)) {
        session.triage.recover_edits(operator::is_dead).await?;
    }
    let wanted = EditRequest {
        query: request.query.clone(),
        text,
        who: operator::process(),
        is_dead: operator::is_dead,
    };
    let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
    let preview = match session
        .triage
        .preview_edit(wanted.clone(), &mut event)
        .await
    {
        Ok(preview) => preview,
        Err(error) => return Err(names::explain(&session.triage, error).await),
    };
    let Some(asking) = confirm(session, &preview, mode, context)? else {
        return Ok(preview.edited + preview.refused > 0);
    };
    let report = session.triage.edit(wanted, &mut event).await?;
    log_edit(session, &report, request.text.clone(), context).await;
    // None may be left although the preview had some: others may have worked on them meanwhile.
    let Some(query) = exactly(&report.ids) else {
        refused(&report)?;
        return Ok(true);
    };
    request.query = query;
    session.execute(request, asking, context).await?;
    refused(&report)?;
    Ok(true)
}

/// Shows what would change and asks; `None` if nothing is to be done.
fn confirm(
    session: &Session,
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
        session.remarks.remark("no dead letters");
        return Ok(None);
    }
    session.remarks.remark(&view.text());
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

async fn log_edit(session: &Session, report: &EditReport, text: Option<String>, context: &Context) {
    let entry = LogEntry {
        selection: format!("{} ({} edited)", text.unwrap_or_default(), report.edited),
        because: session.because.clone(),
        ..LogEntry::new(who(), "edit")
    };
    operator::log(&session.triage, &entry, context).await;
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
    let text = format!("{} could not be edited", count(report.refused));
    Err(CliError::message(exit, text).hint("what is not edited stays as it is"))
}

fn agreed(preview: &EditReport) -> CliResult<bool> {
    let letters = count(preview.edited);
    Ok(Remarks::confirm(&format!(
        "edit and replay {letters}? [y/N] "
    ))?)
}
