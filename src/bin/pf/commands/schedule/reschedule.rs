//! `pf schedule reschedule`: changes the delivery time of a delayed event.

use std::{
    io::{self, Write},
    time::{Duration, SystemTime},
};

use clap::{ArgGroup, Args};
use protoflow::{backends::OpenOptions, event::format_time};
use serde::Serialize;

use super::find;
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
    values::times,
};

/// Change the delivery time of a delayed event
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("due").args(["delay", "at"]).required(true))]
#[command(after_help = "\
Examples:
  pf schedule reschedule 01JD9Z6W4Q --delay 2h
  pf schedule reschedule 01JD9Z6W4Q --at 'tomorrow 09:00'")]
pub struct RescheduleArgs {
    /// The id of the schedule, or a unique prefix
    #[arg(value_name = "ID")]
    schedule: String,
    /// Deliver after this delay from now, such as `90s`
    #[arg(long, value_parser = times::duration, value_name = "DURATION", allow_hyphen_values = true)]
    delay: Option<Duration>,
    /// Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`
    #[arg(long, value_parser = times::moment, value_name = "TIME")]
    at: Option<SystemTime>,
}

#[derive(Serialize)]
struct Rescheduled<'a> {
    id: &'a str,
    due: String,
}

impl Report for Rescheduled<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let id = paint(Paint::Name, self.id);
        writeln!(out, "rescheduled {id} to {}", self.due)
    }
}

impl RescheduleArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let delayed = self.delay.map(|delay| SystemTime::now() + delay);
        let due = delayed
            .or(self.at)
            .ok_or_else(|| CliError::usage("`--delay` or `--at` is required"))?;
        let transport = context.open(OpenOptions::default()).await?;
        let schedules = transport.schedules();
        let schedule = find::one(schedules, &self.schedule).await?;
        if !schedules.reschedule(&schedule.id, due).await? {
            let text = format!("too late for `{}`: it has been delivered", schedule.id);
            return Err(CliError::message(Exit::Failed, text));
        }
        if due <= SystemTime::now() {
            let remarks = context.printer.remarks();
            remarks.remark("this time is in the past: it is due now");
        }
        context.printer.report(&Rescheduled {
            id: &schedule.id.0,
            due: format_time(due),
        })
    }
}
