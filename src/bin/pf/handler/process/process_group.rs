//! A child in its own process group: signalled as a group, and never after it was reaped.

use std::{
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::handler::launcher::Started;

/// How long a command that was asked to end has before it is killed.
pub const LAST_MOMENT: Duration = Duration::from_millis(500);

/// The right to signal a child while it exists.
#[derive(Debug, Default)]
pub struct Leash(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    pulled: Option<Signal>,
}

/// What is signalled.
#[derive(Debug)]
enum Running {
    Group(Pid),
    /// A child that outlives the run it works for.
    Other(Arc<Leash>),
}

impl Running {
    fn pull(&self, signal: Signal) {
        match self {
            Self::Group(pid) => drop(kill_process_group(*pid, signal)),
            Self::Other(leash) => leash.pull(signal),
        }
    }
}

impl Leash {
    /// Signals the whole group, now or as soon as it is there.
    pub fn pull(&self, signal: Signal) {
        let mut state = self.state();
        state.pulled = Some(signal);
        if let Some(running) = &state.running {
            running.pull(signal);
        }
    }

    /// Reports whether a signal was sent, or would have been.
    pub fn is_pulled(&self) -> bool {
        self.state().pulled.is_some()
    }

    /// Puts a child that was just started on the leash; it leads its group.
    pub fn attach(&self, child: &Child) -> Pid {
        let pid = Pid::from_child(child);
        self.run(Running::Group(pid));
        pid
    }

    /// Puts the child of another leash on this one, until it is released.
    pub fn lend(&self, other: &Arc<Self>) {
        self.run(Running::Other(Arc::clone(other)));
    }

    /// Lets go of what was lent.
    pub fn release(&self) {
        self.state().running = None;
    }

    fn run(&self, running: Running) {
        let mut state = self.state();
        if let Some(signal) = state.pulled {
            running.pull(signal);
        }
        state.running = Some(running);
    }

    /// Reaps the child. Of a group that was told to end, nobody is left.
    ///
    /// # Errors
    /// If it is not our child.
    pub fn reap(&self, started: Started) -> std::io::Result<ExitStatus> {
        let mut state = self.state();
        if let (Some(running), Some(_)) = (state.running.take(), state.pulled) {
            running.pull(Signal::KILL);
        }
        started.wait()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills the group when dropped, unless the child was reaped before.
#[derive(Debug)]
pub struct Held(pub Arc<Leash>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.pull(Signal::KILL);
    }
}
