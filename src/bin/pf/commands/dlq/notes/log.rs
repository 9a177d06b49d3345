//! `pf dlq log`: who changed which dead letters, when and why.

use std::io::{self, Write};

use clap::Args;
use protoflow::runtime::LogEntry;
use serde::Serialize;

use crate::{
    commands::dlq::operator,
    context::Context,
    error::CliResult,
    output::{Paint, Painter, Report, to_the_second},
};

/// Show who changed which dead letters, when and why
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq log
  pf dlq log --last 1 -o json")]
pub struct LogArgs {
    /// Only the last N entries
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

impl LogArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let (_, triage) = operator::open(context).await?;
        let entries = triage.log().await?;
        let skipped = self
            .last
            .map_or(0, |last| entries.len().saturating_sub(last));
        for entry in entries.into_iter().skip(skipped) {
            context.printer.report(&View(entry))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct View(LogEntry);

impl Report for View {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let entry = &self.0;
        let time = to_the_second(entry.time);
        let (dim, action) = (paint(Paint::Dim, &time), paint(Paint::Name, &entry.action));
        write!(out, "{dim}  {}  {action}", entry.who)?;
        if !entry.selection.is_empty() {
            write!(out, " {}", entry.selection)?;
        }
        if entry.begun {
            write!(out, "  begun, end unknown")?;
        }
        if let Some(result) = &entry.result {
            write!(out, "  {} done", result.done)?;
            let others = [
                ("gone", result.gone),
                ("failed", result.failed),
                ("ambiguous", result.ambiguous),
            ];
            for (name, count) in others.into_iter().filter(|(_, count)| *count > 0) {
                write!(out, ", {count} {name}")?;
            }
        }
        match &entry.because {
            Some(because) => writeln!(out, "  because {because}"),
            None => writeln!(out),
        }
    }
}
