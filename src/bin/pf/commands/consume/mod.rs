//! `pf consume`: runs a command for each event of a group.

mod backoff;
mod breaker_share;
mod narrator;
mod options;
mod start;

use std::{ffi::OsString, io, sync::Arc, time::Instant};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    event::{Group, Pattern},
    runtime::{ConsumeError, Consumer, End, Summary},
    transport::Transport,
};

use self::{narrator::Narrator, options::ConsumeFlags};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    handler::program_hint,
    output::{Remarks, counted, is_reader_gone},
    signals::Signals,
    values::{
        times::sleep,
        topics::{hint_expanded, hint_unknown, refuse_dead_letters},
    },
};

const EXAMPLES: &str = "\
Examples:
  pf consume order.created --group billing -- ./charge.sh
  pf consume 'order.*' -g audit --jobs 8 --worker -- python3 audit.py
  pf consume order.created -g billing --until-end --on-exit 3=dlq,4=retry:30s -- ./charge.sh

The command gets the event on its stdin as one line of JSON that every CloudEvents SDK reads, with
`pfattempt` and `pfattemptlimit` of this delivery, and `pfmaxattempts` if the publisher set it.
The first two are dropped when the event is published again. With --naming protoflow it has the
names of the Go library: `pf_attempt`, `pf_max_attempts`, `pf_correlation_id`, `pf_trace_id`.

Its environment describes event and delivery: PF_EVENT_ID,
PF_EVENT_TYPE, PF_EVENT_SOURCE, PF_EVENT_SUBJECT, PF_EVENT_CORRELATION_ID, TRACEPARENT,
PF_DELIVERY_TOPIC, PF_DELIVERY_GROUP, PF_DELIVERY_ATTEMPT and PF_DELIVERY_MAX_ATTEMPTS, and
PF_DEDUP_KEY, by which an effect is made once (`pf inbox`, --dedup).
A `pf` inside it uses the same store (PF_URL).

The exit status is the verdict on the event:
   0             acknowledge
   65            dead-letter
   75            failed, retry
   78, 126, 127  return the event uncounted and stop with 78
   others        failed, retry; dead-letter after the last attempt
One JSON object in the file $PF_RESULT overrides the status:
  {\"action\":\"ack|retry|dead_letter|skip\",\"after\":\"90s\",\"reason\":\"…\"}

A worker (--worker) reads one event per line and answers each with one such object that also has
the event's \"id\"; with --emit it may list events to publish under \"emit\".";

/// Run a command for each event of a group
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ConsumeArgs {
    /// Topics, or patterns such as 'order.*'
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<Pattern>,
    #[arg(short, long, value_name = "NAME")]
    #[arg(help = "The group; its consumers share the events [env: PF_GROUP]")]
    group: Option<Group>,
    #[command(flatten)]
    flags: ConsumeFlags,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl ConsumeArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        self.check()?;
        let decoder = self.flags.schemas.decoder(context)?;
        let filter = self.flags.filter(decoder.as_ref())?;
        let group = self.group(context)?;
        let remarks = context.printer.remarks();
        let metrics = self.flags.metrics.start(&remarks)?;
        let begun = Instant::now();
        let signals = context.signals()?;
        let timeout = self.flags.timeout;
        // A signal and the time limit apply from here on, also while the broker does not answer.
        let transport = tokio::select! {
            biased;
            () = signals.stop.drain.cancelled() => return Ok(()),
            opened = self.open(context) => opened?,
            () = sleep(timeout) => return Err(timed_out()),
        };
        let url = context.url()?;
        let encoding = transport.encoding();
        let words = self.command.clone();
        let handler = (self.flags).handler(
            words.clone(),
            url.as_str(),
            encoding,
            decoder,
            remarks.clone(),
        )?;
        remarks.remark(&self.opening(&group));
        let health = Arc::clone(&metrics.health);
        let narrator = Narrator::new(remarks.clone(), group.clone(), health);
        let bounded = self.flags.is_bounded();
        let mut options = self.flags.consume_options(group.clone(), self.topics);
        options.filter = filter;
        options.backlog_every = metrics.every;
        options.timeout = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
        let consumer = Consumer::new(transport, options, handler.clone(), Arc::new(narrator));
        let result = consumer.run(signals.stop.clone()).await;
        handler.close().await;
        if matches!(result, Err(ConsumeError::Unusable(_))) && is_reader_gone() {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let summary = result.map_err(|error| explained(error, &words))?;
        conclude(&summary, bounded, &group, &signals, &remarks)
    }

    fn check(&self) -> CliResult<()> {
        if self.command.is_empty() {
            let topic = &self.topics[0];
            return Err(CliError::usage("no command given").hint(format!(
                "add it after `--`: pf consume {} --group billing -- ./handle.sh",
                topic.as_str()
            )));
        }
        let mut named = self.topics.iter().filter_map(Pattern::literal);
        named.try_for_each(|topic| refuse_dead_letters(&topic))
    }

    fn group(&self, context: &mut Context) -> CliResult<Group> {
        context.group(self.group.clone())?.ok_or_else(|| {
            CliError::usage("no group given").hint(format!(
                "choose one: pf consume {} --group billing -- {}",
                self.topics[0].as_str(),
                self.shown_command()
            ))
        })
    }

    async fn open(&self, context: &mut Context) -> CliResult<Arc<dyn Transport>> {
        let create = self.flags.create;
        let transport = context
            .open(OpenOptions {
                create,
                ..OpenOptions::default()
            })
            .await?;
        if create {
            for topic in self.topics.iter().filter_map(Pattern::literal) {
                for made in transport.create(&topic).await? {
                    context.printer.remarks().remark(&made);
                }
            }
        }
        let remarks = context.printer.remarks();
        hint_expanded(&self.topics, &remarks);
        hint_unknown(&*transport, &self.topics, &remarks).await?;
        Ok(transport)
    }

    fn opening(&self, group: &Group) -> String {
        let topics: Vec<_> = self.topics.iter().map(Pattern::as_str).collect();
        let command = abridged(&self.shown_command());
        format!(
            "consuming {} as group {group}: {command}",
            topics.join(", ")
        )
    }

    /// Returns the command as one would type it.
    fn shown_command(&self) -> String {
        let words = self.command.iter().map(|word| word.to_string_lossy());
        shell_words::join(words)
    }
}

/// Returns the error that ended a consumer. If the command cannot be run, a hint says what is wrong with it.
fn explained(error: ConsumeError, words: &[OsString]) -> CliError {
    let hint = match &error {
        ConsumeError::Unusable(_) => program_hint(words),
        _ => None,
    };
    let error = CliError::from(error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn timed_out() -> CliError {
    CliError::message(
        Exit::Incomplete,
        "time limit reached before everything was done",
    )
}

/// Returns the text on one line, shortened.
fn abridged(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(end);
        words.push('…');
    }
    words
}

/// Prints the summary and decides how the process ends.
fn conclude(
    summary: &Summary,
    bounded: bool,
    group: &Group,
    signals: &Signals,
    remarks: &Remarks,
) -> CliResult<()> {
    remarks.remark(&narrator::summary(summary));
    match summary.end {
        Some(End::TimedOut) => Err(timed_out()),
        Some(End::Aborted) => Err(signals.interrupted("stopped before every run had finished")),
        Some(End::BreakerOpened) => Err(CliError::message(
            Exit::Failed,
            "stopped: nearly every event fails",
        )
        .hint(format!("see the failures: pf dlq stats --group {group}"))),
        _ if bounded && summary.dead_lettered > 0 => Err(CliError::message(
            Exit::Partly,
            counted(
                summary.dead_lettered,
                "event was dead-lettered",
                "events were dead-lettered",
            ),
        )
        .hint(format!("list them: pf dlq list --group {group}"))),
        _ if bounded && summary.gaps > 0 => Err(CliError::message(
            Exit::Partly,
            "messages were removed before the group had handled them",
        )),
        _ => Ok(()),
    }
}
