//! A child in its own process group: signalled as a group, and never after it was reaped.

use std::{
    process::{Child, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How long a command that was asked to end has before it is killed.
pub const LAST_MOMENT: std::time::Duration = std::time::Duration::from_millis(500);

/// The right to signal a child while it exists.
#[derive(Debug, Default)]
pub struct Leash(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<Pid>,
    pulled: Option<Signal>,
}

impl Leash {
    /// Signals the whole group, now or as soon as it is there.
    pub fn pull(&self, signal: Signal) {
        let mut state = self.state();
        state.pulled = Some(signal);
        if let Some(pid) = state.running {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Puts a child that was just started on the leash; it leads its group.
    pub fn attach(&self, child: &Child) -> Pid {
        let pid = Pid::from_child(child);
        let mut state = self.state();
        state.running = Some(pid);
        if let Some(signal) = state.pulled {
            let _ = kill_process_group(pid, signal);
        }
        pid
    }

    /// Reaps the child. Of a group that was told to end, nobody is left.
    ///
    /// # Errors
    /// If it is not our child.
    pub fn reap(&self, child: &mut Child) -> std::io::Result<ExitStatus> {
        let mut state = self.state();
        if let (Some(pid), Some(_)) = (state.running.take(), state.pulled) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        child.wait()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills the group when dropped, unless the child was reaped before.
#[derive(Debug)]
pub struct Held(pub std::sync::Arc<Leash>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.pull(Signal::KILL);
    }
}

/// Reports whether the child has ended, without reaping it.
pub fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Returns something that can be polled until the child ends, where the system has it.
#[cfg(target_os = "linux")]
pub fn end_of(pid: Pid) -> Option<std::os::fd::OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Returns something that can be polled until the child ends, where the system has it.
#[cfg(not(target_os = "linux"))]
pub fn end_of(_: Pid) -> Option<std::os::fd::OwnedFd> {
    None
}
