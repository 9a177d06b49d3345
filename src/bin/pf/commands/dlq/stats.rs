//! `pf dlq stats`: dead letters counted by topic, group, kind and fingerprint.

use std::io::{self, Write};

use clap::Args;
use comfy_table::{Cell, CellAlignment, Table};
use protoflow::{runtime::Counts, transport::StatsRow};
use serde::Serialize;

use super::{list::check_filter, names, selection::SelectionArgs};
use crate::{
    context::Context,
    error::CliResult,
    output::{Format, Painter, Report, abridged, counted, to_the_second},
};

/// Count dead letters by topic, group, kind and fingerprint
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq stats
  pf dlq stats --since 1d --top 5
  pf dlq stats -o json | jq 'select(.count > 100)'")]
pub struct StatsArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Show the N most frequent rows; `-o json` shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

impl StatsArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let Some(selected) = self.selection.open(context).await? else {
            return Ok(());
        };
        let remarks = context.printer.remarks();
        let triage = selected.triage;
        let counts = match triage.stats(selected.query).await {
            Ok(counts) => counts,
            Err(error) => return Err(names::explain(&triage, error).await),
        };
        if counts.rows.is_empty() && counts.filter_failures.count == 0 {
            selected.empty.report(&*selected.transport, &remarks).await;
            return Ok(());
        }
        if context.printer.format() == Format::Json {
            for row in &counts.rows {
                context.printer.report(&Row(row))?;
            }
            return check_filter(&counts.filter_failures);
        }
        let shown = &counts.rows[..counts.rows.len().min(self.top)];
        context.printer.report(&Summary { rows: shown })?;
        remarks.remark(&total(&counts, shown));
        check_filter(&counts.filter_failures)
    }
}

fn total(counts: &Counts, shown: &[StatsRow]) -> String {
    let count = |rows: &[StatsRow]| rows.iter().map(|row| row.count).sum::<u64>();
    let all = count(&counts.rows) + counts.rest;
    let letters = counted(all, "dead letter", "dead letters");
    match all - count(shown) {
        0 => letters,
        hidden => format!("{letters}, {hidden} of them in rows not shown"),
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Row<'a>(&'a StatsRow);

impl Report for Row<'_> {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        writeln!(out, "{} {}", self.0.count, self.0.sample)
    }
}

/// The most frequent rows, as a table.
#[derive(Serialize)]
struct Summary<'a> {
    rows: &'a [StatsRow],
}

impl Report for Summary<'_> {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        let table = reasons(self.rows);
        table
            .lines()
            .try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    }
}

/// Formats rows as a table.
pub fn reasons(rows: &[StatsRow]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "COUNT",
        "TOPIC",
        "GROUP",
        "KIND",
        "FINGERPRINT",
        "FIRST",
        "LAST",
        "REASON",
    ]);
    for row in rows {
        table.add_row([
            Cell::new(row.count).set_alignment(CellAlignment::Right),
            Cell::new(&row.topic),
            Cell::new(&row.group),
            Cell::new(row.kind),
            Cell::new(&row.fingerprint.0),
            Cell::new(to_the_second(row.first)),
            Cell::new(to_the_second(row.last)),
            Cell::new(abridged(&row.sample)),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}
