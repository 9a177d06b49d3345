//! Options of a command handler, and the part of its command that is the same for every event.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use protoflow::{
    backends::explain_path,
    event::{Envelope, EventError},
    runtime::Outcome,
    transport::Delivery,
};

use super::{
    contract::{failure, on_exit::OnExit},
    emit::Emit,
    launcher::Launcher,
    process::{environment, stdin::StdinForm},
};
use crate::{output::Remarks, schemas::Decoder};

/// Options of a command handler.
#[derive(Debug)]
pub struct HandlerOptions {
    /// The command and its arguments.
    pub words: Vec<OsString>,
    /// Runs at the same time.
    pub jobs: usize,
    /// The store that a nested `pf` uses.
    pub url: String,
    /// Form of its stdin.
    pub stdin: StdinForm,
    /// Schemas of data in protobuf, which it gets as JSON; `StdinForm::Data` are the bytes.
    pub decoder: Option<Decoder>,
    /// Exit statuses with an action of their own.
    pub on_exit: OnExit,
    /// Publishing of events that it emits; without it, stdout is passed through.
    pub emit: Option<Emit>,
    /// Whether the command is only tried: `PF_CANARY` is set, and stdout without `emit` goes to stderr.
    pub canary: bool,
    /// Receiver of warnings about workers that break the protocol.
    pub remarks: Remarks,
    /// Starts the command.
    pub launcher: Launcher,
}

impl HandlerOptions {
    /// Returns the command with the settings that are the same for every event.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(self.words.iter().skip(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        environment::set_store(&mut command, &self.url);
        if self.canary {
            environment::set_canary(&mut command);
        }
        command
    }

    /// Returns the data of an event as JSON, if the command gets them so and not as they are stored.
    ///
    /// # Errors
    /// If they do not fit their schema.
    pub fn json_of(
        &self,
        delivery: &Delivery,
        envelope: &Envelope<'_>,
    ) -> Result<Option<String>, EventError> {
        match &self.decoder {
            Some(decoder) if self.stdin == StdinForm::Event => {
                decoder.json(&delivery.stored.message.topic, envelope)
            }
            _ => Ok(None),
        }
    }

    fn program(&self) -> &OsStr {
        self.words
            .first()
            .map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// Returns the outcome of a command that could not be started.
    pub fn not_started(&self, error: &io::Error) -> Outcome {
        let program = self.program().to_string_lossy();
        let message = match explain_path(Path::new(self.program()), error) {
            Some(problem) => format!("cannot run `{program}`: {problem}"),
            None => format!("cannot run `{program}`: {error}"),
        };
        Outcome::Unusable(failure::failure("spawn", message, None, None))
    }
}
