//! `pf dlq edit`: one dead letter in the operator's editor.

use std::{
    env, fs,
    io::{self, IsTerminal as _, Write as _},
    process::Command,
};

use clap::Args;
use protoflow::{
    runtime::{EditReport, EditRequest, LogEntry, Query, Triage, TriageError, write_dead_letter},
    transport::{DeadLetter, DeadLetterRef, Selection},
};

use super::EditView;
use crate::{
    commands::dlq::{
        job, names,
        operator::{self, Because, who},
    },
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Edit the event of a dead letter in $VISUAL or $EDITOR
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq edit k3v7q2
  EDITOR='sed -i s/EURO/EUR/' pf dlq edit k3v7q2 --because 'a typo of the shop'

The edited event has a new id, and `causationid` and `editof` with the id of the original, which is archived.
To edit many, see `pf dlq replay --edit`.")]
pub struct EditArgs {
    /// The id, a unique prefix of it, or the position of the original message
    id: String,
    #[command(flatten)]
    because: Because,
}

impl EditArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let (_, triage) = operator::open(context).await?;
        triage
            .guard()
            .await
            .and_then(|guard| guard.check_writable())
            .map_err(CliError::from)?;
        // The original of an edit that was interrupted is archived until this undoes it.
        job::clear(&triage, &context.printer.remarks()).await?;
        let letter = find(&triage, &self.id).await?;
        let edited = edit(&letter)?;
        let request = EditRequest {
            query: one(letter.id.as_str()),
            text: format!("edit {}", letter.id),
            who: operator::process(),
            is_dead: operator::is_dead,
            replay: None,
        };
        let entry = LogEntry {
            selection: letter.id.to_string(),
            because: self.because.because,
            ..LogEntry::new(who(), "edit")
        };
        let mut event = |_: &_, _: &[u8]| Ok(edited.text.clone());
        let edit = triage.edit(request, &mut event);
        let ended = |report: &EditReport, entry| (report.edited > 0).then_some(entry);
        let report = operator::noted(&triage, entry, edit, ended, context).await?;
        if let Some(refusal) = report.refusals.first() {
            let text = format!("{} stays as it is: {}", letter.id, refusal.reason);
            return Err(edited.kept(CliError::message(Exit::Failed, text)));
        }
        context.printer.report(&EditView(&report))?;
        let remarks = context.printer.remarks();
        if let Some(id) = report.ids.first() {
            remarks.remark(&format!("it is {id} now, and {} is archived", letter.id));
            remarks.hint(&format!("replay it with `pf dlq replay {id}`"));
        }
        Ok(())
    }
}

fn one(id: &str) -> Query {
    Query::from(Selection {
        ids: vec![DeadLetterRef(id.to_owned())],
        ..Selection::default()
    })
}

async fn find(triage: &Triage, id: &str) -> CliResult<DeadLetter> {
    let mut letters = triage.list(one(id)).await?;
    let mut found = letters.next(2).await?;
    while !letters.next(500).await?.is_empty() {}
    match letters.check_names() {
        Ok(()) if !found.is_empty() => Ok(found.remove(0)),
        Ok(()) => Err(names::explain(triage, TriageError::Unknown(id.to_owned())).await),
        Err(error) => Err(names::explain(triage, error).await),
    }
}

/// What the editor left.
struct EditedText {
    text: Vec<u8>,
    file: tempfile::NamedTempFile,
}

impl EditedText {
    /// Keeps the text for an operator whose edit is refused.
    fn kept(self, error: CliError) -> CliError {
        match self.file.keep() {
            Ok((_, path)) => error.hint(format!("your text is in {}", path.display())),
            Err(_) => error,
        }
    }
}

/// Runs the editor on the event of a dead letter.
fn edit(letter: &DeadLetter) -> CliResult<EditedText> {
    let before = pretty(letter)?;
    let mut file = tempfile::Builder::new()
        .prefix("pf-edit-")
        .suffix(".json")
        .tempfile()?;
    file.write_all(&before)?;
    file.flush()?;
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| {
        env::var(name)
            .ok()
            .filter(|editor| !editor.trim().is_empty())
    });
    let editor = match editor {
        Some(editor) => editor,
        None if io::stdin().is_terminal() => "vi".to_owned(),
        None => {
            return Err(
                CliError::usage("there is no editor, and stdin is not a terminal")
                    .hint("set EDITOR, or use `pf dlq replay --edit JQ`"),
            );
        }
    };
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file.path())
        .status()?;
    if !status.success() {
        let text = format!("the editor `{editor}` failed with {status}");
        return Err(CliError::message(Exit::Failed, text).hint("nothing was changed"));
    }
    // Editors replace the file, so that it is read by its name.
    let text = fs::read(file.path())?;
    let edited = EditedText { text, file };
    if edited.text == before {
        return Err(CliError::message(
            Exit::Failed,
            "nothing was changed in the editor",
        ));
    }
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&edited.text) {
        let text = format!("what the editor saved is not JSON: {error}");
        return Err(edited.kept(CliError::message(Exit::Failed, text).hint("nothing was changed")));
    }
    Ok(edited)
}

/// Returns the event over several lines.
fn pretty(letter: &DeadLetter) -> CliResult<Vec<u8>> {
    let mut record = Vec::new();
    write_dead_letter(&mut record, letter);
    let record: serde_json::Value = serde_json::from_slice(&record).map_err(io::Error::from)?;
    let event = record.get("event").filter(|event| event.is_object());
    let event = event.ok_or_else(|| {
        CliError::message(Exit::Failed, format!("{} is not a CloudEvent", letter.id))
            .hint("it can be exported, replayed as it is, or purged")
    })?;
    let mut text = serde_json::to_vec_pretty(event).map_err(io::Error::from)?;
    text.push(b'\n');
    Ok(text)
}
