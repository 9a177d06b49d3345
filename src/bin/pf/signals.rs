//! SIGINT and SIGTERM: the first asks for a drain, the second ends at once.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use protoflow::runtime::Stop;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    error::{CliError, Exit},
    output::Remarks,
};

/// What a command knows about the signals that came.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled by signals.
    pub stop: Stop,
    terminated: Arc<AtomicBool>,
}

impl Signals {
    /// Takes over both signals for the rest of the process.
    pub fn watch(remarks: Remarks) -> io::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let signals = Self {
            stop: Stop::default(),
            terminated: Arc::new(AtomicBool::new(false)),
        };
        let Self { stop, terminated } = signals.clone();
        tokio::spawn(async move {
            loop {
                let termination = tokio::select! {
                    _ = interrupts.recv() => false,
                    _ = terminations.recv() => true,
                };
                terminated.store(termination, Ordering::Relaxed);
                if stop.drain.is_cancelled() {
                    stop.abort.cancel();
                } else {
                    stop.drain.cancel();
                    remarks.remark("stopping; a second signal ends at once");
                }
            }
        });
        Ok(signals)
    }

    /// Returns the error of a command that was stopped before it had finished.
    pub fn interrupted(&self, text: impl Into<String>) -> CliError {
        let exit = if self.terminated.load(Ordering::Relaxed) {
            Exit::Terminated
        } else {
            Exit::Interrupted
        };
        CliError::message(exit, text)
    }
}
