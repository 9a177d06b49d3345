//! `pf schedule run`: delivers due events on transports that need a running process for it.

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Support};

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    metrics::MetricsArgs,
};

/// The metric of what is delivered.
const DELIVERED: &str = "protoflow.schedule.delivered";

/// Deliver due events, on transports that need a running process for it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf schedule run --url kafka://localhost:9092/
  pf schedule run --url kafka://localhost:9092/ --metrics :9464")]
pub struct RunArgs {
    #[command(flatten)]
    metrics: MetricsArgs,
}

impl RunArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let serving = self.metrics.start(&context.printer.remarks())?;
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
                metrics::describe_counter!(
                    DELIVERED,
                    "Events that were delivered when they were due"
                );
                serving.health.set_working(true);
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
