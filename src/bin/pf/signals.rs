//! SIGINT and SIGTERM: the first asks for a drain, the second ends at once. On Linux SIGHUP, too, asks for a drain; nobody
//! means the end by closing a terminal.

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

/// What sends a signal to us and to our process group, as `timeout` does, means one and not two.
const ECHO: Duration = Duration::from_millis(50);

/// How long the end may take after the second signal.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a command knows about the signals that came.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled by signals.
    pub stop: Stop,
    terminated: Arc<AtomicBool>,
}

impl Signals {
    /// Takes over these signals for the rest of the process.
    pub fn watch(remarks: Remarks) -> io::Result<Self> {
        let signals = Self {
            stop: Stop::default(),
            terminated: Arc::new(AtomicBool::new(false)),
        };
        let watched = signals.clone();
        // On a thread of its own: a write to a pipe that nobody reads holds up everything else.
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
            runtime.block_on(watched.heed(&mut source, remarks));
            // Something hangs; what it holds is as safe as from a kill.
            watched.exit().at_once();
        });
        Ok(signals)
    }

    /// Asks for a drain at the first signal and for the end at the second, which then has a little time.
    async fn heed(&self, source: &mut Source, remarks: Remarks) {
        self.terminated
            .store(source.terminates().await, Ordering::Relaxed);
        self.stop.drain.cancel();
        source.hang_ups = None;
        source.let_pass(ECHO).await;
        remarks.remark("stopping; a second signal ends at once");
        self.terminated
            .store(source.terminates().await, Ordering::Relaxed);
        self.stop.abort.cancel();
        sleep(LAST_WORDS).await;
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

/// Where signals come from.
struct Source {
    interrupts: Signal,
    terminations: Signal,
    /// The terminal was closed; none if that is not meant to end us.
    hang_ups: Option<Signal>,
}

impl Source {
    /// Waits for a signal, and returns whether it was SIGTERM, or SIGHUP, which asks for the same.
    async fn terminates(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupts.recv() => false,
            _ = self.terminations.recv() => true,
            () = received(&mut self.hang_ups) => true,
        }
    }

    /// Overlooks what comes for so long.
    async fn let_pass(&mut self, time: Duration) {
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

/// Reports whether we were started to outlive the terminal, as by `nohup`.
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

/// Nobody tells here whether we were started to outlive the terminal.
#[cfg(not(target_os = "linux"))]
fn ignores_hang_ups() -> bool {
    true
}
