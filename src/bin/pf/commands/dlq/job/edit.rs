//! `pf dlq replay --edit`: the edited dead letters are stored, and then replayed as any others.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use protoflow::{
    runtime::{
        EditEvent, EditReport, EditRequest, EditedReplay, Guard, LogEntry, PlanRequest,
        PlannedEdit, PolicyError, Query,
    },
    transport::{DeadLetter, DeadLetterId, JobAction, Selection},
};

use super::{
    holder,
    plan::count,
    plan_file::{self, PlanFile},
    session::{Asking, Session},
};
use crate::{
    commands::dlq::{
        list::check_filter,
        names,
        operator::{self, who},
        repair::{EditView, JqEdit},
        selection::exactly,
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
    let wanted = edit_request(&request, request.query.clone(), text);
    let guard = session.triage.guard().await.map_err(CliError::from)?;
    let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
    // Where there is no prompt, one pass both shows and does it. Ids that are not unique, and targets that the policy does not have,
    // are refused by the preview.
    let is_one_pass = matches!(mode, Mode::Run(asking) if !asking.wanted)
        && request.query.selection.ids.is_empty()
        && !guard.limits_replays();
    let asking = match mode {
        Mode::Run(asking) if is_one_pass => asking,
        _ => {
            let preview = preview(session, wanted.clone(), &mut event).await?;
            let Some(asking) = confirm(session, &preview, mode, context)? else {
                check_filter(&preview.filter_failures)?;
                return Ok(any(&preview));
            };
            asking
        }
    };
    guard
        .check_action(&request.action)
        .map_err(CliError::from)?;
    let report = store_edits(session, wanted, &mut event, context).await?;
    if is_one_pass && !show(session, &report)? {
        return Ok(any(&report));
    }
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

/// Shows what would change and asks; `None` if nothing is to be done.
fn confirm(
    session: &Session,
    preview: &EditReport,
    mode: Mode,
    context: &mut Context,
) -> CliResult<Option<Asking>> {
    if matches!(mode, Mode::DryRun) {
        context.printer.report(&EditView(preview))?;
        return Ok(None);
    }
    if !show(session, preview)? {
        return Ok(None);
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

/// Stores the edited dead letters, which the log notes.
async fn store_edits(
    session: &Session,
    wanted: EditRequest,
    event: &mut EditEvent<'_>,
    context: &Context,
) -> CliResult<EditReport> {
    let text = wanted.text.clone();
    let entry = LogEntry {
        selection: text.clone(),
        because: session.because.clone(),
        ..LogEntry::new(who(), "edit")
    };
    let ended = |report: &EditReport, entry| {
        Some(LogEntry {
            selection: format!("{text} ({} edited)", report.edited),
            ..entry
        })
    };
    let triage = &session.triage;
    let edit = triage.edit(wanted, event);
    Ok(operator::noted(triage, entry, edit, ended, context).await?)
}

/// Fails if some dead letters could not be edited.
fn refused(report: &EditReport) -> CliResult<()> {
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

fn agreed(preview: &EditReport) -> CliResult<bool> {
    let letters = count(preview.edited);
    Ok(Remarks::confirm(&format!(
        "edit and replay {letters}? [y/N] "
    ))?)
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
    if let Some(query) = exactly(&left(session, file).await?) {
        let request = PlanRequest::new(file.plan.action.clone(), query.clone());
        let wanted = edit_request(&request, query, text.clone());
        let mut event = |letter: &_, record: &[u8]| edit.apply(letter, record);
        let preview = triage.preview_edit(wanted.clone(), &mut event).await?;
        check_same(&preview, file)?;
        let report = store_edits(session, wanted, &mut event, context).await?;
        refused(&report)?;
    }
    let becomes = file.letters.iter().filter_map(|one| one.becomes.as_ref());
    let ids: Vec<_> = becomes.map(|becomes| becomes.becomes.clone()).collect();
    let Some(query) = exactly(&ids) else {
        return Ok(());
    };
    let request = PlanRequest {
        text: Some(text),
        ..PlanRequest::new(file.plan.action.clone(), query)
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

/// Returns the dead letters of a plan that are still to be edited; fails if one is neither there nor edited.
async fn left(session: &Session, file: &PlanFile) -> CliResult<Vec<DeadLetterId>> {
    let guard = session.triage.guard().await.map_err(CliError::from)?;
    guard
        .check_action(&file.plan.action)
        .map_err(CliError::from)?;
    let planned: HashSet<_> = file.letters.iter().map(|letter| &letter.id).collect();
    let mut present = HashSet::new();
    let mut letters = session.triage.list(Selection::default()).await?;
    loop {
        let page = letters.next(500).await?;
        if page.is_empty() {
            break;
        }
        // Before the first is edited: the replay would leave out what the policy forbids since the plan was made.
        for letter in page.iter().filter(|letter| planned.contains(&letter.id)) {
            check_policy(&guard, &file.plan.action, letter).map_err(CliError::from)?;
        }
        present.extend(page.into_iter().map(|letter| letter.id));
    }
    let mut left = Vec::new();
    let mut gone = Vec::new();
    for letter in &file.letters {
        let edited = letter.becomes.as_ref().map(|becomes| &becomes.becomes);
        if edited.is_some_and(|edited| present.contains(edited)) {
            continue;
        }
        if present.contains(&letter.id) {
            left.push(letter.id.clone());
        } else {
            gone.push(&letter.id);
        }
    }
    match gone.iter().min() {
        Some(first) => Err(plan_file::gone(gone.len() as u64, first)),
        None => Ok(left),
    }
}

fn check_policy(guard: &Guard, action: &JobAction, letter: &DeadLetter) -> Result<(), PolicyError> {
    guard.check_replay_of(letter)?;
    match action {
        JobAction::Replay { to: Some(topic) } => guard.check_target(topic),
        _ => guard.check_target(&letter.message.topic),
    }
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
