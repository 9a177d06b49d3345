//! What the connections of an open store have in common: what the user should know and no call fails for, and the count of
//! those that are open. They share the index of the store's log; once that is gone, all of them have to end before one
//! begins anew.

use std::{
    sync::{Arc, MutexGuard, Weak},
    time::{Duration, Instant},
};

use crate::{
    lock::{Condvar, Mutex},
    transport::{ErrorKind, Result},
};

use super::{
    open::Open,
    open_files::{Change, Files, Identity},
};
use crate::backends::sqlite::error::{Fault, Outcome, refusal};

/// How long the others are waited for. The writing thread looks around every two seconds, should nothing else wake it.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is to be told.
    waiting: Vec<String>,
    /// What is said once however often it is found.
    said: Vec<String>,
    /// Logs that were removed, and saved.
    saved: Vec<Identity>,
    open: usize,
    /// The files of the one that was opened last.
    files: Option<Files>,
    /// All have to end.
    recalled: bool,
    /// For the next read.
    spare: Option<Open>,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Weak<Connections>);

impl Connections {
    /// Counts a connection that is about to be opened; waits until those that have to end have ended.
    pub(crate) fn enter(self: &Arc<Self>) -> Outcome<Seat> {
        if self.lacks_its_log() {
            self.recall();
        }
        let until = Instant::now() + PATIENCE;
        let mut state = self.lock();
        while state.recalled && state.open > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = "the store's log was removed while it was in use, and still is";
                return Err(Fault::refuse(ErrorKind::Unavailable, message));
            }
            state = self.left.wait_timeout(state, left);
        }
        state.recalled = false;
        if state.open == 0 {
            state.files = None;
        }
        state.open += 1;
        Ok(Seat(Arc::downgrade(self)))
    }

    /// Reports whether those that are open have a log that others do not find.
    fn lacks_its_log(&self) -> bool {
        let files = {
            let state = self.lock();
            state.files.clone().filter(|_| state.open > 0)
        };
        files.is_some_and(|files| files.change() == Some(Change::Bared))
    }

    /// Notes the files of a connection that was opened.
    pub(crate) fn note(&self, files: &Files) {
        self.lock().files = Some(files.clone());
    }

    /// Lets none begin until all have ended.
    pub(crate) fn recall(&self) {
        let spare = {
            let mut state = self.lock();
            state.recalled = true;
            state.spare.take()
        };
        if let Some(open) = spare {
            open.end();
        }
    }

    /// Takes the connection that the last read left.
    pub(crate) fn take_spare(&self) -> Option<Open> {
        self.lock().spare.take()
    }

    /// Keeps a connection for the next read, unless all have to end.
    pub(crate) fn keep_spare(&self, open: Open) {
        let (over, is_recalled) = {
            let mut state = self.lock();
            if state.recalled {
                (Some(open), true)
            } else {
                (state.spare.replace(open), false)
            }
        };
        match over {
            Some(open) if is_recalled => open.end(),
            over => drop(over),
        }
    }

    /// Has something told, once as long as nobody has told it.
    pub(crate) fn say(&self, text: String) {
        tracing::warn!("{text}");
        let mut state = self.lock();
        if !state.waiting.contains(&text) {
            state.waiting.push(text);
        }
    }

    /// Has something told, and never again.
    pub(crate) fn say_once(&self, text: String) {
        if self.lock().said.contains(&text) {
            return;
        }
        self.lock().said.push(text.clone());
        self.say(text);
    }

    /// Notes that a log that was removed was saved.
    pub(crate) fn note_saved(&self, log: Identity) {
        self.lock().saved.push(log);
    }

    /// Reports whether a log was saved after it was removed.
    pub(crate) fn was_saved(&self, log: Identity) -> bool {
        self.lock().saved.contains(&log)
    }

    /// Takes everything that waits to be told.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().waiting)
    }

    /// Fails with a warning if something waits to be told.
    pub(crate) fn tell(&self) -> Result<()> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            return Ok(());
        }
        Err(refusal(ErrorKind::Warning, state.waiting.remove(0)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(connections) = self.0.upgrade() {
            connections.lock().open -= 1;
            connections.left.notify_all();
        }
    }
}
