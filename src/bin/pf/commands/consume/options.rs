//! The flags of `pf consume`, and what they come to.

use std::{ffi::OsString, time::Duration};

use clap::{Args, ValueEnum};
use protoflow::{
    RetryPolicy,
    event::{Encoding, Group, Naming, Pattern},
    runtime::ConsumeOptions,
    transport::SubscribeRequest,
};

use super::{backoff::Backoff, start::Start};
use crate::{
    error::{CliError, CliResult},
    handler::{CommandHandler, Emit, HandlerOptions, Launcher, OnExit, StdinForm},
    output::Remarks,
    values::times,
};

/// Bytes that one run may publish.
const EMIT_LIMIT: usize = 4 * 1024 * 1024;

/// The flags.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ConsumeFlags {
    /// Run so many at the same time, of different keys
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// A retry holds up the later events of its key
    #[arg(long)]
    ordered: bool,
    /// Name of this member, whose partitions wait for it while it restarts (Kafka)
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Where a new group starts: earliest, new, a time, or an age such as 2h
    #[arg(long, value_name = "WHEN", default_value = "earliest")]
    from: Start,
    /// Runs that an event gets before it is a dead letter [default: the event's own, else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause
    /// [default: 1s..5m*2]
    #[arg(long, value_name = "PAUSES")]
    backoff: Option<Backoff>,
    /// A run that takes longer is ended and has failed
    #[arg(long, value_name = "DURATION", value_parser = times::some_duration)]
    handler_timeout: Option<Duration>,
    /// What exit statuses mean, as in 3=dlq,4=retry:30s,5=ack,6=skip,7=stop
    #[arg(long, value_name = "MAP", conflicts_with = "worker")]
    on_exit: Option<OnExit>,
    /// Publish the events that the command writes to stdout, before its own event is done
    #[arg(long)]
    emit: bool,
    /// End after so many events are done
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End when everything stored at the start is done, with the retries of what was taken
    #[arg(long)]
    until_end: bool,
    /// End after this long, with 3
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    pub timeout: Option<Duration>,
    /// Make the store and its topics if they are not there
    #[arg(long)]
    pub create: bool,
    /// How long a stop waits for runs to end
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = times::duration)]
    grace: Duration,
    /// Hand over messages that are no CloudEvents, wrapped in one
    #[arg(long)]
    plain: bool,
    /// What the command finds on its stdin
    #[arg(long, value_enum, default_value_t, conflicts_with = "worker")]
    stdin: StdinForm,
    /// Attribute names on stdin: lawful in CloudEvents, or those of the Go library (`pf_attempt`)
    #[arg(long, value_enum, default_value_t, value_name = "NAMES")]
    naming: HandlerNaming,
    /// Keep the command running, once per job: a line in, a line out
    #[arg(long)]
    worker: bool,
}

/// Whose attribute names a command is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum HandlerNaming {
    /// Those that every SDK takes.
    #[default]
    Cloudevents,
    /// Those of the Go library.
    Protoflow,
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
    /// Reports whether the run has an end of its own.
    pub fn is_bounded(&self) -> bool {
        self.count.is_some() || self.until_end
    }

    /// Prepares the command.
    ///
    /// # Errors
    /// If there is no place for temporary files.
    pub fn handler(
        &self,
        words: Vec<OsString>,
        url: &str,
        encoding: Encoding,
        remarks: Remarks,
    ) -> CliResult<CommandHandler> {
        let options = HandlerOptions {
            words,
            jobs: usize::from(self.jobs),
            url: url.to_owned(),
            stdin: self.stdin,
            on_exit: self.on_exit.clone().unwrap_or_default(),
            emit: self.emit.then_some(Emit {
                limit: EMIT_LIMIT,
                encoding,
            }),
            launcher: Launcher::new(remarks.clone()),
            remarks,
        };
        if self.worker {
            return Ok(CommandHandler::worker(options));
        }
        CommandHandler::exec(options).map_err(|error| {
            CliError::from(error)
                .during("there is no place for temporary files")
                .hint("TMPDIR names a folder that can be written")
        })
    }

    /// Returns how the consumer works.
    pub fn consume_options(self, group: Group, patterns: Vec<Pattern>) -> ConsumeOptions {
        let policy = self.policy();
        let jobs = usize::from(self.jobs);
        let request = SubscribeRequest {
            instance: self.instance,
            from: self.from.0,
            ordered: self.ordered,
            until_end: self.until_end,
            max_attempts: policy.max_attempts,
            ..SubscribeRequest::new(group, patterns)
        };
        ConsumeOptions {
            jobs,
            policy,
            event_decides_attempts: self.max_attempts.is_none(),
            handler_timeout: self.handler_timeout,
            grace: self.grace,
            count: self.count,
            timeout: self.timeout,
            plain: self.plain,
            handler_naming: self.naming.into(),
            ..ConsumeOptions::new(request)
        }
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
