//! `pf schedule show`: delayed events with their payload.

use std::io::{self, Write};

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Schedule};

use super::{find, list::due};
use crate::{
    context::Context,
    error::CliResult,
    output::{Paint, Painter},
};

/// Show delayed events with their payload
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf schedule show 01JD9Z6W4Q
  pf schedule show 01JD9Z6W4Q -o event")]
pub struct ShowArgs {
    /// Ids of schedules, or unique prefixes
    #[arg(required = true, value_name = "ID")]
    schedules: Vec<String>,
}

impl ShowArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let transport = context.open(OpenOptions::default()).await?;
        for name in &self.schedules {
            let schedule = find::one(transport.schedules(), name).await?;
            context.printer.item(&schedule, text)?;
        }
        Ok(())
    }
}

fn text(schedule: &Schedule, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    let name = |name: &str| paint(Paint::Dim, &format!("{name:<9}"));
    writeln!(
        out,
        "{}  {}",
        name("schedule"),
        paint(Paint::Name, &schedule.id.0)
    )?;
    writeln!(out, "{}  {}", name("due"), due(schedule))?;
    writeln!(out, "{}  {}", name("topic"), schedule.message.topic)?;
    let payload = String::from_utf8_lossy(schedule.message.bytes());
    writeln!(out, "{}", paint(Paint::Dim, "payload"))?;
    for line in payload.lines() {
        let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
        writeln!(out, "    {line}")?;
    }
    writeln!(out)
}
