//! `pf demo`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, CliResult},
};

/// To be written
#[derive(Debug, Args)]
pub struct DemoArgs {}

impl DemoArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        context
            .open(protoflow::backends::OpenOptions::default())
            .await?;
        Err(CliError::usage("to be written"))
    }
}
