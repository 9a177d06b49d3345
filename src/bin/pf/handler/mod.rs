//! The handler contract: a command handles events, once per event or as a long-lived worker.
//!
//! The event is on stdin, its names in the environment. The exit status, or one JSON object in `$PF_RESULT`,
//! says what becomes of it; a worker says it in one line per event.

mod contract;
mod emit;
mod exec;
mod launcher;
mod process;
#[cfg(test)]
mod tests;
mod worker;
mod worker_process;

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    sync::Arc,
};

use async_trait::async_trait;
use protoflow::{
    runtime::{Handler, Outcome, Run},
    transport::Delivery,
};

#[cfg(target_os = "linux")]
pub use self::launcher::{is_watchdog, watch};
use self::{contract::failure, exec::Exec, process::environment, worker::Workers};
pub use self::{
    contract::on_exit::OnExit, emit::Emit, launcher::Launcher, process::stdin::StdinForm,
};
use crate::output::Remarks;

/// How a command handles events.
#[derive(Debug)]
pub struct HandlerOptions {
    /// The command and its arguments.
    pub words: Vec<OsString>,
    /// How many are at work at a time.
    pub jobs: usize,
    /// The store that a nested `pf` uses.
    pub url: String,
    /// What is on stdin.
    pub stdin: StdinForm,
    /// Exit statuses that mean something else than usual.
    pub on_exit: OnExit,
    /// How events on stdout are published; none passes stdout through.
    pub emit: Option<Emit>,
    /// Where it is told that a worker does not keep to the contract.
    pub remarks: Remarks,
    /// What starts the command.
    pub launcher: Launcher,
}

impl HandlerOptions {
    /// Returns the command with everything that is the same for every event.
    fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(self.words.iter().skip(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        environment::set_store(&mut command, &self.url);
        command
    }

    fn program(&self) -> &OsStr {
        self.words
            .first()
            .map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// Returns the outcome of a command that could not be started.
    fn not_started(&self, error: &io::Error) -> Outcome {
        let program = self.program().to_string_lossy();
        let message = format!("cannot run `{program}`: {error}");
        Outcome::Unusable(failure::failure("spawn", message, None, None))
    }
}

/// A command as a handler. Clones share it.
#[derive(Debug, Clone)]
pub enum CommandHandler {
    /// Run once per event.
    Exec(Arc<Exec>),
    /// Long-lived.
    Worker(Arc<Workers>),
}

impl CommandHandler {
    /// Prepares to run the command once per event.
    ///
    /// # Errors
    /// If there is no place for temporary files.
    pub fn exec(options: HandlerOptions) -> io::Result<Self> {
        Ok(Self::Exec(Arc::new(Exec::new(options)?)))
    }

    /// Prepares to keep the command running, once per job.
    pub fn worker(options: HandlerOptions) -> Self {
        Self::Worker(Arc::new(Workers::new(options)))
    }

    /// Ends what still runs: workers are told by the end of their stdin.
    pub async fn close(&self) {
        if let Self::Worker(workers) = self {
            workers.close().await;
        }
    }
}

#[async_trait]
impl Handler for CommandHandler {
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        match self {
            Self::Exec(exec) => exec.handle(delivery, run).await,
            Self::Worker(workers) => workers.handle(delivery, run).await,
        }
    }

    /// Between two events no command waits for us.
    fn ahead(&self) -> usize {
        match self {
            Self::Exec(exec) => exec.ahead(),
            Self::Worker(workers) => workers.ahead(),
        }
    }
}
