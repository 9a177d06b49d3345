//! `pf schedule run`: delivers due events on transports that need a running process for it.

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Support};

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Deliver due events, on transports that need a running process for it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf schedule run --url kafka://localhost:9092/")]
pub struct RunArgs {}

impl RunArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let transport = context.open(OpenOptions::default()).await?;
        let remarks = context.printer.remarks();
        let scheme = transport.scheme();
        match transport.capabilities().await?.delay {
            Support::Native { .. } => remarks.remark(&format!(
                "`{scheme}:` delivers due events itself: this command is not needed"
            )),
            Support::Emulated { note } => {
                let signals = context.signals()?;
                remarks.remark(&format!("delivering due events on `{scheme}:` ({note})"));
                tokio::select! {
                    () = signals.stop.drain.cancelled() => {}
                    ended = transport.schedules().run() => ended?,
                }
            }
            Support::Absent { note } => {
                let text = format!("`{scheme}:` does not support delays: {note}");
                return Err(CliError::message(Exit::Unsupported, text));
            }
        }
        Ok(())
    }
}
