//! `pf dlq replay --edit`: the job edits the dead letters as it replays them.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use protoflow::{
    runtime::{
        EditEvent, EditReport, EditRequest, EditedReplay, Guard, PlanRequest, PlannedEdit,
        PolicyError, Query,
    },
    transport::{DeadLetter, JobAction, Selection},
};

use super::{
    holder,
    outcome::refused,
    plan_file::{self, PlanFile},
    session::{Asking, Session},
};
use crate::{
    commands::dlq::{
        list::check_filter,
        names, operator,
        repair::{EditView, JqEdit},
        selection::exactly,
    },
    context::Context,
    error::{CliError, CliResult, Exit},
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
    if let Mode::Run(asking) = mode {
        request.editor = Some(edit.into_editor());
        return session.execute(request, asking, context).await;
    }
    let wanted = edit_request(&request, request.query.clone(), text);
    let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
    let preview = preview(session, wanted, &mut event).await?;
    if matches!(mode, Mode::DryRun) {
        context.printer.report(&EditView(&preview))?;
        check_filter(&preview.filter_failures)?;
        return Ok(any(&preview));
    }
    if !show(session, &preview)? {
        return Ok(any(&preview));
    }
    Err(
        CliError::usage("an edit needs confirmation and stdin is not a terminal")
            .hint("confirm with `--yes`"),
    )
}

async fn preview(
    session: &Session,
    wanted: EditRequest,
    event: &mut EditEvent<'_>,
) -> CliResult<EditReport> {
    match session.triage.preview_edit(wanted, event).await {
        Ok(preview) => Ok(preview),
        Err(error) => Err(names::explain(&session.triage, error).await),
    }
}

/// Reports whether there are dead letters, whatever becomes of them.
fn any(report: &EditReport) -> bool {
    report.edited + report.refused + report.left_out + report.forbidden > 0
}

/// Shows what changes; returns whether anything does.
fn show(session: &Session, report: &EditReport) -> CliResult<bool> {
    if !any(report) {
        session.remarks.remark("no dead letters");
        return Ok(false);
    }
    session.remarks.remark(&EditView(report).text());
    if report.edited == 0 {
        return refused(report).map(|()| false);
    }
    Ok(true)
}

/// Writes a plan that says what each dead letter becomes; returns whether it selects any.
pub(super) async fn write_plan(
    session: &Session,
    mut request: PlanRequest,
    edit: &JqEdit,
    file: &Path,
) -> CliResult<bool> {
    let selection = request.text.take().unwrap_or_else(|| request.query.text());
    let text = format!("{selection} {}", edit.text());
    let wanted = edit_request(&request, request.query.clone(), text);
    request.text = Some(wanted.text.clone());
    let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
    let preview = preview(session, wanted, &mut event).await?;
    if !any(&preview) {
        return Ok(false);
    }
    session.remarks.remark(&EditView(&preview).text());
    if preview.becomes.is_empty() {
        refused(&preview)?;
        return Ok(true);
    }
    let planned = Arc::new(PlannedEdit {
        program: edit.program().to_owned(),
        becomes: preview.becomes.iter().cloned().collect(),
    });
    let any = session.write_plan(request, Some(planned), file).await?;
    refused(&preview)?;
    Ok(any)
}

/// Edits and replays exactly the dead letters of a plan, or says what changed.
pub(super) async fn apply(
    session: &Session,
    file: &PlanFile,
    context: &mut Context,
) -> CliResult<()> {
    let program = file.plan.edit.as_deref().unwrap_or_default();
    let edit = JqEdit::compile(program)?;
    // Of its own: the same edit by another command is another request.
    let text = format!("{} (plan {})", file.plan.selection, file.plan.job);
    let triage = &session.triage;
    let jobs = triage.jobs().await?.into_iter();
    let mut same = jobs.filter(|job| job.started && job.selection == text);
    if let Some(job) = same.next() {
        session.resume(&job.id, None, context).await?;
        return Ok(triage.cancel(&file.plan.job).await?);
    }
    triage.recover_edits(operator::is_dead).await?;
    check_left(session, file).await?;
    let ids: Vec<_> = file.letters.iter().map(|one| one.id.clone()).collect();
    let Some(query) = exactly(&ids) else {
        return Ok(());
    };
    let request = PlanRequest {
        text: Some(text.clone()),
        ..PlanRequest::new(file.plan.action.clone(), query.clone())
    };
    let wanted = edit_request(&request, query, text);
    let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
    let preview = triage.preview_edit(wanted, &mut event).await?;
    check_same(&preview, file)?;
    let request = PlanRequest {
        editor: Some(edit.into_editor()),
        ..request
    };
    let asking = Asking {
        wanted: false,
        all: false,
    };
    session.execute(request, asking, context).await?;
    Ok(triage.cancel(&file.plan.job).await?)
}

fn edit_request(request: &PlanRequest, query: Query, text: String) -> EditRequest {
    EditRequest {
        query,
        text,
        who: operator::process(),
        is_dead: operator::is_dead,
        replay: Some(EditedReplay {
            action: request.action.clone(),
            max_replays: request.max_replays,
        }),
    }
}

/// Fails if a dead letter of a plan is not there any more, or must not be replayed.
async fn check_left(session: &Session, file: &PlanFile) -> CliResult<()> {
    let guard = session.triage.guard().await.map_err(CliError::from)?;
    guard
        .check_action(&file.plan.action)
        .map_err(CliError::from)?;
    let mut left: HashSet<_> = file.letters.iter().map(|letter| &letter.id).collect();
    let mut letters = session.triage.list(Selection::default()).await?;
    loop {
        let page = letters.next(500).await?;
        if page.is_empty() {
            break;
        }
        // Before the first is edited: the replay would leave out what the policy forbids since the plan was made.
        for letter in &page {
            if left.remove(&letter.id) {
                check_policy(&guard, &file.plan.action, letter).map_err(CliError::from)?;
            }
        }
    }
    match left.iter().min() {
        Some(first) => Err(plan_file::gone(left.len() as u64, first)),
        None => Ok(()),
    }
}

fn check_policy(guard: &Guard, action: &JobAction, letter: &DeadLetter) -> Result<(), PolicyError> {
    guard.check_replay_of(letter)?;
    guard.check_target(action.to().unwrap_or(&letter.message.topic))
}

/// Fails unless each dead letter becomes what the plan says.
fn check_same(preview: &EditReport, file: &PlanFile) -> CliResult<()> {
    let planned = file.letters.iter();
    let planned: HashMap<_, _> = planned.map(|one| (&one.id, one.becomes.as_ref())).collect();
    let others = preview.becomes.iter();
    let mut others = others.filter(|(id, becomes)| planned.get(id) != Some(&Some(becomes)));
    let other = others
        .next()
        .map(|(id, _)| format!("{id} would become another event than planned"));
    let refused = preview.refusals.first();
    let refused = refused.map(|one| format!("{} cannot be edited: {}", one.id, one.reason));
    match other.or(refused) {
        None => Ok(()),
        Some(text) => Err(CliError::message(Exit::Failed, text)
            .hint("nothing was done; the edit depends on more than the dead letter, or this is another version of pf")),
    }
}
