//! The start of a command, so that it does not outlive this process: whoever handles its event next must not do so beside it.
//!
//! On Linux a watchdog, which is another process of this program, waits until this one is gone and kills what it ran, with
//! its process groups. A parent-death signal would cost a second `exec` for every run, which nearly halves their number
//! per second; it follows the thread that started the command instead of the process; and it spares grandchildren.

#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod watchdog;

use std::{
    io,
    process::{Child, Command, ExitStatus},
};

#[cfg(target_os = "linux")]
pub use self::watchdog::{is_watchdog, watch};
use crate::output::Remarks;

/// Starts commands that end with this process.
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
    /// Where the watchdog finds it.
    #[cfg(target_os = "linux")]
    entry: Option<table::Entry>,
}

impl Started {
    /// Waits for the end of the command, and reaps it.
    ///
    /// # Errors
    /// If it is not our child.
    #[cfg(target_os = "linux")]
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        if self.entry.is_some() {
            // Once it is reaped, its number may be another process's.
            super::process::exit::wait_for_end(rustix::process::Pid::from_child(&self.child));
            self.entry = None;
        }
        self.child.wait()
    }

    /// Waits for the end of the command, and reaps it.
    ///
    /// # Errors
    /// If it is not our child.
    #[cfg(not(target_os = "linux"))]
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

#[cfg(target_os = "linux")]
impl Launcher {
    /// Prepares a watchdog, which is started with the first command.
    pub fn new(remarks: Remarks) -> Self {
        Self {
            watchdog: std::sync::OnceLock::new(),
            remarks,
        }
    }

    /// For unit tests, which are another program.
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
            let child = command.spawn()?;
            return Ok(Started { child, entry: None });
        };
        let (stdin, writer) = io::pipe()?;
        let entry = watchdog.expect(&stdin)?;
        let spawned = command.stdin(stdin).spawn();
        // It holds the end that is read; who writes must notice when the child closes it.
        drop(command);
        let mut child = spawned?;
        entry.confirm(&child)?;
        child.stdin = Some(std::os::fd::OwnedFd::from(writer).into());
        Ok(Started {
            child,
            entry: Some(entry),
        })
    }

    fn start_watchdog(&self) -> Option<watchdog::Watchdog> {
        let started = watchdog::Watchdog::start();
        if let Err(error) = &started {
            let text =
                format!("cannot start the watchdog: {error}; if pf is killed, its handlers go on");
            self.remarks.warning(&text);
        }
        started.ok()
    }
}

#[cfg(not(target_os = "linux"))]
impl Launcher {
    /// Prepares nothing: here commands outlive this process if it is killed.
    pub fn new(_: Remarks) -> Self {
        Self {}
    }

    /// For unit tests.
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
