//! The open connections of a store: their count, the one kept for the next read, and the notices that no call fails
//! with. All connections of a process share one mapping of the log's index. Once that file is removed, a new
//! connection would join the old mapping and write where no other process looks: all of them have to close before one
//! opens again.

use std::{
    sync::{Arc, MutexGuard, Weak},
    time::{Duration, Instant},
};

use rusqlite::{Connection, config::DbConfig};

use super::open_files::{FileChange, FileId, OpenFiles};
use crate::{
    backends::sqlite::error::{StoreError, StoreResult, store_error},
    lock::{Condvar, Mutex},
    transport::{ErrorKind, Result},
};

/// The most connections kept for the next reads: a scan reads ahead with a second one.
const SPARE: usize = 2;

/// How long to wait for the other connections to close. The writing thread checks its files every two seconds if
/// nothing else wakes it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection and its files.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) connection: Connection,
    pub(crate) files: OpenFiles,
    /// Counts it as open; dropped after the connection.
    pub(crate) guard: ConnectionGuard,
}

impl Open {
    /// Closes the connection without touching the files that are at its paths by now.
    pub(crate) fn end(self) {
        disable_checkpoint_on_close(&self.connection);
    }
}

/// Closes without a checkpoint: SQLite checks whether the store has moved, but not its log.
pub(crate) fn disable_checkpoint_on_close(connection: &Connection) {
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// The open connections of a store.
#[derive(Debug, Default)]
pub(crate) struct OpenConnections {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Notices to report.
    notices: Vec<String>,
    /// Notices that are reported once, however often they are found.
    reported: Vec<String>,
    /// Logs that were removed, and then saved.
    saved: Vec<FileId>,
    open: usize,
    /// The files of the connection opened last.
    files: Option<OpenFiles>,
    /// All connections have to close.
    closing: bool,
    /// The connections kept for the next reads.
    spare: Vec<Open>,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionGuard(Weak<OpenConnections>);

impl OpenConnections {
    /// Counts a connection that is about to be opened. Waits until the connections that have to close have done so.
    pub(crate) fn register(self: &Arc<Self>) -> StoreResult<ConnectionGuard> {
        if self.has_lost_log() {
            self.close_all();
        }
        let until = Instant::now() + CLOSE_TIMEOUT;
        let mut state = self.lock();
        while state.closing && state.open > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message = "the store's write-ahead log was removed while it was in use, and connections to it are still open";
                return Err(StoreError::refuse(ErrorKind::Unavailable, message));
            }
            state = self.left.wait_timeout(state, left);
        }
        state.closing = false;
        if state.open == 0 {
            state.files = None;
        }
        state.open += 1;
        Ok(ConnectionGuard(Arc::downgrade(self)))
    }

    /// Reports whether the open connections have a log that other processes do not find.
    fn has_lost_log(&self) -> bool {
        let files = {
            let state = self.lock();
            state.files.clone().filter(|_| state.open > 0)
        };
        files.is_some_and(|files| files.change() == Some(FileChange::LogRemoved))
    }

    /// Records the files of a connection that was opened.
    pub(crate) fn note_files(&self, files: &OpenFiles) {
        self.lock().files = Some(files.clone());
    }

    /// Keeps new connections from opening until all have closed.
    pub(crate) fn close_all(&self) {
        let spare = {
            let mut state = self.lock();
            state.closing = true;
            std::mem::take(&mut state.spare)
        };
        for open in spare {
            open.end();
        }
    }

    /// Reports whether all connections have to close, also one that was opened behind the loss of the log: as long as it is
    /// open, no other can be opened.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Takes a connection that an earlier read left.
    pub(crate) fn take_spare(&self) -> Option<Open> {
        self.lock().spare.pop()
    }

    /// Keeps a connection for the next read, unless all have to close or enough are kept.
    pub(crate) fn keep_spare(&self, open: Open) {
        let (over, is_closing) = {
            let mut state = self.lock();
            if state.closing {
                (Some(open), true)
            } else {
                state.spare.push(open);
                let is_over = state.spare.len() > SPARE;
                (is_over.then(|| state.spare.remove(0)), false)
            }
        };
        match over {
            Some(open) if is_closing => open.end(),
            over => drop(over),
        }
    }

    /// Adds a notice, unless it is pending already.
    pub(crate) fn add_notice(&self, text: String) {
        tracing::warn!("{text}");
        let mut state = self.lock();
        if !state.notices.contains(&text) {
            state.notices.push(text);
        }
    }

    /// Adds a notice that is reported only once.
    pub(crate) fn add_notice_once(&self, text: String) {
        if self.lock().reported.contains(&text) {
            return;
        }
        self.lock().reported.push(text.clone());
        self.add_notice(text);
    }

    /// Records that a removed log was saved.
    pub(crate) fn note_saved(&self, log: FileId) {
        self.lock().saved.push(log);
    }

    /// Reports whether a removed log was saved.
    pub(crate) fn was_saved(&self, log: FileId) -> bool {
        self.lock().saved.contains(&log)
    }

    /// Takes out all notices.
    pub(crate) fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().notices)
    }

    /// Returns the first notice as a warning, if there is one.
    pub(crate) fn report(&self) -> Result<()> {
        let mut state = self.lock();
        if state.notices.is_empty() {
            return Ok(());
        }
        Err(store_error(ErrorKind::Warning, state.notices.remove(0)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(connections) = self.0.upgrade() {
            connections.lock().open -= 1;
            connections.left.notify_all();
        }
    }
}
