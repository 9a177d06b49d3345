//! `pf tail`: reads without a group and without side effects.

mod batch;
mod limits;
mod reader;

use std::time::{Duration, SystemTime};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    event::Pattern,
    runtime::Filter,
    transport::{Tail, TailFrom, TailRequest},
};

use self::{
    limits::{End, Ending},
    reader::{Reader, Screen},
};
use crate::{
    context::Context,
    error::{CliError, CliResult},
    output::Format,
    schemas::SchemaArgs,
    values::{
        times::{self, Since},
        topics,
    },
};

/// Show events as they arrive, or stored ones
///
/// Does not join a group, moves no position and leaves nothing behind. Delayed events are shown when they are due.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf tail                                   everything from now on
  pf tail 'order.*' --since 1h              from one hour ago on
  pf tail order.created --last 5 --until-end
  pf tail --until-end -o json               everything stored, one record per line
  pf tail order.created --until-end -o batch > events.json
  pf tail --where '.event.data.total > 100'
  pf tail order.created --count 1 --timeout 30s || echo 'none came'

Patterns: `*` stands for one token of a topic, `**` at the end for one or more.")]
pub struct TailArgs {
    /// Topics, as in `order.created`, 'order.*' or 'order.**' [default: all]
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// Start with events stored at this time or this long ago; `earliest` is the oldest one
    #[arg(long, value_parser = times::since, value_name = "TIME", conflicts_with = "last")]
    since: Option<Since>,
    /// End at events stored at this time or this long ago
    #[arg(long, value_parser = times::past, value_name = "TIME")]
    until: Option<SystemTime>,
    /// Start with the last N events
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    /// End after N events
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after the events that were stored at the start
    #[arg(long)]
    until_end: bool,
    /// End after this time; exit 3 if `--count` or `--until-end` was not reached
    #[arg(long, value_parser = times::duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// Show only events that match this jq filter on the record of `-o json`
    #[arg(long = "where", value_name = "JQ")]
    filter: Option<String>,
    /// Create the store if it does not exist, and wait
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    schemas: SchemaArgs,
}

impl TailArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        let filter = self.filter.as_deref().map(Filter::compile).transpose()?;
        if context.printer.format() == Format::Batch && !self.has_end() {
            return Err(CliError::usage("`-o batch` needs a tail with an end")
                .hint("use `--until-end`, `--count`, `--until` or `--timeout`"));
        }
        let decoder = self.schemas.decoder(context)?;
        let remarks = context.printer.remarks();
        topics::hint_expanded(&self.patterns, &remarks);
        let signals = context.signals()?;
        let request = self.request();
        let ending = Ending::new(self.count, self.until, self.timeout, request.until_end);
        let tail = tokio::select! {
            biased;
            () = signals.stop.drain.cancelled() => return ending.conclude_stopped(&signals),
            opened = self.open(context, request) => opened?,
            () = ending.timed_out() => return ending.conclude(End::TimedOut),
        };
        let screen = Screen::new(&mut context.printer, filter, decoder, ending);
        Reader::start(tail, remarks).show(screen, &signals).await
    }

    /// Reports whether the tail ends by itself.
    fn has_end(&self) -> bool {
        self.until_end || self.count.is_some() || self.until.is_some() || self.timeout.is_some()
    }

    async fn open(&self, context: &mut Context, request: TailRequest) -> CliResult<Box<dyn Tail>> {
        let transport = context
            .open(OpenOptions {
                create: self.create,
                ..OpenOptions::default()
            })
            .await?;
        let remarks = context.printer.remarks();
        topics::hint_unknown(transport.as_ref(), &self.patterns, &remarks).await?;
        Ok(transport.tail(request).await?)
    }

    fn request(&self) -> TailRequest {
        let ended = self.until.is_some_and(|until| until <= SystemTime::now());
        TailRequest {
            patterns: if self.patterns.is_empty() {
                vec![Pattern::all()]
            } else {
                self.patterns.clone()
            },
            from: self.from(),
            until_end: self.until_end || ended,
        }
    }

    /// Returns the start. A tail with a known end starts at the oldest event by default.
    fn from(&self) -> TailFrom {
        match (self.since, self.last) {
            (Some(Since::Time(time)), _) => TailFrom::Time(time),
            (Some(Since::Earliest), _) => TailFrom::Earliest,
            (None, Some(last)) => TailFrom::Last(last),
            (None, None) if self.until_end || self.until.is_some() => TailFrom::Earliest,
            (None, None) => TailFrom::Now,
        }
    }
}
