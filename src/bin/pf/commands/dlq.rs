//! `pf dlq`.

use clap::Subcommand;

use crate::{
    context::Context,
    error::{CliError, CliResult},
};

/// To be written
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// To be written
    List,
}

impl DlqCommand {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        context
            .open(protoflow::backends::OpenOptions::default())
            .await?;
        Err(CliError::usage("to be written"))
    }
}
