//! `pf dlq archive` and `pf dlq restore`.

use std::io::{self, Write};

use clap::Args;
use protoflow::runtime::{Archiving, LogEntry};
use serde::Serialize;

use crate::{
    commands::dlq::{
        job::count,
        list::check_filter,
        names,
        operator::{self, Because},
        selection::SelectionArgs,
    },
    context::Context,
    error::{CliError, CliResult},
    output::{Paint, Painter, Report},
};

/// Put dead letters aside: only `--archived` shows them, until they are restored
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq archive k3v7q2 --because 'the customer knows'
  pf dlq archive --until 30d
  pf dlq list --archived")]
pub struct ArchiveArgs {
    #[command(flatten)]
    args: ChangeArgs,
}

/// Take dead letters out of the archive
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq restore k3v7q2
  pf dlq restore --all")]
pub struct RestoreArgs {
    #[command(flatten)]
    args: ChangeArgs,
}

#[derive(Debug, Args)]
struct ChangeArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Select every one
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    because: Because,
}

impl ArchiveArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        self.args.run("archive", context).await
    }
}

impl RestoreArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        self.args.run("restore", context).await
    }
}

impl ChangeArgs {
    async fn run(self, verb: &'static str, context: &mut Context) -> CliResult<()> {
        let is_given = self.selection.is_given();
        if self.all == is_given {
            let text = if is_given {
                "`--all` cannot be combined with a selection".to_owned()
            } else {
                format!("nothing selected to {verb}")
            };
            return Err(CliError::usage(text)
                .hint("select by ids or flags, or every one with `--all`; see `pf dlq list`"));
        }
        let Some(selected) = self.selection.open(context).await? else {
            return Ok(());
        };
        let (triage, text) = (selected.triage, selected.query.text());
        let guard = triage.guard().await.map_err(CliError::from)?;
        guard.check_writable().map_err(CliError::from)?;
        let entry = LogEntry {
            selection: selected.text.unwrap_or(text),
            because: self.because.because,
            ..LogEntry::new(operator::who(), verb)
        };
        let change = async {
            match verb {
                "archive" => triage.archive(selected.query).await,
                _ => triage.restore(selected.query).await,
            }
        };
        let ended = |done: &Archiving, entry| (done.changed > 0).then_some(entry);
        let changed = operator::noted(&triage, entry, change, ended, context).await;
        let changed = match changed {
            Ok(changed) => changed,
            Err(error) => return Err(names::explain(&triage, error).await),
        };
        context.printer.report(&Changed {
            action: verb,
            changed: changed.changed,
        })?;
        check_filter(&changed.filter_failures)
    }
}

#[derive(Serialize)]
struct Changed {
    action: &'static str,
    #[serde(rename = "done")]
    changed: u64,
}

impl Report for Changed {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let done = format!("{}d", self.action);
        writeln!(out, "{} {}", paint(Paint::Good, &done), count(self.changed))
    }
}
