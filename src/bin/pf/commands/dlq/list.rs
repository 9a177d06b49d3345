//! `pf dlq list`: one line per dead letter, without its payload.

use std::io::{self, Write};

use clap::Args;
use protoflow::{
    event::Stored,
    runtime::{DeadLetterListing, FilterFailures, Fix, Masks, write_listed},
    transport::DeadLetter,
};

use super::{exchange::mask, job::count, names, selection::SelectionArgs};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Item, Paint, Painter, Printer, abridged, to_the_second},
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
        let Some(selected) = self.selection.open(context).await? else {
            return Ok(());
        };
        let remarks = context.printer.remarks();
        let masks = mask::of_policy(&selected.triage).await?;
        let mut letters = selected.triage.list(selected.query).await?;
        let printer = &mut context.printer;
        let shown = stream(&mut letters, self.limit, masks.as_ref(), printer).await?;
        let ended = self.limit.is_none_or(|limit| shown < limit);
        if ended {
            names::check(&selected.triage, &letters, shown > 0).await?;
        }
        check_filter(letters.filter_failures())?;
        if shown == 0 {
            selected.empty.report(&*selected.transport, &remarks).await;
        }
        Ok(())
    }
}

async fn stream(
    letters: &mut DeadLetterListing,
    limit: Option<usize>,
    masks: Option<&Masks>,
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
        for letter in page {
            let regressed = letters.take_regression(&letter);
            let letter = match masks {
                Some(masks) => masks.apply(&letter),
                None => letter,
            };
            printer.item(&Listed { letter, regressed }, listed_line)?;
        }
    }
    Ok(shown)
}

/// Fails if there are dead letters on which the filter failed: it is unknown whether they are selected.
pub fn check_filter(failed: &FilterFailures) -> CliResult<()> {
    if failed.count == 0 {
        return Ok(());
    }
    let (letters, reason) = (count(failed.count), &failed.reason);
    Err(CliError::message(
        Exit::Partly,
        format!("left out {letters} on which the filter failed: {reason}"),
    ))
}

/// A dead letter of a list.
struct Listed {
    letter: DeadLetter,
    regressed: Option<Fix>,
}

impl Item for Listed {
    fn record(&self) -> io::Result<Vec<u8>> {
        let mut record = Vec::new();
        write_listed(&mut record, &self.letter, self.regressed.as_ref());
        record.push(b'\n');
        Ok(record)
    }

    fn stored(&self) -> Stored {
        self.letter.stored()
    }
}

impl Item for DeadLetter {
    fn record(&self) -> io::Result<Vec<u8>> {
        let mut record = Vec::new();
        write_listed(&mut record, self, None);
        record.push(b'\n');
        Ok(record)
    }

    fn stored(&self) -> Stored {
        Self::stored(self)
    }
}

/// Writes a dead letter on one line, without its payload.
pub fn line(letter: &DeadLetter, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    begin(letter, out, paint)?;
    writeln!(out)
}

/// Writes the same line with its mark.
fn listed_line(listed: &Listed, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    begin(&listed.letter, out, paint)?;
    match &listed.regressed {
        Some(fix) => writeln!(out, "  regressed: was fixed in {}", fix.version),
        None => writeln!(out),
    }
}

fn begin(letter: &DeadLetter, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    let record = &letter.record;
    let dead_lettered_at = to_the_second(record.dead_lettered_at);
    write!(
        out,
        "{}  {}  {:<20}  {:<12}  {:<10}  {:>3}x  {}",
        paint(Paint::Name, letter.id.as_str()),
        paint(Paint::Dim, &dead_lettered_at),
        record.origin.topic.as_str(),
        record.group.as_str(),
        record.kind.as_str(),
        record.total_attempts,
        abridged(&record.failure.message),
    )
}
