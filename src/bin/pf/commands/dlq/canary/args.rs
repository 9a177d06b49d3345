//! Flags of `--canary`.

use std::{ffi::OsString, time::Duration};

use clap::Args;

use super::{trial::Canary, wait::CanaryWait};
use crate::{
    error::{CliError, CliResult},
    handler::{OnExit, StdinForm},
    schemas::SchemaArgs,
    values::times,
};

/// Flags of a canary.
#[derive(Debug, Args)]
#[command(next_help_heading = "Canary")]
pub struct CanaryArgs {
    /// First run the command after `--` on copies of the first N dead letters, and replay only if it handles each; without a
    /// command, replay the first N, and the rest only once their group has handled them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    canary: Option<u16>,
    /// Without a command: how long the group may take to handle the first N [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = times::some_duration, requires = "canary")]
    #[arg(conflicts_with = "command")]
    canary_timeout: Option<Duration>,
    /// Show the events that the command writes to stdout, and check that they could be published
    #[arg(long, requires = "canary")]
    emit: bool,
    /// Time limit of a run; a longer one is killed and counts as failed
    #[arg(long, value_name = "DURATION", value_parser = times::some_duration, requires = "canary")]
    handler_timeout: Option<Duration>,
    /// Actions for exit statuses, as for `pf consume`
    #[arg(long, value_name = "MAP", requires = "canary")]
    on_exit: Option<OnExit>,
    /// What the command gets on its stdin [default: event]
    #[arg(long, value_enum, requires = "canary")]
    stdin: Option<StdinForm>,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
    #[command(flatten)]
    schemas: SchemaArgs,
}

/// How a replay is tried first.
#[derive(Debug)]
pub enum CanaryKind {
    /// A command runs on copies.
    Command(Canary),
    /// The first dead letters are replayed, and their outcome decides.
    Wait(CanaryWait),
}

impl CanaryArgs {
    /// Returns the canary, if one is asked for.
    ///
    /// # Errors
    /// If there is a command without a number, or a flag of the command without one.
    pub fn read(self) -> CliResult<Option<CanaryKind>> {
        let is_command = !self.command.is_empty();
        match (self.canary, is_command) {
            (None, false) => Ok(None),
            (None, true) => Err(CliError::usage("a command is given, but no `--canary N`")
                .hint("`--canary 5` runs it on copies of the first 5 dead letters")),
            (Some(count), false) => {
                if let Some(flag) = self.flag_of_command() {
                    return Err(CliError::usage(format!("`{flag}` needs a command")).hint(
                        format!(
                            "add it after `--`: pf dlq replay … --canary {count} -- ./handle.sh"
                        ),
                    ));
                }
                let wait = CanaryWait::new(count, self.canary_timeout);
                Ok(Some(CanaryKind::Wait(wait)))
            }
            (Some(count), true) => Ok(Some(CanaryKind::Command(Canary {
                most: usize::from(count),
                emit: self.emit,
                handler_timeout: self.handler_timeout,
                on_exit: self.on_exit.unwrap_or_default(),
                stdin: self.stdin.unwrap_or_default(),
                schemas: self.schemas,
                words: self.command,
            }))),
        }
    }

    fn flag_of_command(&self) -> Option<&'static str> {
        let flags = [
            (self.emit, "--emit"),
            (self.handler_timeout.is_some(), "--handler-timeout"),
            (self.on_exit.is_some(), "--on-exit"),
            (self.stdin.is_some(), "--stdin"),
        ];
        let mut flags = flags.into_iter();
        flags.find(|(is_given, _)| *is_given).map(|(_, flag)| flag)
    }
}
