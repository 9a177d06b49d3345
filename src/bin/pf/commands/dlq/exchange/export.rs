//! `pf dlq export`: dead letters on lines, with all that belongs to them.

use std::io;

use clap::Args;
use protoflow::{
    runtime::{FilterFailures, Masks, Query, Triage, write_export_end, write_exported},
    transport::{DeadLetter, DeadLetterId},
};

use super::mask;
use crate::{
    commands::dlq::{job::count, list::check_filter, names, selection::SelectionArgs},
    context::Context,
    error::{CliError, CliResult},
};

/// Dead letters per page.
const PAGE: usize = 500;

/// Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq export --all > dead-letters.ndjson
  pf dlq export --group billing --since 1d | pf dlq import - --url nats://other/ORDERS
  pf dlq export --all --mask .event.data.card > for-the-vendor.ndjson

Each line has a checksum, and the last line the number of dead letters. Masked lines cannot be imported.")]
pub struct ExportArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Export every dead letter of the store
    #[arg(long)]
    all: bool,
    /// Replace the values at this path of the record by `***`; may be given several times
    #[arg(long, value_name = "PATH")]
    mask: Vec<String>,
}

impl ExportArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if self.all == self.selection.is_given() {
            let text = if self.all {
                "`--all` cannot be combined with a selection"
            } else {
                "nothing selected to export"
            };
            return Err(CliError::usage(text)
                .hint("select by ids or flags, or every one with `--all`; see `pf dlq stats`"));
        }
        // An error of a mask comes before the store is opened.
        mask::compile(self.mask.clone())?;
        let Some(selected) = self.selection.open(context).await? else {
            return Ok(());
        };
        let triage = selected.triage;
        let guard = triage.guard().await.map_err(CliError::from)?;
        let mut paths = self.mask;
        paths.extend(guard.masks().map(str::to_owned));
        let masks = mask::compile(paths)?;
        let mut print = |lines: &[u8], context: &mut Context| context.printer.raw(lines);
        let (exported, failed) = export(
            &triage,
            selected.query,
            masks.as_ref(),
            context,
            &mut print,
            &mut |_| {},
        )
        .await?;
        context.printer.flush()?;
        context
            .printer
            .remarks()
            .remark(&format!("exported {}", count(exported)));
        check_filter(&failed)
    }
}

type Write<'a> = dyn FnMut(&[u8], &mut Context) -> io::Result<()> + Send + 'a;

/// Writes the dead letters of a query without masks, and returns their ids.
pub async fn write_all(
    triage: &Triage,
    query: Query,
    context: &mut Context,
    write: &mut Write<'_>,
) -> CliResult<Vec<DeadLetterId>> {
    let mut ids = Vec::new();
    // The job reports failures of the filter.
    export(triage, query, None, context, write, &mut |id| {
        ids.push(id.clone());
    })
    .await?;
    Ok(ids)
}

async fn export(
    triage: &Triage,
    query: Query,
    masks: Option<&Masks>,
    context: &mut Context,
    write: &mut Write<'_>,
    seen: &mut (dyn FnMut(&DeadLetterId) + Send),
) -> CliResult<(u64, FilterFailures)> {
    let mut letters = triage.list(query).await?;
    let (mut exported, mut lines) = (0, Vec::new());
    loop {
        let page = letters.next(PAGE).await?;
        if page.is_empty() {
            break;
        }
        for letter in &page {
            line(letter, masks, &mut lines)?;
            seen(&letter.id);
        }
        exported += page.len() as u64;
        write(&lines, context)?;
        lines.clear();
    }
    names::check(triage, &letters, exported > 0).await?;
    write_export_end(&mut lines, exported);
    write(&lines, context)?;
    Ok((exported, letters.filter_failures().clone()))
}

fn line(letter: &DeadLetter, masks: Option<&Masks>, lines: &mut Vec<u8>) -> CliResult<()> {
    if let Some(masks) = masks {
        return mask::write(masks, lines, letter);
    }
    write_exported(lines, letter);
    Ok(())
}
