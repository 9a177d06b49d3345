//! The children of this process, and as PID 1 of a container also the orphans that it is given.
//!
//! The kernel gives every orphan of a container to its PID 1, which has to reap it: otherwise it stays in the process table
//! until that is full. The exit status of a child of `pf` itself belongs to the thread that waits for it. So both
//! hold a gate: children are started and reaped on one side, orphans are reaped on the other.

use std::{
    collections::BTreeSet,
    fs, io,
    process::{Child, Command, ExitStatus},
    sync::{Mutex, PoisonError, RwLock},
    thread,
    time::Duration,
};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::handler::process::exit;

/// Shared while a child is started or reaped, exclusive while orphans are reaped.
static GATE: RwLock<()> = RwLock::new(());
/// The children of this process that were not reaped yet.
static OWN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
/// Least time between two looks at the process table.
const PAUSE: Duration = Duration::from_millis(100);

/// A child of this process: the reaper of orphans leaves its exit alone until this is dropped.
#[derive(Debug)]
pub struct OwnChild(u32);

impl OwnChild {
    /// Starts a command.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<(Child, Self)> {
        let _gate = GATE.read().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        own(|own| own.insert(child.id()));
        let own = Self(child.id());
        Ok((child, own))
    }

    /// Waits for the exit of the child and reaps it.
    ///
    /// # Errors
    /// If it is not a child of this process.
    pub fn wait(self, child: &mut Child) -> io::Result<ExitStatus> {
        exit::wait(Pid::from_child(child));
        self.reap(child)
    }

    /// Reaps the child, which has exited: until it has, no orphan would be reaped.
    ///
    /// # Errors
    /// If it is not a child of this process.
    pub fn reap(self, child: &mut Child) -> io::Result<ExitStatus> {
        // Its number is free after the reap, and the next process that has it may be an orphan.
        let _gate = GATE.read().unwrap_or_else(PoisonError::into_inner);
        let status = child.wait();
        drop(self);
        status
    }
}

impl Drop for OwnChild {
    fn drop(&mut self) {
        own(|own| own.remove(&self.0));
    }
}

fn own<T>(work: impl FnOnce(&mut BTreeSet<u32>) -> T) -> T {
    work(&mut OWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts to reap orphans, on a thread of its own, if this process is PID 1.
///
/// # Errors
/// If the thread or its signal handler cannot be set up.
pub fn reap_orphans() -> io::Result<()> {
    if std::process::id() != 1 {
        return Ok(());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let exits = {
        let _guard = runtime.enter();
        signal(SignalKind::child())?
    };
    let thread = thread::Builder::new().name("orphans".to_owned());
    thread.spawn(move || runtime.block_on(reap_with_each_signal(exits)))?;
    Ok(())
}

/// Looks after each signal, but not after each exit where thousands of children exit in a second.
async fn reap_with_each_signal(mut exits: Signal) {
    loop {
        for orphan in orphans() {
            let _gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
            if !own(|own| own.contains(&orphan.as_raw_nonzero().get().unsigned_abs())) {
                let _ = waitpid(Some(orphan), WaitOptions::NOHANG);
            }
        }
        tokio::time::sleep(PAUSE).await;
        if exits.recv().await.is_none() {
            return;
        }
    }
}

/// Returns the exited children of this process, its own included.
fn orphans() -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten();
    let exited = processes.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("stat")).ok()?;
        is_exited_child(&status)
            .then(|| Pid::from_raw(pid))
            .flatten()
    });
    exited.collect()
}

/// Reads state and parent, which follow the name in parentheses.
fn is_exited_child(status: &str) -> bool {
    let behind_name = status.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = behind_name.split_ascii_whitespace();
    fields.next() == Some("Z") && fields.next() == Some("1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_parent_are_read_behind_any_name() {
        assert!(is_exited_child("7 (sleep) Z 1 7 7 0"));
        assert!(is_exited_child("7 (a) S 2 (b)) Z 1 7 7 0"));
        assert!(!is_exited_child("7 (sleep) S 1 7 7 0"));
        assert!(!is_exited_child("7 (sleep) Z 12 7 7 0"));
        assert!(!is_exited_child(""));
    }

    #[test]
    fn a_child_is_its_own_until_it_is_reaped() {
        let (mut child, own_child) = OwnChild::spawn(&mut Command::new("false")).unwrap();
        let id = child.id();
        assert!(own(|own| own.contains(&id)));
        assert_eq!(own_child.wait(&mut child).unwrap().code(), Some(1));
        assert!(!own(|own| own.contains(&id)));
    }
}
