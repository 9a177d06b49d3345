//! Letting go of files that changed under a connection, and saving what only this connection still sees.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    open::keep_off,
    open_connections::Connections,
    open_files::{Change, Files},
};
use crate::backends::sqlite::error::Outcome;

/// How long others are waited for when a log is to be saved.
const SAVING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// What became of all that was stored by way of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parted {
    /// It is in the store, for everybody to see.
    Saved,
    /// It was saved before, by another connection of ours; what was stored since then was not.
    SavedBefore,
    /// It is not in the store that has the name.
    Lost,
}

/// Prepares the end of a connection whose files changed: it touches nothing that has their names from now on.
pub(crate) fn part(
    connection: &Connection,
    files: &Files,
    change: Change,
    connections: &Connections,
) -> Parted {
    let parted = match change {
        Change::Gone => {
            // An empty log does no harm to what gets the name next.
            save(connection, "TRUNCATE");
            Parted::Lost
        }
        Change::Replaced => {
            // A name that was a link leads elsewhere, and the store may well be where it was.
            if files.have_left_their_place() {
                files.remove_log();
            }
            save(connection, "FULL");
            Parted::Lost
        }
        Change::Bared => {
            connections.recall();
            save_log(connection, files, connections)
        }
    };
    keep_off(connection);
    parted
}

/// Saves what is in a log that others do not find, as long as none of them has begun another one.
fn save_log(connection: &Connection, files: &Files, connections: &Connections) -> Parted {
    if files.has_another_log() {
        let was_saved = files.log().is_some_and(|log| connections.was_saved(log));
        return if was_saved {
            Parted::SavedBefore
        } else {
            Parted::Lost
        };
    }
    if !save(connection, "FULL") {
        return Parted::Lost;
    }
    files.remove_log();
    if let Some(log) = files.log() {
        connections.note_saved(log);
    }
    let path = files.path().display();
    connections.say(format!(
        "the log of `{path}` was removed while it was in use; what it held was saved"
    ));
    Parted::Saved
}

/// Moves the log into the file that is open, whatever its name; reports whether all of it is there now. Others are waited
/// for, though not for long.
fn save(connection: &Connection, mode: &str) -> bool {
    let until = Instant::now() + SAVING;
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let attempt = || -> Outcome<bool> {
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
