//! `pf inbox`: keys of handled events in the user's own database.

mod clean;
mod create;

use clap::Subcommand;

use crate::{context::Context, error::CliResult};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  pf inbox create --in postgres://localhost/shop
  pf inbox clean --in sqlite:app.db --older-than 30d

A handler enters PF_DEDUP_KEY into the table `pf_inbox` in the transaction of its effect, with
ON CONFLICT DO NOTHING. If no row went in, the effect was made before: it exits 0.")]
pub enum InboxCommand {
    Create(create::CreateArgs),
    Clean(clean::CleanArgs),
}

impl InboxCommand {
    /// Reports whether it changes the inbox.
    pub fn changes_store(&self) -> bool {
        match self {
            Self::Create(args) => !args.print,
            Self::Clean(_) => true,
        }
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::Clean(args) => args.run(context).await,
        }
    }
}
