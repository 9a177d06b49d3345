//! `pf schedule list`: one line per delayed event, without its payload.

use std::io::{self, Write};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    event::{Envelope, Pattern, Position, Stored, format_time, write_record},
    runtime::{Filter, FilterError},
    transport::Schedule,
};
use serde::Serialize;

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Item, Paint, Painter, Remarks, counted},
};

/// Schedules per page.
const PAGE: usize = 500;

/// List delayed events, the next one first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf schedule list
  pf schedule list --topic 'order.*' --limit 10
  pf schedule list --where '.event.data.amount > 100'
  pf schedule list -o json | jq .schedule.due")]
pub struct ListArgs {
    /// Only events for these topics
    #[arg(long, value_name = "PATTERN")]
    topic: Vec<Pattern>,
    /// Only events that match this jq filter on the record of `-o json`
    #[arg(long = "where", value_name = "JQ")]
    filter: Option<String>,
    /// End after N schedules
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl ListArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let filter = self.filter.as_deref().map(Filter::compile).transpose()?;
        let mut choice = Choice {
            topics: self.topic,
            filter,
            filter_failed: None,
        };
        let transport = context.open(OpenOptions::default()).await?;
        let mut scan = transport.schedules().scan().await?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut shown = 0;
        'all: loop {
            let page = scan.next(PAGE).await?;
            if page.is_empty() {
                break;
            }
            for schedule in &page {
                if shown == limit {
                    break 'all;
                }
                if choice.covers(schedule)? {
                    context.printer.item(schedule, line)?;
                    shown += 1;
                }
            }
        }
        choice.conclude(shown, &context.printer.remarks())
    }
}

/// Conditions for schedules.
struct Choice {
    topics: Vec<Pattern>,
    filter: Option<Filter>,
    /// Number of events on which the filter failed, and the first error.
    filter_failed: Option<(u64, FilterError)>,
}

impl Choice {
    fn covers(&mut self, schedule: &Schedule) -> CliResult<bool> {
        let topic = &schedule.message.topic;
        if !self.topics.is_empty() && !self.topics.iter().any(|pattern| pattern.matches(topic)) {
            return Ok(false);
        }
        let Some(filter) = &self.filter else {
            return Ok(true);
        };
        Ok(filter.matches(&schedule.record()?).unwrap_or_else(|error| {
            self.filter_failed.get_or_insert((0, error)).0 += 1;
            false
        }))
    }

    fn conclude(&self, shown: usize, remarks: &Remarks) -> CliResult<()> {
        if let Some((number, reason)) = &self.filter_failed {
            let events = counted(*number, "event", "events");
            let text = format!("left out {events} on which the filter failed: {reason}");
            return Err(CliError::message(Exit::Partly, text));
        }
        if shown == 0 {
            remarks.remark("no delayed events");
        }
        Ok(())
    }
}

impl Item for Schedule {
    /// Returns the record of the message with a `schedule` field.
    fn record(&self) -> io::Result<Vec<u8>> {
        #[derive(Serialize)]
        struct Delayed<'a> {
            id: &'a str,
            due: String,
        }
        let mut record = Vec::new();
        write_record(&mut record, &self.stored(), None);
        let delayed = Delayed {
            id: &self.id.0,
            due: due(self),
        };
        if record.pop() != Some(b'}') {
            return Err(io::Error::other("a record is not an object"));
        }
        record.extend_from_slice(b",\"schedule\":");
        serde_json::to_writer(&mut record, &delayed)?;
        record.extend_from_slice(b"}\n");
        Ok(record)
    }

    fn stored(&self) -> Stored {
        Stored {
            message: self.message.clone(),
            position: Position::new(self.id.0.clone()),
            time: self.due,
        }
    }
}

/// Returns the time of delivery.
pub fn due(schedule: &Schedule) -> String {
    format_time(schedule.due)
}

fn line(schedule: &Schedule, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
    let event = Envelope::read(&schedule.message);
    let event = event.as_ref().map_or("-", |event| event.id.as_ref());
    writeln!(
        out,
        "{}  {}  {}  {event}",
        paint(Paint::Name, &schedule.id.0),
        paint(Paint::Dim, &due(schedule)),
        schedule.message.topic,
    )
}
