//! `pf outbox clean`: deletes kept rows.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::Args;
use serde::Serialize;

use super::database::Database;
use crate::{
    context::Context,
    error::CliResult,
    output::{Painter, Report, counted},
    values::times,
};

/// Delete rows that were published and kept, 10,000 in a transaction
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox clean --in postgres://localhost/shop --older-than 7d")]
pub struct CleanArgs {
    #[command(flatten)]
    database: Database,
    /// Only rows that were published longer ago than this
    #[arg(long, value_parser = times::duration, value_name = "DURATION", default_value = "7d")]
    older_than: Duration,
}

#[derive(Serialize)]
struct Deleted {
    deleted: u64,
}

impl Report for Deleted {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        writeln!(out, "deleted {}", counted(self.deleted, "row", "rows"))
    }
}

impl CleanArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let deleted = self
            .database
            .outbox(context)?
            .clean(self.older_than)
            .await?;
        context.printer.report(&Deleted { deleted })
    }
}
