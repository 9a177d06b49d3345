//! `pf inbox clean`: deletes old keys.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::Args;
use serde::Serialize;

use crate::{
    commands::outbox::database::Database,
    context::Context,
    error::CliResult,
    output::{Painter, Report, counted},
    values::times,
};

/// Delete old keys, 10,000 in a transaction
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf inbox clean --in postgres://localhost/shop --older-than 30d")]
pub struct CleanArgs {
    #[command(flatten)]
    database: Database,
    /// Only keys that were entered longer ago than this; later copies of their events are handled again
    #[arg(long, value_parser = times::duration, value_name = "DURATION", default_value = "30d")]
    older_than: Duration,
}

#[derive(Serialize)]
struct Deleted {
    deleted: u64,
}

impl Report for Deleted {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        writeln!(out, "deleted {}", counted(self.deleted, "key", "keys"))
    }
}

impl CleanArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let inbox = self.database.inbox(context)?;
        let deleted = inbox.clean(self.older_than).await?;
        context.printer.report(&Deleted { deleted })
    }
}
