//! `pf dlq replay`: publishes dead letters again.

use clap::Args;
use protoflow::{event::Topic, transport::JobAction};

use super::{
    canary::CanaryArgs,
    job::{self, JobArgs, Special},
    repair::JqEdit,
};
use crate::{context::Context, error::CliResult, values::topics};

/// Publish dead letters again, where possible only to the group that failed
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq replay k3v7q2
  pf dlq replay --reason timeout --dry-run
  pf dlq replay --all --rate 50 --max-replays 3 --yes
  pf dlq replay --type order.created --to order.repaired
  pf dlq replay --reason currency --edit '.event.data.currency = \"EUR\"'
  pf dlq replay --reason currency --canary 5 -- ./charge-v2
  pf dlq replay --reason currency --canary 5

The selection is frozen as a plan first; events that are dead-lettered later are not replayed.
An interrupted replay is resumed when the same command is run again, on any host.

A canary runs the command after `--` as `pf consume` does, on copies: nothing is published or
settled. In its environment is PF_CANARY=1, with which a nested `pf` only validates what would
change a store. What the command does elsewhere is real.

Without a command, the first N are replayed, and the rest once their group has settled these and
none of them is a dead letter again. If one died again, or the store cannot tell, nothing more is
replayed and the exit status is 4; after --canary-timeout it is 3. The rest stays a job that can be
resumed or cancelled.")]
pub struct ReplayArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Publish to another topic
    #[arg(long, value_name = "TOPIC")]
    to: Option<Topic>,
    /// Leave out dead letters that were replayed N times or more
    #[arg(long, value_name = "N")]
    max_replays: Option<u32>,
    /// Edit the events first, by jq on the record, such as `.event.data.amount |= tonumber`
    #[arg(long, value_name = "JQ")]
    edit: Option<String>,
    /// Stop when more than this share of what was replayed has died again, such as `20%`
    #[arg(long, value_name = "SHARE", value_parser = share)]
    stop_on_refail: Option<f64>,
    #[command(flatten)]
    canary: CanaryArgs,
}

/// Parses a share: `20%` or `0.2`.
fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(number) => number.trim().parse::<f64>().map(|number| number / 100.0),
        None => text.parse(),
    };
    match share {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("not a share below 100%; use for example `20%`".to_owned()),
    }
}

impl ReplayArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if let Some(topic) = &self.to {
            topics::refuse_dead_letters(topic)?;
        }
        let action = JobAction::Replay { to: self.to };
        let special = Special {
            max_replays: self.max_replays,
            stop_on_refail: self.stop_on_refail,
            edit: self.edit.as_deref().map(JqEdit::compile).transpose()?,
            canary: self.canary.read()?,
            export: None,
        };
        job::run(self.job, action, special, context).await
    }
}
