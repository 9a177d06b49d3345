//! `pf inbox create`: the table of an inbox.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use crate::{
    commands::outbox::database::Database,
    context::Context,
    error::CliResult,
    output::{Painter, Report},
};

/// Create the table of an inbox, `pf_inbox`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf inbox create --in postgres://localhost/shop
  pf inbox create --in 'postgres://localhost/shop?schema=app' --print > inbox.sql
  pf inbox create --in sqlite:app.db")]
pub struct CreateArgs {
    #[command(flatten)]
    database: Database,
    /// Only print the SQL, with the rights of a handler
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
            "created the inbox"
        } else {
            "the inbox exists already"
        };
        writeln!(out, "{text}")
    }
}

impl CreateArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let inbox = self.database.inbox(context)?;
        if self.print {
            return Ok(context.printer.raw(inbox.ddl().as_bytes())?);
        }
        let created = inbox.create().await?;
        context.printer.report(&Created { created })
    }
}
