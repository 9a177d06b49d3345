//! `pf schedule cancel`: cancels delayed events.

use std::io::{self, Write};

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Schedules};
use serde::Serialize;

use super::find;
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
    values::ids,
};

/// Cancel delayed events
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf schedule cancel 01JD9Z6W4Q
  pf schedule list --topic order.reminder -o json | jq -r .schedule.id | pf schedule cancel --ids -")]
pub struct CancelArgs {
    /// Ids of schedules, or unique prefixes
    #[arg(required_unless_present = "ids", value_name = "ID")]
    schedules: Vec<String>,
    /// Read ids from a file, one per line; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "schedules")]
    ids: Option<String>,
}

#[derive(Serialize)]
struct Cancelled<'a> {
    id: &'a str,
    cancelled: bool,
}

impl Report for Cancelled<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let word = if self.cancelled {
            "cancelled"
        } else {
            "too late to cancel"
        };
        writeln!(out, "{word} {}", paint(Paint::Name, self.id))
    }
}

impl CancelArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let names = match &self.ids {
            Some(file) => {
                let ids = ids::read(file)?.map(|line| line.map(|(_, id)| id));
                ids.collect::<io::Result<_>>()?
            }
            None => self.schedules,
        };
        let transport = context.open(OpenOptions::default()).await?;
        let (mut cancelled, mut failed) = (0_u64, 0_u64);
        for name in &names {
            match cancel(transport.schedules(), name, context).await {
                Ok(true) => cancelled += 1,
                Ok(false) => failed += 1,
                Err(error) if names.len() == 1 => return Err(error),
                Err(error) => {
                    failed += 1;
                    context.printer.remarks().error(&error);
                }
            }
        }
        let exit = if cancelled > 0 {
            Exit::Partly
        } else {
            Exit::Failed
        };
        match failed {
            0 => Ok(()),
            1 => Err(CliError::message(exit, "1 event was not cancelled")),
            more => Err(CliError::message(
                exit,
                format!("{more} events were not cancelled"),
            )),
        }
    }
}

async fn cancel(schedules: &dyn Schedules, name: &str, context: &mut Context) -> CliResult<bool> {
    let schedule = find::one(schedules, name).await?;
    let cancelled = schedules.cancel(&schedule.id).await?;
    context.printer.report(&Cancelled {
        id: &schedule.id.0,
        cancelled,
    })?;
    Ok(cancelled)
}
