//! `pf dlq purge`: deletes dead letters.

use std::path::PathBuf;

use clap::Args;
use protoflow::transport::JobAction;

use super::{
    job::{self, JobArgs, Special},
    selection::Moment,
};
use crate::{context::Context, error::CliResult};

/// Delete dead letters permanently
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf dlq purge k3v7q2
  pf dlq purge --kind decode --older-than 30d --dry-run
  pf dlq list --reason timeout -o json > kept.ndjson && pf dlq purge --ids kept.ndjson --yes")]
pub struct PurgeArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Those that were dead-lettered longer ago, such as `30d`: the same as `--until`
    #[arg(long, value_name = "AGE", conflicts_with = "until")]
    older_than: Option<Moment>,
    /// Export them to a new file first
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

impl PurgeArgs {
    pub async fn run(mut self, context: &mut Context) -> CliResult<()> {
        if let Some(moment) = self.older_than {
            self.job.selection().select_before(moment);
        }
        let special = Special {
            export: self.export,
            ..Special::default()
        };
        job::run(self.job, JobAction::Purge, special, context).await
    }
}
