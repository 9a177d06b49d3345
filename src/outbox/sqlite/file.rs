//! The file of the database: opening it, and its errors in words.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use url::Url;

use crate::transport::{ErrorKind, Result, TransportError};

/// The name of the database in messages.
pub(super) const SCHEME: &str = "sqlite";

/// How long to wait for a lock.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// Reads the path of a `sqlite:` URL.
pub(super) fn path(url: &Url) -> Result<PathBuf> {
    let path = percent_encoding::percent_decode_str(url.path()).decode_utf8();
    let path = path.map_err(|_| wrong("the path of the database is not UTF-8"))?;
    if url.query().is_some() {
        return Err(wrong("an outbox in SQLite has no parameters"));
    }
    if path.is_empty() {
        return Err(wrong("the URL names no file").hint("name one, as in `sqlite:app.db`"));
    }
    Ok(PathBuf::from(path.into_owned()))
}

fn wrong(message: &'static str) -> TransportError {
    TransportError::new(SCHEME, ErrorKind::Configuration, message)
}

/// Opens a database that exists. Its settings are the user's; none is changed.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| {
        let message = format!("`{}` cannot be opened", path.display());
        let failed = TransportError::new(SCHEME, ErrorKind::NotFound, message);
        failed
            .because(error)
            .hint("name the database of your own tables; it must exist")
    })?;
    let prepared = connection.busy_timeout(BUSY);
    prepared.map_err(|error| from_sqlite(&connection, error))?;
    Ok(connection)
}

/// Converts an error.
pub(super) fn from_sqlite(connection: &Connection, error: Error) -> TransportError {
    named(connection.path().unwrap_or("the database"), error)
}

/// Converts an error of a file.
pub(super) fn named(file: &str, error: Error) -> TransportError {
    let (kind, message) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            format!("`{file}` is locked by another process"),
        ),
        Some(ErrorCode::DiskFull) => (ErrorKind::Full, format!("the disk of `{file}` is full")),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Corrupt,
            format!("`{file}` is damaged, or not an SQLite database"),
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (ErrorKind::Denied, format!("`{file}` is read-only"))
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => (
            ErrorKind::Unavailable,
            format!("`{file}` cannot be read or written"),
        ),
        _ => (
            ErrorKind::Other,
            format!("the outbox in `{file}` cannot be used"),
        ),
    };
    TransportError::new(SCHEME, kind, message).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file() {
        let read = |text: &str| path(&text.parse().unwrap());
        assert_eq!(read("sqlite:app.db").unwrap(), Path::new("app.db"));
        assert_eq!(
            read("sqlite:/var/a%20b.db").unwrap(),
            Path::new("/var/a b.db")
        );
        assert!(read("sqlite:").is_err() && read("sqlite:a.db?mode=x").is_err());
    }

    #[test]
    fn a_missing_file_is_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.db");
        assert_eq!(open(&path).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!path.exists());
    }
}
