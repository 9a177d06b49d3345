//! `pf outbox status`: what waits, for how long, and who relays.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::Args;
use protoflow::outbox::OutboxStatus;
use serde::Serialize;

use super::database::Database;
use crate::{
    context::Context,
    error::CliResult,
    output::{Paint, Painter, Report},
};

/// Show what waits in an outbox, who relays, and what holds up vacuum
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf outbox status --in postgres://localhost/shop
  pf outbox status --in sqlite:app.db -o json | jq .pending")]
pub struct StatusArgs {
    #[command(flatten)]
    database: Database,
}

impl StatusArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let status = self.database.outbox(context)?.status().await?;
        context.printer.report(&Shown(status))
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(OutboxStatus);

fn whole_seconds(age: Duration) -> String {
    humantime::format_duration(Duration::from_secs(age.as_secs())).to_string()
}

impl Report for Shown {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let status = &self.0;
        let mut line = |name: &str, value: &str| {
            writeln!(out, "{} {value}", paint(Paint::Dim, &format!("{name:<8}")))
        };
        let oldest = status.oldest.map(whole_seconds);
        let oldest = oldest.map_or(String::new(), |age| format!(", the oldest for {age}"));
        line("pending", &format!("{}{oldest}", status.pending))?;
        line("refused", &status.refused.to_string())?;
        line("delayed", &status.delayed.to_string())?;
        line("parked", &status.parked.to_string())?;
        line("kept", &status.kept.to_string())?;
        let relays: Vec<_> = status.relays.iter().filter(|relay| relay.is_live).collect();
        if relays.is_empty() {
            line("relay", "none")?;
        }
        for relay in relays {
            let shard = match relay.shards {
                1 => String::new(),
                of => format!("shard {} of {of}: ", relay.shard + 1),
            };
            line(
                "relay",
                &format!("{shard}{}, {:.0} rows/s", relay.holder, relay.rate),
            )?;
        }
        if let Some(blocker) = &status.vacuum_blocker {
            let open = blocker.open.map(whole_seconds).unwrap_or_default();
            let text = format!(
                "held up for {open} by process {} of `{}` ({}, {}): {}",
                blocker.pid, blocker.user, blocker.application, blocker.state, blocker.query
            );
            line("vacuum", &text)?;
        }
        Ok(())
    }
}
