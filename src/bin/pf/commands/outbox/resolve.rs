//! `pf outbox unblock` and `pf outbox park`: resolving refused rows.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::database::Database;
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report, counted},
};

/// Publish refused or parked rows again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox unblock --in postgres://localhost/shop 42

A parked row is published after the later rows of its key that went before it.")]
pub struct UnblockArgs {
    #[command(flatten)]
    database: Database,
    /// Identifiers of rows, as `pf outbox list` shows them
    #[arg(required = true, value_name = "ID")]
    rows: Vec<i64>,
}

/// Park rows, so that they hold up nothing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox park --in postgres://localhost/shop 42")]
pub struct ParkArgs {
    #[command(flatten)]
    database: Database,
    /// Identifiers of rows, as `pf outbox list` shows them
    #[arg(required = true, value_name = "ID")]
    rows: Vec<i64>,
}

#[derive(Serialize)]
struct Resolved {
    id: i64,
    #[serde(skip)]
    words: (&'static str, &'static str),
    changed: bool,
}

impl Report for Resolved {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let word = if self.changed {
            self.words.0
        } else {
            self.words.1
        };
        writeln!(out, "{word} {}", paint(Paint::Name, &self.id.to_string()))
    }
}

impl UnblockArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let outbox = self.database.outbox(context)?;
        let (mut missing, all) = (0, self.rows.len());
        for id in self.rows {
            let changed = outbox.unblock(id).await?;
            missing += u64::from(!changed);
            let words = ("unblocked", "neither refused nor parked:");
            context.printer.report(&Resolved { id, words, changed })?;
        }
        conclude(missing, all)
    }
}

impl ParkArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let outbox = self.database.outbox(context)?;
        let (mut missing, all) = (0, self.rows.len());
        for id in self.rows {
            let changed = outbox.park(id).await?;
            missing += u64::from(!changed);
            let words = ("parked", "no unpublished row");
            context.printer.report(&Resolved { id, words, changed })?;
        }
        conclude(missing, all)
    }
}

fn conclude(missing: u64, all: usize) -> CliResult<()> {
    let exit = if missing == all as u64 {
        Exit::Failed
    } else {
        Exit::Partly
    };
    match missing {
        0 => Ok(()),
        missing => Err(CliError::message(
            exit,
            format!("{} not changed", counted(missing, "row was", "rows were")),
        )),
    }
}
