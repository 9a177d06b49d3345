//! `pf dlq show`: everything about a dead letter, with its payload.

use std::{
    fmt::Display,
    io::{self, Write},
    time::Duration,
};

use clap::Args;
use protoflow::{
    event::{Stored, format_time},
    runtime::{LineageStep, Triage, TriageError, write_shown},
    transport::DeadLetter,
};

use super::{
    exchange::mask,
    lineage::{self, Story},
    list::check_filter,
    names,
    selection::SelectionArgs,
};
use crate::{
    context::Context,
    error::{CliError, CliResult},
    output::{Item, Paint, Painter},
    schemas::SchemaArgs,
};

/// Show everything about dead letters, with their payload
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq show k3v7q2
  pf dlq show k3v7q2 -o event | jq .data
  pf dlq show k3v7q2 -o raw > payload")]
pub struct ShowArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Show every dead letter
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    schemas: SchemaArgs,
}

impl ShowArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if !self.all && !self.selection.is_given() {
            return Err(CliError::usage("no dead letter selected")
                .hint("`pf dlq list` shows their ids; `--all` selects every one"));
        }
        let decoder = self.schemas.decoder(context)?;
        let Some(selected) = self.selection.open(context).await? else {
            return Ok(());
        };
        let triage = selected.triage;
        if !selected.query.selection.ids.is_empty() {
            check_unique(&triage, selected.query.selection.clone()).await?;
        }
        let masks = mask::of_policy(&triage).await?;
        let is_archive = selected.query.archived;
        let mut story = Story::new(&triage, is_archive, context.printer.format());
        let mut letters = triage.list(selected.query).await?;
        let mut shown = false;
        loop {
            let page = letters.next(100).await?;
            if page.is_empty() {
                break;
            }
            for letter in page {
                let lineage = story.of(&letter).await?;
                let letter = match &masks {
                    Some(masks) => masks.apply(&letter),
                    None => letter,
                };
                let stored = letter.stored();
                // Masks are paths of what is stored; decoded data would show what they hide.
                let decoder = decoder.as_ref().filter(|_| masks.is_none());
                let seen = decoder.and_then(|decoder| decoder.seen(&stored));
                let shown = Shown {
                    letter,
                    lineage,
                    seen,
                };
                context.printer.item(&shown, details)?;
            }
            shown = true;
        }
        let missing = letters.missing();
        let resolved = story.of_resolved(&missing, &mut context.printer).await?;
        if resolved.len() < missing.len() || missing.is_empty() {
            let shown = shown || !resolved.is_empty();
            let missing: Vec<_> = missing
                .into_iter()
                .filter(|name| !resolved.iter().any(|found| found == name))
                .collect();
            names::check_missing(&triage, &missing, shown).await?;
        }
        shown |= !resolved.is_empty();
        check_filter(letters.filter_failures())?;
        if !shown {
            context.printer.remarks().remark("no dead letters");
        }
        Ok(())
    }
}

/// Fails before anything is shown if an id prefix matches several dead letters.
async fn check_unique(
    triage: &Triage,
    selection: protoflow::transport::Selection,
) -> CliResult<()> {
    let mut letters = triage.list(selection).await?;
    while !letters.next(500).await?.is_empty() {}
    match letters.check_names() {
        Err(error @ TriageError::Ambiguous { .. }) => Err(error.into()),
        _ => Ok(()),
    }
}

/// A dead letter with its lineage.
struct Shown {
    letter: DeadLetter,
    lineage: Vec<LineageStep>,
    /// The message with its data decoded, if they are protobuf and there is a schema.
    seen: Option<Stored>,
}

impl Item for Shown {
    fn record(&self) -> io::Result<Vec<u8>> {
        let mut record = Vec::new();
        let seen = self.seen.as_ref().map(|seen| &seen.message);
        write_shown(&mut record, &self.letter, seen, &self.lineage);
        record.push(b'\n');
        Ok(record)
    }

    fn stored(&self) -> Stored {
        self.letter.stored()
    }

    fn seen(&self) -> Option<&Stored> {
        self.seen.as_ref()
    }
}

fn details(shown: &Shown, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    let letter = &shown.letter;
    let record = &letter.record;
    let failure = &record.failure;
    let origin = &record.origin;
    let mut field = |name: &str, value: &dyn Display| {
        writeln!(
            out,
            "{}  {value}",
            paint(Paint::Dim, &format!("{name:<11}"))
        )
    };
    field("id", &paint(Paint::Name, letter.id.as_str()))?;
    let runs = if record.attempts == 1 { "run" } else { "runs" };
    let kind = format!("{} after {} failed {runs}", record.kind, record.attempts);
    field(
        "dead since",
        &format!("{}  {kind}", format_time(record.dead_lettered_at)),
    )?;
    if record.attempts > 1 {
        field("first run", &format_time(record.first_failed))?;
    }
    if record.crashes > 0 {
        field("crashes", &record.crashes)?;
    }
    field("topic", &origin.topic)?;
    field("group", &record.group)?;
    field(
        "position",
        &format!("{}  stored {}", origin.position, format_time(origin.time)),
    )?;
    if let Some(id) = &record.event_id {
        field(
            "event",
            &format!("{id}  {}", record.event_type.as_deref().unwrap_or("-")),
        )?;
    }
    if let Some(original) = &record.edit_of {
        field("edited", &format!("from {original}, which is archived"))?;
    }
    if let Some(earlier) = &record.replay_of {
        let (times, runs) = (record.generation, record.total_attempts);
        field(
            "replayed",
            &format!("{times}x, last as {earlier}; {runs} failed runs in total"),
        )?;
    }
    field(
        "failure",
        &format!("{} ({})", failure.message, failure.class),
    )?;
    field("fingerprint", &failure.fingerprint.0)?;
    if let Some(duration) = failure.duration {
        field("took", &rounded(duration))?;
    }
    lineage::write(&shown.lineage, out, paint)?;
    message(shown, out, paint)
}

fn message(shown: &Shown, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    let letter = &shown.letter;
    let mut block = |name: &str, text: &str| -> io::Result<()> {
        writeln!(out, "{}", paint(Paint::Dim, name))?;
        text.lines()
            .try_for_each(|line| writeln!(out, "    {}", without_controls(line)))
    };
    if let Some(detail) = &letter.record.failure.detail {
        block("detail", detail)?;
    }
    if !letter.record.earlier.is_empty() {
        block("earlier", &letter.record.earlier.join("\n"))?;
    }
    if let Some(key) = &letter.message.key {
        block("key", &String::from_utf8_lossy(key))?;
    }
    let headers: Vec<_> = letter
        .message
        .headers
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{name}: {}", String::from_utf8_lossy(value)),
            None => format!("{name}  (null)"),
        })
        .collect();
    if !headers.is_empty() {
        block("headers", &headers.join("\n"))?;
    }
    match &letter.message.payload {
        Some(payload) => block("payload", &String::from_utf8_lossy(payload))?,
        None => block("payload", "(null)")?,
    }
    if let Some(seen) = &shown.seen {
        block("decoded", &String::from_utf8_lossy(seen.message.bytes()))?;
    }
    writeln!(out)
}

fn rounded(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{}ms", duration.as_millis());
    }
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

/// Returns the text without control characters, which a terminal would interpret.
fn without_controls(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\t' => letter,
            letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
            letter => letter,
        })
        .collect()
}
