//! The process group of a child: signalled as a whole, and never after the child was reaped.
//!
//! Once a child is reaped, the system may give its process id to an unrelated process. Signalling and reaping therefore
//! take the same lock, and a signal after the reap goes nowhere.

use std::{
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::handler::launcher::Started;

/// Time between SIGTERM and SIGKILL.
pub const KILL_AFTER: Duration = Duration::from_millis(500);

/// Handle for signalling a child while it exists.
#[derive(Debug, Default)]
pub struct ProcessGroup(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    target: Option<Target>,
    last_signal: Option<Signal>,
}

/// Receiver of signals.
#[derive(Debug)]
enum Target {
    Group(Pid),
    /// The group of a worker, which outlives the run.
    Delegate(Arc<ProcessGroup>),
}

impl Target {
    fn signal(&self, signal: Signal) {
        match self {
            Self::Group(pid) => drop(kill_process_group(*pid, signal)),
            Self::Delegate(group) => group.signal(signal),
        }
    }
}

impl ProcessGroup {
    /// Signals the whole group, now or as soon as there is one.
    pub fn signal(&self, signal: Signal) {
        let mut state = self.state();
        state.last_signal = Some(signal);
        if let Some(target) = &state.target {
            target.signal(signal);
        }
    }

    /// Reports whether a signal was sent, or would have been.
    pub fn was_signalled(&self) -> bool {
        self.state().last_signal.is_some()
    }

    /// Attaches a child that was just started and leads its group.
    pub fn attach(&self, child: &Child) -> Pid {
        let pid = Pid::from_child(child);
        self.set_target(Target::Group(pid));
        pid
    }

    /// Passes signals on to another group, until [`Self::detach`].
    pub fn delegate_to(&self, other: &Arc<Self>) {
        self.set_target(Target::Delegate(Arc::clone(other)));
    }

    /// Ends the delegation.
    pub fn detach(&self) {
        self.state().target = None;
    }

    fn set_target(&self, target: Target) {
        let mut state = self.state();
        if let Some(signal) = state.last_signal {
            target.signal(signal);
        }
        state.target = Some(target);
    }

    /// Reaps the child. If the group was signalled, the rest of it is killed first.
    ///
    /// # Errors
    /// If it is not a child of this process.
    pub fn reap(&self, started: Started) -> std::io::Result<ExitStatus> {
        let mut state = self.state();
        if let (Some(target), Some(_)) = (state.target.take(), state.last_signal) {
            target.signal(Signal::KILL);
        }
        started.wait()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills the group when dropped, unless the child was reaped before.
#[derive(Debug)]
pub struct KillOnDrop(pub Arc<ProcessGroup>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.signal(Signal::KILL);
    }
}
