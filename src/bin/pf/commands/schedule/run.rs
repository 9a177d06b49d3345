//! `pf schedule run`: for transports on which somebody must be running for delays to fire.

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Support};

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Deliver what is due, where the transport cannot do that by itself
#[derive(Debug, Args)]
pub struct RunArgs {}

impl RunArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let transport = context.open(OpenOptions::default()).await?;
        let capabilities = transport.capabilities().await?;
        let scheme = transport.scheme();
        match &capabilities.delay {
            Support::Native { .. } => {
                context.printer.remarks().remark(&format!(
                    "`{scheme}:` delivers what is due by itself: nobody needs to run this"
                ));
                Ok(())
            }
            Support::Emulated { note } => {
                context.printer.remarks().remark(&format!(
                    "`{scheme}:` delivers what is due while a consumer or a publisher runs: {note}"
                ));
                Ok(())
            }
            Support::Absent { note } => Err(CliError::message(
                Exit::Unsupported,
                format!("`{scheme}:` has no delays: {note}"),
            )),
        }
    }
}
