//! `pf outbox list` and `pf outbox show`: rows of an outbox.

use std::io::{self, Write};

use clap::Args;
use protoflow::outbox::{OutboxRow, RowFilter};
use serde::Serialize;

use super::database::Database;
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report, abridged, counted, to_the_second},
};

/// Rows read at once.
const PAGE: i64 = 500;

/// List rows that were refused
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox list --in postgres://localhost/shop
  pf outbox list --in postgres://localhost/shop --parked -o json | jq -r .id")]
pub struct ListArgs {
    #[command(flatten)]
    database: Database,
    /// Only parked rows
    #[arg(long, conflicts_with = "all")]
    parked: bool,
    /// All rows that are not published
    #[arg(long)]
    all: bool,
    /// End after N rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Show a row: its event, and why it was refused
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox show --in postgres://localhost/shop 42")]
pub struct ShowArgs {
    #[command(flatten)]
    database: Database,
    /// The identifier of the row, as `pf outbox list` shows it
    #[arg(value_name = "ID")]
    row: i64,
}

impl ListArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let outbox = self.database.outbox(context)?;
        let filter = match (self.parked, self.all) {
            (true, _) => RowFilter::Parked,
            (_, true) => RowFilter::Unsent,
            _ => RowFilter::Refused,
        };
        let limit = self.limit.unwrap_or(usize::MAX);
        let (mut shown, mut above) = (0, 0);
        loop {
            let page = outbox.list(filter, above, PAGE).await?;
            let Some(last) = page.last() else { break };
            above = last.id;
            for row in page.into_iter().take(limit - shown) {
                shown += 1;
                context.printer.report(&Line(row))?;
            }
            if shown == limit {
                return Ok(());
            }
        }
        if shown == 0 {
            let none = match filter {
                RowFilter::Refused => "no refused rows",
                RowFilter::Parked => "no parked rows",
                RowFilter::Unsent => "no unpublished rows",
            };
            context.printer.remarks().remark(none);
        }
        Ok(())
    }
}

impl ShowArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let row = self.database.outbox(context)?.show(self.row).await?;
        let Some(row) = row else {
            let text = format!("there is no row {}: published rows are deleted", self.row);
            return Err(CliError::message(Exit::Failed, text));
        };
        context.printer.report(&Whole(row))
    }
}

/// A row on one line.
#[derive(Serialize)]
#[serde(transparent)]
struct Line(OutboxRow);

impl Report for Line {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let row = &self.0;
        write!(
            out,
            "{}  {}  {:<8}  {}",
            paint(Paint::Name, &row.id.to_string()),
            paint(Paint::Dim, &to_the_second(row.created_at)),
            row.state.word(),
            row.topic,
        )?;
        if let Some(key) = &row.key {
            write!(out, "  {key}")?;
        }
        if let Some(error) = &row.error {
            write!(out, "  {}", abridged(error))?;
        }
        writeln!(out)
    }
}

/// A row with everything.
#[derive(Serialize)]
#[serde(transparent)]
struct Whole(OutboxRow);

impl Report for Whole {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let row = &self.0;
        let mut line = |name: &str, value: &str| {
            writeln!(out, "{} {value}", paint(Paint::Dim, &format!("{name:<9}")))
        };
        line("row", &row.id.to_string())?;
        line("state", row.state.word())?;
        line("topic", &row.topic)?;
        line("key", row.key.as_deref().unwrap_or("-"))?;
        line("created", &to_the_second(row.created_at))?;
        if let Some(due) = row.due {
            line("due", &to_the_second(due))?;
        }
        if let Some(error) = &row.error {
            line(
                "refused",
                &counted(row.attempts.unsigned_abs(), "time", "times"),
            )?;
            line("error", error)?;
        }
        writeln!(out, "{}", row.event)
    }
}
