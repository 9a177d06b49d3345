//! The handler contract: a command handles events, started once per event or kept running as a worker.
//!
//! The event is on stdin, its attributes are in the environment. The exit status, or one JSON object in `$PF_RESULT`,
//! is the verdict; a worker answers with one line per event. `contract` holds the pure rules, `process` runs children
//! on a thread pool, and `launcher` starts them so that they do not outlive `pf`.

mod contract;
mod emit;
mod exec;
mod launcher;
mod options;
mod pooled_run;
mod process;
mod program;
#[cfg(test)]
mod tests;
mod worker;
mod worker_process;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use protoflow::{
    runtime::{Handler, Outcome, Run},
    transport::Delivery,
};

#[cfg(target_os = "linux")]
pub use self::launcher::{is_watchdog, reap_orphans, watch};
pub use self::{
    contract::{on_exit::OnExit, verdict::ExitKind},
    emit::Emit,
    exec::RunFacts,
    launcher::Launcher,
    options::HandlerOptions,
    process::{environment::is_canary, stdin::StdinForm},
    program::hint as program_hint,
};
use self::{exec::Exec, worker::Workers};
use crate::error::{CliError, CliResult, Exit};

/// A command as a handler. Clones share it.
#[derive(Debug, Clone)]
pub enum CommandHandler {
    /// Started once per event.
    Exec(Arc<Exec>),
    /// Kept running.
    Worker(Arc<Workers>),
}

impl CommandHandler {
    /// Prepares to run the command once per event.
    ///
    /// # Errors
    /// If the folder for the files of `$PF_RESULT` cannot be created.
    pub fn exec(options: HandlerOptions) -> CliResult<Self> {
        let exec = Exec::new(options).map_err(no_temporary_files)?;
        Ok(Self::Exec(Arc::new(exec)))
    }

    /// Prepares to keep the command running, once per job.
    pub fn worker(options: HandlerOptions) -> Self {
        Self::Worker(Arc::new(Workers::new(options)))
    }

    /// Ends the workers: their stdin is closed, and after that they are signalled.
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

    /// Runs may wait in the queue of the thread pool, so that no thread idles between two events.
    fn max_queued(&self) -> usize {
        match self {
            Self::Exec(exec) => exec.max_queued(),
            Self::Worker(workers) => workers.max_queued(),
        }
    }
}

/// A command that is started once per event, and what is known about its last run. Clones share it.
#[derive(Debug, Clone)]
pub struct ObservedCommand {
    exec: Arc<Exec>,
    last: Arc<Mutex<Option<RunFacts>>>,
}

impl ObservedCommand {
    /// Prepares to run the command once per event.
    ///
    /// # Errors
    /// If the folder for the files of `$PF_RESULT` cannot be created.
    pub fn new(options: HandlerOptions) -> CliResult<Self> {
        Ok(Self {
            exec: Arc::new(Exec::new(options).map_err(no_temporary_files)?),
            last: Arc::default(),
        })
    }

    /// Takes what is known about the last run; none if it did not end.
    pub fn take(&self) -> Option<RunFacts> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[async_trait]
impl Handler for ObservedCommand {
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        let (outcome, facts) = self.exec.observe(delivery, run).await;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = facts;
        outcome
    }
}

fn no_temporary_files(error: io::Error) -> CliError {
    CliError::folder(Exit::Failed, &std::env::temp_dir(), error)
        .during("cannot create temporary files")
        .hint("set TMPDIR to a writable folder")
}
