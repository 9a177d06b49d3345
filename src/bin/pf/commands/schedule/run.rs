//! `pf schedule run`: for transports on which somebody must be running for delays to fire.

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Support};

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Deliver what is due, where somebody must be running for that
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
                "`{scheme}:` delivers what is due by itself: nobody needs to run this"
            )),
            Support::Emulated { note } => {
                let signals = context.signals()?;
                remarks.remark(&format!("delivering what is due on `{scheme}:` ({note})"));
                tokio::select! {
                    () = signals.stop.drain.cancelled() => {}
                    ended = transport.schedules().run() => ended?,
                }
            }
            Support::Absent { note } => {
                let text = format!("`{scheme}:` has no delays: {note}");
                return Err(CliError::message(Exit::Unsupported, text));
            }
        }
        Ok(())
    }
}
