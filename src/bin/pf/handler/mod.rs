//! The handler contract: a command handles events, once per event or as a long-lived worker.
//!
//! The event is on stdin, its names in the environment. The exit status, or one JSON object in `$PF_RESULT`,
//! says what becomes of it; a worker says it in one line per event.

mod contract;
mod emit;
mod exec;
mod launcher;
mod options;
mod process;
#[cfg(test)]
mod tests;
mod worker;
mod worker_process;

use std::{io, sync::Arc};

use async_trait::async_trait;
use protoflow::{
    runtime::{Handler, Outcome, Run},
    transport::Delivery,
};

#[cfg(target_os = "linux")]
pub use self::launcher::{is_watchdog, watch};
pub use self::{
    contract::on_exit::OnExit, emit::Emit, launcher::Launcher, options::HandlerOptions,
    process::stdin::StdinForm,
};
use self::{exec::Exec, worker::Workers};

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
