//! `pf schedule`: delayed events.

mod cancel;
mod find;
mod list;
mod reschedule;
mod run;
mod show;

use clap::Subcommand;

use crate::{context::Context, error::CliResult};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  pf publish order.reminder '{}' --delay 2h
  pf schedule list
  pf schedule reschedule 01JD9Z6W4Q --delay 4h
  pf schedule cancel 01JD9Z6W4Q")]
pub enum ScheduleCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Cancel(cancel::CancelArgs),
    Reschedule(reschedule::RescheduleArgs),
    Run(run::RunArgs),
}

impl ScheduleCommand {
    /// Reports whether it changes the store.
    pub fn changes_store(&self) -> bool {
        match self {
            Self::List(_) | Self::Show(_) => false,
            Self::Cancel(_) | Self::Reschedule(_) | Self::Run(_) => true,
        }
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        match self {
            Self::List(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::Cancel(args) => args.run(context).await,
            Self::Reschedule(args) => args.run(context).await,
            Self::Run(args) => args.run(context).await,
        }
    }
}
