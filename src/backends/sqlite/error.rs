//! SQLite's errors in the words of the seam: a kind, what is wrong with which file, and what to do.

use std::{io, path::Path};

use rusqlite::{Error as SqlError, ErrorCode, ffi};

use crate::transport::{ErrorKind, TransportError};

use super::connection::file::open_files::Change;

/// The URL scheme.
pub(super) const SCHEME: &str = "sqlite";

/// What stops a piece of work on the store.
#[derive(Debug)]
pub(super) enum Fault {
    /// The engine failed.
    Sql(SqlError),
    /// We refuse.
    Refused(TransportError),
}

/// What work on the store returns.
pub(super) type Outcome<T> = std::result::Result<T, Fault>;

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    /// Refuses with a kind and a message.
    pub(super) fn refuse(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Refused(refusal(kind, message))
    }

    /// Turns into the error that a caller sees.
    pub(super) fn into_error(self, path: &Path) -> TransportError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(error) => explain(error, path),
        }
    }

    /// Reports whether what is in the file is the matter.
    pub(super) fn is_of_content(&self) -> bool {
        match self {
            Self::Refused(error) => error.kind() == ErrorKind::Corrupt,
            Self::Sql(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
        }
    }

    /// Reports whether another process holds the lock.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        ))
    }
}

/// Makes an error of this transport.
pub(super) fn refusal(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}

/// Says that the writing thread is gone.
pub(super) fn closed() -> TransportError {
    refusal(ErrorKind::Unavailable, "the store is closed")
}

/// Says that an open store has no name any more.
pub(super) fn gone(path: &Path) -> TransportError {
    let message = format!(
        "`{}` is gone: it was removed or renamed while it was in use",
        path.display()
    );
    refusal(ErrorKind::Unavailable, message)
        .hint("put it back; or begin again, and the first `pf publish` makes a new store")
}

/// Says that what was just written is not in the store that has the name.
pub(super) fn missed(change: Change, path: &Path) -> TransportError {
    let file = path.display();
    let (message, hint) = match change {
        Change::Gone => (
            format!(
                "`{file}` was removed or renamed while it was written to: what was just written went with it"
            ),
            "look for it where the file went; do again what is in no file",
        ),
        Change::Replaced => (
            format!(
                "`{file}` was replaced while it was written to: what was just written went to the old one"
            ),
            "do it again if the new file should have it",
        ),
        Change::Bared => (
            format!(
                "the log of `{file}` was removed while it was written to: what was just written may be lost"
            ),
            "look whether it is there; leave the files `-wal` and `-shm` to `pf`",
        ),
    };
    refusal(ErrorKind::Ambiguous, message).hint(hint)
}

/// Says that a file may not be complete yet.
pub(super) fn in_the_making(path: &Path) -> TransportError {
    let message = format!("`{}` is being replaced and not complete", path.display());
    refusal(ErrorKind::Unavailable, message).hint("try again once the file is there as a whole")
}

/// Says that the name means another file than a moment before.
pub(super) fn swapped(path: &Path) -> Fault {
    let message = format!("`{}` was replaced while it was opened", path.display());
    let refused = refusal(ErrorKind::Unavailable, message);
    refused.hint("try again").into()
}

fn explain(error: SqlError, path: &Path) -> TransportError {
    let file = path.display();
    let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
    let (kind, message, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            format!("`{file}` is locked by another process"),
            "wait for it to end, or allow more time with `?busy_timeout=`",
        ),
        Some(ErrorCode::DiskFull) => (
            ErrorKind::Full,
            format!("no room left to write `{file}`; nothing was stored"),
            "free some space and try again",
        ),
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::Corrupt,
            format!("`{file}` is not a store: it is no SQLite file"),
            "name another file; this one was not touched",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Corrupt,
            format!("`{file}` is damaged"),
            "put back a copy, or save what is readable with `sqlite3 FILE .recover`",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ErrorKind::Denied,
            format!("`{file}` cannot be written: it, or its folder, is read-only"),
            "the store needs to write the file and beside it",
        ),
        Some(ErrorCode::CannotOpen) => cannot_open(path),
        Some(ErrorCode::SystemIoFailure) if extended == ffi::SQLITE_IOERR_SHMSIZE => (
            ErrorKind::Full,
            format!("no room left beside `{file}`"),
            "free some space and try again",
        ),
        Some(ErrorCode::SystemIoFailure) if extended == ffi::SQLITE_IOERR_WRITE => (
            ErrorKind::Full,
            format!("`{file}` could not be written; nothing was stored"),
            "look at the disk and its free space",
        ),
        Some(ErrorCode::TooBig) => (
            ErrorKind::TooLarge,
            "a message is larger than SQLite takes (1 GB)".to_owned(),
            "send it in parts",
        ),
        _ if path.is_dir() => a_folder(path),
        _ => (
            ErrorKind::Other,
            format!("`{file}` failed"),
            "`pf doctor` checks the store",
        ),
    };
    refusal(kind, message).hint(hint).because(error)
}

fn cannot_open(path: &Path) -> (ErrorKind, String, &'static str) {
    let file = path.display();
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let is_barred = |parent: &Path| {
        let looked = parent.try_exists();
        looked.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    let is_absent = |parent: &&Path| !parent.is_dir() && !is_barred(parent);
    if let Some(parent) = parent.filter(is_absent) {
        return (
            ErrorKind::NotFound,
            format!("the folder `{}` does not exist", parent.display()),
            "make it with `mkdir -p`; `pf publish --create` makes it with the store",
        );
    }
    if path.is_dir() {
        return a_folder(path);
    }
    (
        ErrorKind::Denied,
        format!("`{file}` cannot be opened: no permission, or its folder is read-only"),
        "the store needs to write the file and beside it",
    )
}

fn a_folder(path: &Path) -> (ErrorKind, String, &'static str) {
    (
        ErrorKind::Configuration,
        format!("`{}` is a folder", path.display()),
        "name a file in it",
    )
}
