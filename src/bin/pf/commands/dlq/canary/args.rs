//! Flags of `--canary`.

use std::{ffi::OsString, time::Duration};

use clap::Args;

use super::trial::Canary;
use crate::{
    error::{CliError, CliResult},
    handler::{OnExit, StdinForm},
    values::times,
};

/// Flags of a canary.
#[derive(Debug, Args)]
#[command(next_help_heading = "Canary")]
pub struct CanaryArgs {
    /// First run the command after `--` on copies of the first N dead letters, and replay only if it handles each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    #[arg(conflicts_with_all = ["edit", "plan"])]
    canary: Option<u16>,
    /// Show the events that the command writes to stdout, and check that they could be published
    #[arg(long, requires = "canary")]
    emit: bool,
    /// Time limit of a run; a longer one is killed and counts as failed
    #[arg(long, value_name = "DURATION", value_parser = times::some_duration, requires = "canary")]
    handler_timeout: Option<Duration>,
    /// Actions for exit statuses, as for `pf consume`
    #[arg(long, value_name = "MAP", requires = "canary")]
    on_exit: Option<OnExit>,
    /// What the command gets on its stdin
    #[arg(long, value_enum, default_value_t, requires = "canary")]
    stdin: StdinForm,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl CanaryArgs {
    /// Returns the canary, if one is asked for.
    ///
    /// # Errors
    /// If there is a number without a command, or a command without a number.
    pub fn read(self) -> CliResult<Option<Canary>> {
        match (self.canary, self.command.is_empty()) {
            (None, true) => Ok(None),
            (None, false) => Err(CliError::usage("a command is given, but no `--canary N`")
                .hint("`--canary 5` runs it on copies of the first 5 dead letters")),
            (Some(count), true) => Err(CliError::usage("`--canary` needs a command").hint(
                format!("add it after `--`: pf dlq replay … --canary {count} -- ./handle.sh"),
            )),
            (Some(count), false) => Ok(Some(Canary {
                most: usize::from(count),
                emit: self.emit,
                handler_timeout: self.handler_timeout,
                on_exit: self.on_exit.unwrap_or_default(),
                stdin: self.stdin,
                words: self.command,
            })),
        }
    }
}
