//! The start of commands that must not outlive `pf`.
//!
//! If `pf` is killed, its events are redelivered to another consumer, which must not handle them while the command of the
//! killed one is still running. On Linux a watchdog, another process of this program, waits for the exit of `pf` and then
//! kills the process groups of its commands.
//!
//! A parent-death signal (`PR_SET_PDEATHSIG`) was measured and rejected: it needs a second `exec` for every run, which
//! nearly halves the runs per second; it follows the thread that started the command instead of the process; and it does
//! not reach grandchildren.

#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod watchdog;

use std::{
    io,
    process::{Child, Command, ExitStatus},
};

#[cfg(target_os = "linux")]
use self::children::OwnChild;
#[cfg(target_os = "linux")]
pub use self::{
    children::reap_orphans,
    watchdog::{is_watchdog, watch},
};
use crate::output::Remarks;

/// Starts commands that are killed when this process dies.
#[derive(Debug)]
pub struct Launcher {
    #[cfg(target_os = "linux")]
    watchdog: std::sync::OnceLock<Option<watchdog::Watchdog>>,
    #[cfg(target_os = "linux")]
    remarks: Remarks,
}

/// A command that was started.
#[derive(Debug)]
pub struct Started {
    pub child: Child,
    /// Its entry in the table of the watchdog.
    #[cfg(target_os = "linux")]
    entry: Option<table::Entry>,
    #[cfg(target_os = "linux")]
    own: OwnChild,
}

impl Started {
    /// Waits for the exit of the command and reaps it.
    ///
    /// # Errors
    /// If it is not a child of this process.
    #[cfg(target_os = "linux")]
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        // The entry must go before the reap: afterwards the watchdog could kill an unrelated process with this id.
        super::process::exit::wait(rustix::process::Pid::from_child(&self.child));
        self.entry = None;
        self.own.reap(&mut self.child)
    }

    /// Waits for the exit of the command and reaps it.
    ///
    /// # Errors
    /// If it is not a child of this process.
    #[cfg(not(target_os = "linux"))]
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

#[cfg(target_os = "linux")]
impl Launcher {
    /// Prepares a launcher; the watchdog is started with the first command.
    pub fn new(remarks: Remarks) -> Self {
        Self {
            watchdog: std::sync::OnceLock::new(),
            remarks,
        }
    }

    /// Returns a launcher for unit tests, whose program cannot be a watchdog.
    #[cfg(test)]
    pub fn without_watchdog() -> Self {
        Self {
            watchdog: None.into(),
            remarks: Remarks::stderr(true, crate::output::ColorChoice::Never),
        }
    }

    /// Starts a command whose stdin is a pipe.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&self, mut command: Command) -> io::Result<Started> {
        let watchdog = self.watchdog.get_or_init(|| self.start_watchdog());
        let Some(watchdog) = watchdog else {
            let (child, own) = OwnChild::spawn(&mut command)?;
            let entry = None;
            return Ok(Started { child, entry, own });
        };
        let (stdin, writer) = io::pipe()?;
        let entry = watchdog.expect(&stdin)?;
        let spawned = OwnChild::spawn(command.stdin(stdin));
        // `command` holds the read end of the pipe. As long as it is open, a write to a child that closed its stdin
        // would not fail.
        drop(command);
        let (mut child, own) = spawned?;
        entry.confirm(&child)?;
        child.stdin = Some(std::os::fd::OwnedFd::from(writer).into());
        Ok(Started {
            child,
            entry: Some(entry),
            own,
        })
    }

    fn start_watchdog(&self) -> Option<watchdog::Watchdog> {
        let started = watchdog::Watchdog::start();
        if let Err(error) = &started {
            let text = format!(
                "cannot start the watchdog: {error}; if pf is killed, its handlers keep running"
            );
            self.remarks.warning(&text);
        }
        started.ok()
    }
}

#[cfg(not(target_os = "linux"))]
impl Launcher {
    /// Returns a launcher without a watchdog: on this system commands outlive `pf` if it is killed.
    pub fn new(_: Remarks) -> Self {
        Self {}
    }

    /// Returns a launcher for unit tests.
    #[cfg(test)]
    pub fn without_watchdog() -> Self {
        Self {}
    }

    /// Starts a command whose stdin is a pipe.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&self, mut command: Command) -> io::Result<Started> {
        let child = command.spawn()?;
        Ok(Started { child })
    }
}
