//! `pf outbox create`: the tables of an outbox.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::database::Database;
use crate::{
    context::Context,
    error::CliResult,
    output::{Painter, Report},
};

/// Create the tables of an outbox, and the function `pf_emit` in PostgreSQL
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox create --in postgres://localhost/shop
  pf outbox create --in 'postgres://localhost/shop?schema=app' --print > outbox.sql
  pf outbox create --in sqlite:app.db")]
pub struct CreateArgs {
    #[command(flatten)]
    database: Database,
    /// Only print the SQL, with the rights of a writer and a relay
    #[arg(long)]
    pub print: bool,
}

#[derive(Serialize)]
struct Created {
    created: bool,
}

impl Report for Created {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        let text = if self.created {
            "created the outbox"
        } else {
            "the outbox exists already"
        };
        writeln!(out, "{text}")
    }
}

impl CreateArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let outbox = self.database.outbox(context)?;
        if self.print {
            return Ok(context.printer.raw(outbox.ddl().as_bytes())?);
        }
        let created = outbox.create().await?;
        context.printer.report(&Created { created })
    }
}
