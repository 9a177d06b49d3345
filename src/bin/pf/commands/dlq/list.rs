//! `pf dlq list`: one line per dead letter, without its payload.

use std::io::{self, Write};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    event::Stored,
    runtime::{Letters, Triage, write_letter},
    transport::DeadLetter,
};

use super::{job::count, names, selection::SelectionArgs};
use crate::{
    context::Context,
    error::CliResult,
    output::{Format, Paint, Painter, Printer, Text, abridged, to_the_second},
};

/// Dead letters per page.
const PAGE: usize = 500;

/// List dead letters, oldest first, without their payloads
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq list
  pf dlq list --topic 'order.*' --group billing --since 2h
  pf dlq list --where '.event.data.amount > 100' -o json
  pf dlq list --reason timeout -o json | pf dlq replay --ids - --yes")]
pub struct ListArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// End after N dead letters
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl ListArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let remarks = context.printer.remarks();
        let Some(chosen) = self.selection.choose(&remarks)? else {
            return Ok(());
        };
        let transport = context.open(OpenOptions::default()).await?;
        let triage = Triage::new(transport.clone());
        let mut letters = triage.list(chosen.query).await?;
        let shown = stream(&mut letters, self.limit, &mut context.printer).await?;
        let ended = self.limit.is_none_or(|limit| shown < limit);
        if ended {
            names::check(&triage, &letters, shown > 0).await?;
        }
        warn_unfiltered(&letters, context);
        if shown == 0 {
            remarks.remark("no dead letters");
            chosen.empty.hint(&*transport, &remarks).await;
        }
        Ok(())
    }
}

async fn stream(
    letters: &mut Letters,
    limit: Option<usize>,
    printer: &mut Printer,
) -> CliResult<usize> {
    let mut shown = 0;
    let limit = limit.unwrap_or(usize::MAX);
    while shown < limit {
        let page = letters.next(PAGE.min(limit - shown)).await?;
        if page.is_empty() {
            break;
        }
        shown += page.len();
        for letter in &page {
            show(printer, letter, line)?;
        }
    }
    Ok(shown)
}

/// Warns about dead letters on which the filter failed.
pub fn warn_unfiltered(letters: &Letters, context: &Context) {
    let failed = letters.unfiltered();
    if failed.letters > 0 {
        let (letters, reason) = (count(failed.letters), &failed.reason);
        context.printer.remarks().warning(&format!(
            "left out {letters} on which the filter failed: {reason}"
        ));
    }
}

/// Writes a letter in the chosen format; `text` writes it for people.
pub fn show(printer: &mut Printer, letter: &DeadLetter, text: Text<DeadLetter>) -> CliResult<()> {
    match printer.format() {
        Format::Text => printer.human(|out, paint| text(letter, out, paint))?,
        Format::Json => {
            let mut record = Vec::new();
            write_letter(&mut record, letter);
            record.push(b'\n');
            printer.raw(&record)?;
        }
        Format::Event | Format::Data | Format::Raw => {
            let stored = Stored {
                message: letter.message.clone(),
                position: letter.record.origin.position.clone(),
                time: letter.record.origin.time,
            };
            printer.message(&stored)?;
        }
    }
    Ok(())
}

/// Writes a dead letter on one line, without its payload.
pub fn line(letter: &DeadLetter, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    let record = &letter.record;
    let died = to_the_second(record.dead_since);
    writeln!(
        out,
        "{}  {}  {:<20}  {:<12}  {:<10}  {:>3}x  {}",
        paint(Paint::Name, letter.id.as_str()),
        paint(Paint::Dim, &died),
        record.origin.topic.as_str(),
        record.group.as_str(),
        record.kind.as_str(),
        record.total_attempts,
        abridged(&record.failure.message),
    )
}
