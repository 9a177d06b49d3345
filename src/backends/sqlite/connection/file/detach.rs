//! Detaching from files that changed under a connection, and saving what only this connection still sees. If `-wal` is
//! removed while it is open, the last commits exist only behind an unlinked inode: they can still be checkpointed into
//! the store, but only by a process that has it open, and only as long as no other process has started a new log.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    open_connections::{OpenConnections, disable_checkpoint_on_close},
    open_files::{FileChange, OpenFiles},
};
use crate::{
    backends::sqlite::error::{StoreResult, store_error},
    transport::{ErrorKind, TransportError},
};

/// How long to wait for other connections before the log is checkpointed, ...
const SAVING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// The fate of the commits that were only in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detached {
    /// They are in the store and visible to everybody.
    Saved,
    /// Another connection of this process saved them; later commits are lost.
    SavedBefore,
    /// They are not in the file at the store's path.
    Lost,
}

/// Detaches a connection whose files changed: from now on, it touches nothing at their paths.
pub(crate) fn detach(
    connection: &Connection,
    files: &OpenFiles,
    change: FileChange,
    connections: &OpenConnections,
) -> Detached {
    let parted = match change {
        FileChange::Missing => {
            // A log that is left must be empty: the next file at this path would take its pages for its own.
            save(connection, "TRUNCATE");
            Detached::Lost
        }
        FileChange::Replaced => {
            // If the path was a symlink that now leads elsewhere, the store may be where it was, and its log with it.
            if files.has_moved() {
                files.remove_log();
            }
            save(connection, "FULL");
            Detached::Lost
        }
        FileChange::LogRemoved => {
            connections.close_all();
            save_log(connection, files, connections)
        }
    };
    disable_checkpoint_on_close(connection);
    parted
}

/// Checkpoints a log that other processes do not find, unless one of them has started another.
fn save_log(connection: &Connection, files: &OpenFiles, connections: &OpenConnections) -> Detached {
    if files.has_another_log() {
        let was_saved = files.log().is_some_and(|log| connections.was_saved(log));
        return if was_saved {
            Detached::SavedBefore
        } else {
            Detached::Lost
        };
    }
    if !save(connection, "FULL") {
        return Detached::Lost;
    }
    files.remove_log();
    if let Some(log) = files.log() {
        connections.note_saved(log);
    }
    let path = files.path().display();
    connections.add_notice(format!(
        "the log of `{path}` was removed while it was in use; its content was saved"
    ));
    Detached::Saved
}

/// Checkpoints the log into the open file, whatever its name; reports whether that is complete. Waits for other
/// connections, but not for long.
fn save(connection: &Connection, mode: &str) -> bool {
    let until = Instant::now() + SAVING;
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let attempt = || -> StoreResult<bool> {
        connection.busy_timeout(SAVING)?;
        Ok(connection.query_row(&sql, [], |row| {
            let (length, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(length == moved)
        })?)
    };
    loop {
        match attempt() {
            Ok(true) => return true,
            // Another connection does the same, or still reads.
            Ok(false) => {}
            Err(fault) if fault.is_busy() => {}
            Err(_) => return false,
        }
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(PAUSE);
    }
}

/// Returns the error for a commit that is not in the file at the store's path.
pub(crate) fn missed(change: FileChange, path: &Path) -> TransportError {
    let file = path.display();
    let (message, hint) = match change {
        FileChange::Missing => (
            format!("`{file}` was removed or renamed during a write: the last commit went with it"),
            "look for it in the file's new place; repeat what is in neither file",
        ),
        FileChange::Replaced => (
            format!("`{file}` was replaced during a write: the last commit went to the old file"),
            "repeat it if the new file should have it",
        ),
        FileChange::LogRemoved => (
            format!("the log of `{file}` was removed during a write: the last commit may be lost"),
            "check whether it is there; do not touch the files `-wal` and `-shm`",
        ),
    };
    store_error(ErrorKind::Ambiguous, message).hint(hint)
}
