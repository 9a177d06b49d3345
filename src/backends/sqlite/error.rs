//! SQLite's errors as [`TransportError`]: a kind, the file, and what to do.

use std::{io, path::Path};

use rusqlite::{Error as SqlError, ErrorCode, ffi};

use crate::{
    backends::explain_path,
    transport::{ErrorKind, TransportError},
};

/// The URL scheme.
pub(super) const SCHEME: &str = "sqlite";

/// The longest path that SQLite opens, in bytes: it appends the name of a journal, and stops at 512.
const LONGEST_PATH: usize = 503;

/// An error of an operation on the store.
#[derive(Debug)]
pub(super) enum StoreError {
    /// SQLite failed.
    Sql(SqlError),
    /// The operation was refused.
    Refused(TransportError),
}

/// The result of an operation on the store.
pub(super) type StoreResult<T> = std::result::Result<T, StoreError>;

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<TransportError> for StoreError {
    fn from(error: TransportError) -> Self {
        Self::Refused(error)
    }
}

impl StoreError {
    /// Returns a refusal with a kind and a message.
    pub(super) fn refuse(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Refused(store_error(kind, message))
    }

    /// Converts to the error that a caller sees.
    pub(super) fn into_error(self, path: &Path) -> TransportError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(error) => explain(error, path),
        }
    }

    /// Reports whether the content of the file is the problem.
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

/// Returns an error of this transport.
pub(super) fn store_error(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}

/// Returns the error for a store that is closed.
pub(super) fn closed() -> TransportError {
    store_error(ErrorKind::Unavailable, "the store is closed")
}

/// Returns the error for an open store whose path leads nowhere.
pub(super) fn store_missing(path: &Path) -> TransportError {
    let message = format!(
        "`{}` was removed or renamed while it was in use",
        path.display()
    );
    store_error(ErrorKind::Unavailable, message)
        .hint("put it back, or restart; the first `pf publish` then creates a new store")
}

/// Returns the error for a file that may be incomplete.
pub(super) fn being_replaced(path: &Path) -> TransportError {
    let message = format!("`{}` is being replaced and is incomplete", path.display());
    store_error(ErrorKind::Unavailable, message).hint("try again when the file is complete")
}

/// Returns the error for a path that led to another file a moment before.
pub(super) fn replaced_while_opening(path: &Path) -> StoreError {
    let message = format!("`{}` was replaced while it was opened", path.display());
    let refused = store_error(ErrorKind::Unavailable, message);
    refused.hint("try again").into()
}

/// Returns the error for stored data that cannot be read.
pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::refuse(
        ErrorKind::Corrupt,
        format!("{what} in the store is damaged"),
    )
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
            format!("the disk is full; nothing was stored in `{file}`"),
            "free some space and try again",
        ),
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::Corrupt,
            format!("`{file}` is not a store: it is not an SQLite file"),
            "name another file; this one was not touched",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Corrupt,
            format!("`{file}` is damaged"),
            "restore a copy, or recover what is readable with `sqlite3 FILE .recover`",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ErrorKind::Denied,
            format!("`{file}` cannot be written: it, or its folder, is read-only"),
            "the store needs write access to the file and its folder",
        ),
        Some(ErrorCode::CannotOpen) => cannot_open(path),
        Some(ErrorCode::SystemIoFailure) if extended == ffi::SQLITE_IOERR_SHMSIZE => (
            ErrorKind::Full,
            format!("the disk is full: no space for the index of `{file}`"),
            "free some space and try again",
        ),
        Some(ErrorCode::SystemIoFailure) if extended == ffi::SQLITE_IOERR_WRITE => (
            ErrorKind::Full,
            format!("`{file}` cannot be written; nothing was stored"),
            "check the disk and its free space",
        ),
        Some(ErrorCode::TooBig) => (
            ErrorKind::TooLarge,
            "a message exceeds SQLite's limit (1 GB)".to_owned(),
            "split it",
        ),
        _ if path.is_dir() => a_folder(path),
        _ => (
            ErrorKind::Other,
            format!("`{file}` failed"),
            "`pf doctor` checks the store",
        ),
    };
    store_error(kind, message).hint(hint).because(error)
}

fn cannot_open(path: &Path) -> (ErrorKind, String, &'static str) {
    let file = path.display();
    let looked = path.metadata().err();
    if let Some(problem) = looked.and_then(|error| explain_path(path, &error)) {
        let hint = "name a file that can be created";
        return (ErrorKind::Configuration, problem, hint);
    }
    let length = path.as_os_str().len();
    if length > LONGEST_PATH {
        let message = format!("the path has {length} bytes, and SQLite takes up to {LONGEST_PATH}");
        let hint = "name a file whose path is shorter, or a link to it";
        return (ErrorKind::Configuration, message, hint);
    }
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
            "create it with `mkdir -p`; `pf publish --create` creates it with the store",
        );
    }
    if path.is_dir() {
        return a_folder(path);
    }
    (
        ErrorKind::Denied,
        format!("`{file}` cannot be opened: no permission, or its folder is read-only"),
        "the store needs write access to the file and its folder",
    )
}

fn a_folder(path: &Path) -> (ErrorKind, String, &'static str) {
    (
        ErrorKind::Configuration,
        format!("`{}` is a folder", path.display()),
        "name a file in it",
    )
}
