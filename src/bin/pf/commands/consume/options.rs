//! Flags of `pf consume`.

use std::{ffi::OsString, time::Duration};

use clap::{Args, ValueEnum};
use protoflow::{
    RetryPolicy,
    event::{Action, Encoding, Group, Naming, Pattern},
    runtime::{BreakerOptions, ConsumeOptions, EventFilter, Filter, ReplyRules, Treatment},
    transport::{Dedup, SubscribeRequest},
};

use super::{backoff::Backoff, breaker_share::BreakerShare, start::Start};
use crate::{
    error::CliResult,
    handler::{CommandHandler, Emit, HandlerOptions, Launcher, OnExit, StdinForm},
    metrics::MetricsArgs,
    output::Remarks,
    schemas::{Decoder, SchemaArgs},
    values::times,
};

/// Flags of `pf consume`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ConsumeFlags {
    /// Handle up to N events at the same time, with different keys
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Keep order within a key: a retry delays its later events
    #[arg(long)]
    ordered: bool,
    /// Static name of this member, which keeps its partitions while it restarts (Kafka)
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Wait while another consumer holds an exclusive subscription, and take over (Pulsar)
    #[arg(long)]
    wait: bool,
    /// Start of a new group: earliest, new, a time, or an age such as 2h
    #[arg(long, value_name = "WHEN", default_value = "earliest")]
    from: Start,
    /// Attempts before an event is dead-lettered [default: set by the event, else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause
    /// [default: 1s..5m*2]
    #[arg(long, value_name = "PAUSES")]
    backoff: Option<Backoff>,
    /// Open the breaker after N final failures in a row; 0 ignores such rows [default: 20]
    #[arg(long, value_name = "N")]
    breaker_failures: Option<u32>,
    /// Open the breaker when more than this share of recent events failed finally
    /// [default: 50%/100]
    #[arg(long, value_name = "SHARE")]
    breaker_share: Option<BreakerShare>,
    /// Handle all events, even if nearly every one fails
    #[arg(long, conflicts_with_all = ["breaker_failures", "breaker_share"])]
    no_breaker: bool,
    /// Handle an event once, however often it is stored: keep marks of what was handled, for WINDOW
    /// [default: 7d]. A copy is acknowledged without a run (`pf caps`: dedup-handling)
    #[arg(long, value_name = "WINDOW", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "7d", value_parser = times::some_duration)]
    dedup: Option<Duration>,
    /// When to mark: with the settlement, or also before the run, so that none is repeated
    #[arg(long, value_enum, value_name = "MODE", requires = "dedup")]
    dedup_mode: Option<Marking>,
    /// Name of what the command does, by which copies are recognised [default: the group]
    #[arg(long, value_name = "NAME")]
    action: Option<Action>,
    /// Time limit of a run; a longer one is killed and counts as failed
    #[arg(long, value_name = "DURATION", value_parser = times::some_duration)]
    handler_timeout: Option<Duration>,
    /// Actions for exit statuses, such as 3=dlq,4=retry:30s,5=ack,6=skip,7=stop
    #[arg(long, value_name = "MAP", conflicts_with = "worker")]
    on_exit: Option<OnExit>,
    /// Publish the events that the command writes to stdout, then acknowledge
    #[arg(long)]
    emit: bool,
    /// Reply to requests: each line that the command writes to stdout is the data of a reply. It is published to
    /// the topic that the request names (`replyto`), then the request is acknowledged
    #[arg(long, conflicts_with = "emit")]
    reply: bool,
    /// Topics that a request may name [default: reply.**]
    #[arg(long, value_name = "PATTERN", requires = "reply")]
    reply_to: Vec<Pattern>,
    /// Send no reply that says why a request was dead-lettered
    #[arg(long, requires = "reply")]
    no_reply_errors: bool,
    /// End after N events were acknowledged, skipped or dead-lettered
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End when everything stored at the start is done, including its retries
    #[arg(long)]
    until_end: bool,
    /// End after this time, with exit status 3
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    pub timeout: Option<Duration>,
    /// Create the store and its topics if they do not exist
    #[arg(long)]
    pub create: bool,
    /// Time that a stop waits for runs to finish
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = times::duration)]
    grace: Duration,
    /// Handle messages that are not CloudEvents, wrapped into one
    #[arg(long)]
    plain: bool,
    /// Handle only events that match this jq filter on the record of `-o json`; the others are acknowledged.
    /// All consumers of a group need the same filter
    #[arg(long = "where", value_name = "JQ")]
    filter: Option<String>,
    /// What to do with an event whose `expirytime` has passed
    #[arg(long, value_enum, default_value = "dead-letter", value_name = "WHAT")]
    expired: WithoutRun,
    /// What to do with a message whose payload is null (on NATS, empty) and that is not an event
    /// [default: as with any message that is not a CloudEvent]
    #[arg(long, value_enum, value_name = "WHAT")]
    tombstones: Option<WithoutRun>,
    /// What the command gets on its stdin
    #[arg(long, value_enum, default_value_t, conflicts_with = "worker")]
    stdin: StdinForm,
    /// Attribute names on stdin: valid CloudEvents names, or those of the Go library (`pf_attempt`)
    #[arg(long, value_enum, default_value_t, value_name = "NAMES")]
    naming: HandlerNaming,
    /// Keep one command per job running: an event in, an answer out, one line each
    #[arg(long)]
    worker: bool,
    #[command(flatten)]
    pub schemas: SchemaArgs,
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// Naming of attributes for the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum HandlerNaming {
    /// Valid CloudEvents names, which every SDK reads.
    #[default]
    Cloudevents,
    /// Names of the Go library.
    Protoflow,
}

/// When an event is marked as handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Marking {
    /// With its settlement
    Settled,
    /// Before its run; one that never ended becomes a dead letter of kind `unknown`
    AtMostOnce,
}

/// What to do with an event that needs no handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WithoutRun {
    /// Acknowledge it and count it
    Skip,
    /// Give it to the command
    Deliver,
    /// Dead-letter it
    DeadLetter,
}

impl From<WithoutRun> for Treatment {
    fn from(what: WithoutRun) -> Self {
        match what {
            WithoutRun::Skip => Self::Skip,
            WithoutRun::Deliver => Self::Deliver,
            WithoutRun::DeadLetter => Self::DeadLetter,
        }
    }
}

impl From<HandlerNaming> for Naming {
    fn from(naming: HandlerNaming) -> Self {
        match naming {
            HandlerNaming::Cloudevents => Self::CloudEvents,
            HandlerNaming::Protoflow => Self::Protoflow,
        }
    }
}

impl ConsumeFlags {
    /// Reports whether the consumer ends by itself.
    pub fn is_bounded(&self) -> bool {
        self.count.is_some() || self.until_end
    }

    /// Compiles `--where`.
    ///
    /// # Errors
    /// If it is not valid jq.
    pub fn filter(&self, decoder: Option<&Decoder>) -> CliResult<Option<EventFilter>> {
        let filter = self.filter.as_deref().map(Filter::compile).transpose()?;
        Ok(filter.map(|filter| match decoder {
            Some(decoder) => decoder.clone().filter(filter),
            None => EventFilter::jq(filter),
        }))
    }

    /// Prepares the command.
    ///
    /// # Errors
    /// If cannot create temporary files.
    pub fn handler(
        &self,
        words: Vec<OsString>,
        url: &str,
        encoding: Encoding,
        decoder: Option<Decoder>,
        remarks: Remarks,
    ) -> CliResult<CommandHandler> {
        let options = HandlerOptions {
            words,
            jobs: usize::from(self.jobs),
            url: url.to_owned(),
            stdin: self.stdin,
            decoder,
            on_exit: self.on_exit.clone().unwrap_or_default(),
            emit: if self.reply {
                Some(Emit::replies(encoding))
            } else {
                self.emit.then(|| Emit::new(encoding))
            },
            canary: false,
            launcher: Launcher::new(remarks.clone()),
            remarks,
        };
        if self.worker {
            return Ok(CommandHandler::worker(options));
        }
        CommandHandler::exec(options)
    }

    /// Returns the options of the consumer.
    pub fn consume_options(self, group: Group, patterns: Vec<Pattern>) -> ConsumeOptions {
        let policy = self.policy();
        let breaker = self.breaker();
        let replies = self.reply.then(|| self.reply_rules());
        let jobs = usize::from(self.jobs);
        let dedup = self.dedup.map(|window| match self.dedup_mode {
            Some(Marking::AtMostOnce) => Dedup::at_most_once(window),
            Some(Marking::Settled) | None => Dedup::settled(window),
        });
        let request = SubscribeRequest {
            instance: self.instance,
            from: self.from.0,
            ordered: self.ordered,
            until_end: self.until_end,
            max_attempts: policy.max_attempts,
            dedup,
            ..SubscribeRequest::new(group, patterns)
        };
        ConsumeOptions {
            jobs,
            policy,
            breaker,
            replies,
            event_decides_attempts: self.max_attempts.is_none(),
            handler_timeout: self.handler_timeout,
            grace: self.grace,
            count: self.count,
            timeout: self.timeout,
            wait: self.wait,
            plain: self.plain,
            action: self.action,
            expired: self.expired.into(),
            tombstones: self.tombstones.map(Into::into),
            handler_naming: self.naming.into(),
            ..ConsumeOptions::new(request)
        }
    }

    fn reply_rules(&self) -> ReplyRules {
        let mut rules = ReplyRules::default();
        if !self.reply_to.is_empty() {
            rules.allowed.clone_from(&self.reply_to);
        }
        rules.report_failures = !self.no_reply_errors;
        rules
    }

    fn breaker(&self) -> BreakerOptions {
        let mut breaker = BreakerOptions::default();
        if self.no_breaker {
            return BreakerOptions::never();
        }
        breaker.in_a_row = self.breaker_failures.unwrap_or(breaker.in_a_row);
        if let Some(BreakerShare { share, window }) = self.breaker_share {
            (breaker.share, breaker.window) = (share, window);
        }
        breaker
    }

    fn policy(&self) -> RetryPolicy {
        let mut policy = RetryPolicy::default();
        if let Some(backoff) = self.backoff {
            policy = backoff.applied_to(policy);
        }
        policy.max_attempts = self.max_attempts.unwrap_or(policy.max_attempts);
        policy
    }
}
