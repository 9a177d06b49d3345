//! `pf schedule`.

use clap::Subcommand;

use crate::{
    context::Context,
    error::{CliError, CliResult},
};

/// To be written
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// To be written
    List,
}

impl ScheduleCommand {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        context
            .open(protoflow::backends::OpenOptions::default())
            .await?;
        Err(CliError::usage("to be written"))
    }
}
