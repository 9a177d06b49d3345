//! `pf dlq replay`: publishes dead letters again.

use clap::Args;
use protoflow::{event::Topic, transport::JobAction};

use super::job::{self, JobArgs};
use crate::{context::Context, error::CliResult, values::topics};

/// Publish dead letters again, where possible only to the group that failed
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq replay k3v7q2
  pf dlq replay --reason timeout --dry-run
  pf dlq replay --all --rate 50 --max-replays 3 --yes
  pf dlq replay --type order.created --to order.repaired

The selection is frozen as a plan first; events that are dead-lettered later are not replayed.
An interrupted replay is resumed when the same command is run again, on any host.")]
pub struct ReplayArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Publish to another topic
    #[arg(long, value_name = "TOPIC")]
    to: Option<Topic>,
    /// Leave out dead letters that were replayed N times or more
    #[arg(long, value_name = "N")]
    max_replays: Option<u32>,
}

impl ReplayArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if let Some(topic) = &self.to {
            topics::refuse_dead_letters(topic)?;
        }
        let action = JobAction::Replay { to: self.to };
        job::run(self.job, action, self.max_replays, context).await
    }
}
