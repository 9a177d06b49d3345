//! Signals that stop a command: the first SIGINT or SIGTERM drains, the second aborts. On Linux SIGHUP only ever drains,
//! because closing a terminal is not a request to abort.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protoflow::runtime::Stop;
use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
    time::{sleep, timeout},
};

use crate::{
    error::{CliError, Exit},
    output::Remarks,
};

/// Signals within this time count as one: `timeout`, for example, signals the process and then its process group.
const SAME_SIGNAL: Duration = Duration::from_millis(50);

/// Time for the abort after the second signal.
const ABORT_LIMIT: Duration = Duration::from_secs(5);

/// The signals that a command received.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled by signals.
    pub stop: Stop,
    terminated: Arc<AtomicBool>,
}

impl Signals {
    /// Takes over the signals for the rest of the process.
    pub fn watch(remarks: Remarks) -> io::Result<Self> {
        let signals = Self {
            stop: Stop::default(),
            terminated: Arc::new(AtomicBool::new(false)),
        };
        let watched = signals.clone();
        // On a thread of its own: a write to a full pipe that nobody reads blocks the main thread.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut source = {
            let _guard = runtime.enter();
            Source {
                interrupts: signal(SignalKind::interrupt())?,
                terminations: signal(SignalKind::terminate())?,
                hang_ups: (!ignores_hang_ups())
                    .then(|| signal(SignalKind::hangup()))
                    .transpose()?,
            }
        };
        std::thread::spawn(move || {
            runtime.block_on(watched.handle(&mut source, remarks));
            // Something hangs. Ending here is as safe as `kill -9`.
            watched.exit().at_once();
        });
        Ok(signals)
    }

    /// Drains on the first signal and aborts on the second; returns when the time for the abort is over.
    async fn handle(&self, source: &mut Source, remarks: Remarks) {
        self.terminated
            .store(source.terminates().await, Ordering::Relaxed);
        self.stop.drain.cancel();
        source.hang_ups = None;
        source.ignore_for(SAME_SIGNAL).await;
        remarks.remark("stopping; a second signal aborts");
        self.terminated
            .store(source.terminates().await, Ordering::Relaxed);
        self.stop.abort.cancel();
        sleep(ABORT_LIMIT).await;
    }

    /// Returns the error of a command that was stopped before it had finished.
    pub fn interrupted(&self, text: impl Into<String>) -> CliError {
        CliError::message(self.exit(), text)
    }

    fn exit(&self) -> Exit {
        if self.terminated.load(Ordering::Relaxed) {
            Exit::Terminated
        } else {
            Exit::Interrupted
        }
    }
}

/// Sources of signals.
struct Source {
    interrupts: Signal,
    terminations: Signal,
    /// SIGHUP; `None` if it is ignored.
    hang_ups: Option<Signal>,
}

impl Source {
    /// Waits for a signal; returns whether it was SIGTERM or SIGHUP.
    async fn terminates(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupts.recv() => false,
            _ = self.terminations.recv() => true,
            () = received(&mut self.hang_ups) => true,
        }
    }

    /// Ignores signals for this long.
    async fn ignore_for(&mut self, time: Duration) {
        let all = async {
            loop {
                self.terminates().await;
            }
        };
        let _: Result<(), _> = timeout(time, all).await;
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Reports whether the process was started with SIGHUP ignored, as by `nohup`.
#[cfg(target_os = "linux")]
fn ignores_hang_ups() -> bool {
    const HANG_UP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_none_or(|mask| mask & HANG_UP != 0)
}

/// Without /proc it is unknown whether the process was started by `nohup`; SIGHUP is left alone.
#[cfg(not(target_os = "linux"))]
fn ignores_hang_ups() -> bool {
    true
}
