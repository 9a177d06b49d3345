//! `pf outbox`: transactional outboxes in the user's own database.

mod clean;
mod create;
pub(super) mod database;
mod gauges;
mod relay;
mod reporter;
mod resolve;
mod rows;
mod status;

use clap::Subcommand;

use crate::{context::Context, error::CliResult};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  pf outbox create --in postgres://localhost/shop
  pf outbox relay --from postgres://localhost/shop --to kafka://localhost:9092/
  pf outbox status --in postgres://localhost/shop
  pf outbox list --in sqlite:app.db")]
pub enum OutboxCommand {
    Create(create::CreateArgs),
    Relay(relay::RelayArgs),
    Status(status::StatusArgs),
    List(rows::ListArgs),
    Show(rows::ShowArgs),
    Unblock(resolve::UnblockArgs),
    Park(resolve::ParkArgs),
    Clean(clean::CleanArgs),
}

impl OutboxCommand {
    /// Reports whether it changes the outbox or a store.
    pub fn changes_store(&self) -> bool {
        match self {
            Self::Create(args) => !args.print,
            Self::Status(_) | Self::List(_) | Self::Show(_) => false,
            Self::Relay(_) | Self::Unblock(_) | Self::Park(_) | Self::Clean(_) => true,
        }
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        match self {
            Self::Create(args) => args.run(context).await,
            Self::Relay(args) => args.run(context).await,
            Self::Status(args) => args.run(context).await,
            Self::List(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::Unblock(args) => args.run(context).await,
            Self::Park(args) => args.run(context).await,
            Self::Clean(args) => args.run(context).await,
        }
    }
}
