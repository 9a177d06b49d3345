//! Opening the file: for the one writer, and for readers.

use std::{
    io,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::transport::ErrorKind;

use super::{
    config::Config,
    error::{Fault, Outcome, refusal},
    schema::{self, State},
};

/// Bytes of the log that it costs less to read again than to move into the store.
const LONG_LOG: u64 = 256 * 1024;

/// Opens the store for writing, making or migrating it where needed.
pub(super) fn open_writer(config: &Config) -> Outcome<Connection> {
    if config.create
        && let Some(parent) = config.path.parent()
    {
        // What is wrong with the folder shows when the file is opened.
        let _ = std::fs::create_dir_all(parent);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = open(config, flags)?;
    patiently(config, || prepare(&mut connection))?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "synchronous", config.synchronous.word())?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Prepares the end of the writer's connection: a short log stays, so that closing is cheap; a long one the last to
/// close moves into the store. Nothing else would shorten it where every process publishes a little and ends, and
/// each would read all of it again.
pub(super) fn wind_up(connection: &Connection, config: &Config) {
    let length = std::fs::metadata(config.log()).map_or(0, |log| log.len());
    if length > LONG_LOG {
        tracing::debug!(
            length,
            "the log goes into the store, unless others still use it"
        );
        // If that fails, the next to close tries again.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
    }
}

/// Opens the store for reading; it must be there.
pub(super) fn open_reader(config: &Config) -> Outcome<Connection> {
    require(config)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = match open(config, flags) {
        Ok(connection) => connection,
        Err(_) => open(config, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
    };
    connection.pragma_update(None, "query_only", true)?;
    match schema::inspect(&connection) {
        Ok(State::Ready) => {
            tracing::debug!(path = %config.path.display(), "opened the store for reading");
            Ok(connection)
        }
        Ok(State::Older(_)) => {
            drop(connection);
            drop(open_writer(config)?);
            open(config, flags)
        }
        Err(Fault::Sql(error)) if unwritable(&error) => open_frozen(config, error),
        Err(fault) => Err(fault),
    }
}

/// Fails if the file is not there and may not be made for looking.
pub(super) fn require(config: &Config) -> Outcome<()> {
    let path = config.path.display();
    match config.path.try_exists() {
        Ok(true) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let message = format!("`{path}` cannot be looked for: its folder may not be entered");
            let refused = refusal(ErrorKind::Denied, message)
                .hint("the store needs to write the file and beside it")
                .because(error);
            return Err(refused.into());
        }
        _ => {}
    }
    if config.create {
        return open_writer(config).map(drop);
    }
    let message = format!("there is no store `{path}`");
    Err(refusal(ErrorKind::NotFound, message)
        .hint("look at the name; the first `pf publish` makes a store")
        .into())
}

/// Tries again while another process holds the lock, as long as the URL allows.
pub(super) fn patiently<T>(config: &Config, mut act: impl FnMut() -> Outcome<T>) -> Outcome<T> {
    let start = Instant::now();
    loop {
        match act() {
            Err(fault) if fault.is_busy() && start.elapsed() < config.busy_timeout => {
                pause();
            }
            other => return other,
        }
    }
}

fn prepare(connection: &mut Connection) -> Outcome<()> {
    match schema::inspect(connection)? {
        State::Ready => Ok(()),
        State::Older(_) => schema::migrate(connection),
    }
}

fn open(config: &Config, flags: OpenFlags) -> Outcome<Connection> {
    let mut connection =
        Connection::open_with_flags(&config.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let limit = config.busy_timeout;
    let mut start = Instant::now();
    connection.busy_handler(Some(move |tries| {
        if tries == 0 {
            start = Instant::now();
            tracing::debug!("waiting for the lock of another process");
        }
        pause();
        start.elapsed() < limit
    }))?;
    Ok(connection)
}

/// Opens a store in a folder where nothing can be written: it cannot change while we read.
fn open_frozen(config: &Config, error: rusqlite::Error) -> Outcome<Connection> {
    let Ok(mut url) = url::Url::from_file_path(&config.path) else {
        return Err(error.into());
    };
    url.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url.as_str(), flags)?;
    match schema::inspect(&connection)? {
        State::Ready => Ok(connection),
        State::Older(_) => Err(error.into()),
    }
}

fn unwritable(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(
        error.sqlite_error_code(),
        Some(CannotOpen | ReadOnly | PermissionDenied)
    )
}

/// Waits 1 to 5 ms, so that those who wait do not come back together.
fn pause() {
    std::thread::sleep(Duration::from_micros(fastrand::u64(1_000..5_000)));
}
