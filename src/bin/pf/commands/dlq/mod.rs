//! `pf dlq`: lists, shows, replays and purges dead letters.

mod canary;
mod capture;
mod check;
mod exchange;
mod job;
mod lineage;
mod list;
mod names;
mod notes;
mod operator;
mod purge;
mod repair;
mod replay;
mod selection;
mod show;
mod stats;

use clap::Subcommand;

use crate::{context::Context, error::CliResult};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Every subcommand selects dead letters the same way: by ids, flags and a jq filter.

Examples:
  pf dlq stats
  pf dlq list --reason timeout --since 1h
  pf dlq show k3v7q2
  pf dlq replay --reason timeout --dry-run")]
pub enum DlqCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
    Replay(replay::ReplayArgs),
    Purge(purge::PurgeArgs),
    Edit(repair::EditArgs),
    Apply(job::ApplyArgs),
    #[command(subcommand)]
    Jobs(job::JobsCommand),
    Archive(notes::ArchiveArgs),
    Restore(notes::RestoreArgs),
    Fixed(notes::FixedArgs),
    Check(check::CheckArgs),
    Export(exchange::ExportArgs),
    Import(exchange::ImportArgs),
    Log(notes::LogArgs),
    #[command(subcommand)]
    Policy(notes::PolicyCommand),
    Capture(capture::CaptureArgs),
}

impl DlqCommand {
    /// Reports whether it changes the store.
    pub fn changes_store(&self) -> bool {
        match self {
            Self::List(_)
            | Self::Show(_)
            | Self::Stats(_)
            | Self::Check(_)
            | Self::Export(_)
            | Self::Log(_) => false,
            Self::Jobs(command) => command.changes_store(),
            Self::Policy(command) => command.changes_store(),
            Self::Replay(_)
            | Self::Purge(_)
            | Self::Edit(_)
            | Self::Apply(_)
            | Self::Archive(_)
            | Self::Restore(_)
            | Self::Fixed(_)
            | Self::Import(_)
            | Self::Capture(_) => true,
        }
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        match self {
            Self::List(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::Stats(args) => args.run(context).await,
            Self::Replay(args) => args.run(context).await,
            Self::Purge(args) => args.run(context).await,
            Self::Edit(args) => args.run(context).await,
            Self::Apply(args) => args.run(context).await,
            Self::Jobs(command) => command.run(context).await,
            Self::Archive(args) => args.run(context).await,
            Self::Restore(args) => args.run(context).await,
            Self::Fixed(args) => args.run(context).await,
            Self::Check(args) => args.run(context).await,
            Self::Export(args) => args.run(context).await,
            Self::Import(args) => args.run(context).await,
            Self::Log(args) => args.run(context).await,
            Self::Policy(command) => command.run(context).await,
            Self::Capture(args) => args.run(context).await,
        }
    }
}
