//! Opening the file, for the one writer and for readers.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    access,
    open_connections::{ConnectionGuard, Open, OpenConnections},
    open_files::{self, FileId, OpenFiles},
};
use crate::{
    backends::{
        explain_path,
        sqlite::{
            connection::{
                config::Config,
                schema::{self, State},
            },
            error::{
                StoreError, StoreResult, being_replaced, replaced_while_opening, store_error,
                store_missing,
            },
        },
    },
    transport::ErrorKind,
};

/// Up to this length, the next process reads a write-ahead log again at less cost than this one checkpoints it.
const LONG_LOG: u64 = 256 * 1024;

/// Attempts to open a store that is replaced while it is opened.
const TRIES: usize = 3;

/// Opens the store for writing; creates or migrates it where needed.
pub(crate) fn open_writer(
    config: &Config,
    connections: &Arc<OpenConnections>,
) -> StoreResult<Open> {
    if config.create
        && !config.reopen
        && let Some(parent) = config.path.parent()
    {
        // A problem with the folder shows when the file is opened.
        let _ = std::fs::create_dir_all(parent);
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if config.reopen {
        require(config, connections)?;
    } else {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let guard = connections.register()?;
    let (connection, store) = open_shared(config, flags)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "synchronous", config.synchronous.as_str())?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    shared(
        assemble(config, guard, (connection, store))?,
        config,
        connections,
    )
}

/// Opens the file for writing. If the log or its index keeps this process out, another user may have created it a moment
/// ago and is about to share it.
fn open_shared(config: &Config, flags: OpenFlags) -> StoreResult<(Connection, FileId)> {
    let mut tries = 1;
    loop {
        let opened = open_prepared(config, flags);
        match access::denied(config) {
            None => return opened,
            Some(denied) if tries == TRIES => return Err(denied.into()),
            Some(_) => tries += 1,
        }
        pause();
    }
}

fn open_prepared(config: &Config, flags: OpenFlags) -> StoreResult<(Connection, FileId)> {
    let (mut connection, store) = open(config, flags)?;
    retry_while_busy(config, || prepare(config, &mut connection))?;
    Ok((connection, store))
}

/// Prepares to close the writer's connection. A short write-ahead log stays, so that closing is cheap. A long one is
/// checkpointed by the last connection to close: where every process publishes a little and ends, nothing else would
/// ever shorten it, and each process would read all of it again.
pub(crate) fn checkpoint_on_close(connection: &Connection, config: &Config) {
    let length = std::fs::metadata(config.log()).map_or(0, |log| log.len());
    if length > LONG_LOG {
        tracing::debug!(
            length,
            "checkpointing a long write-ahead log on close, unless others still use it"
        );
        // If this fails, the next connection to close retries it.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
    }
}

/// Opens the store for reading; it must exist.
pub(crate) fn open_reader(
    config: &Config,
    connections: &Arc<OpenConnections>,
) -> StoreResult<Open> {
    require(config, connections)?;
    let guard = connections.register()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let opened = match open(config, flags) {
        Ok(opened) => opened,
        Err(_) => open(config, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
    };
    opened.0.pragma_update(None, "query_only", true)?;
    match schema::inspect(&opened.0) {
        Ok(state) if state.is_readable() => {
            tracing::debug!(path = %config.path.display(), "opened the store for reading");
            shared(assemble(config, guard, opened)?, config, connections)
        }
        Ok(_) => {
            drop((opened, guard));
            drop(open_writer(config, connections)?);
            let guard = connections.register()?;
            shared(
                assemble(config, guard, open(config, flags)?)?,
                config,
                connections,
            )
        }
        Err(StoreError::Sql(error)) if unwritable(&error) => match access::denied(config) {
            Some(denied) => Err(denied.because(error).into()),
            None => open_frozen(config, guard, error),
        },
        Err(fault) => Err(unless_fresh(config, fault)),
    }
}

/// Fails if the file does not exist and reading must not create it.
pub(crate) fn require(config: &Config, connections: &Arc<OpenConnections>) -> StoreResult<()> {
    let path = config.path.display();
    let looked = config.path.metadata().map(drop);
    let problem = looked.as_ref().err();
    let problem = problem.and_then(|error| explain_path(&config.path, error));
    match looked {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let message = format!("`{path}` cannot be reached: no permission to enter its folder");
            let refused = store_error(ErrorKind::Denied, message)
                .hint("the store needs write access to the file and its folder")
                .because(error);
            return Err(refused.into());
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let message = problem.unwrap_or_else(|| format!("`{path}` cannot be reached"));
            let refused = store_error(ErrorKind::Configuration, message).because(error);
            return Err(refused.hint("name a file that can be created").into());
        }
        Err(_) => {}
    }
    if config.reopen {
        return Err(store_missing(&config.path).into());
    }
    if config.create {
        return open_writer(config, connections).map(drop);
    }
    let message = match problem {
        Some(problem) => format!("there is no store: {problem}"),
        None => format!("there is no store `{path}`"),
    };
    Err(store_error(ErrorKind::NotFound, message)
        .hint("check the name; the first `pf publish` creates a store")
        .into())
}

/// Retries while another process holds the lock, for as long as `busy_timeout` allows.
pub(crate) fn retry_while_busy<T>(
    config: &Config,
    mut act: impl FnMut() -> StoreResult<T>,
) -> StoreResult<T> {
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

fn prepare(config: &Config, connection: &mut Connection) -> StoreResult<()> {
    match schema::inspect(connection).map_err(|fault| unless_fresh(config, fault))? {
        State::Ready => {
            keep_a_log(connection);
            Ok(())
        }
        State::Older(0) if config.reopen && open_files::is_fresh(&config.path) => {
            Err(being_replaced(&config.path).into())
        }
        State::Older(_) => schema::migrate(connection),
    }
}

/// Switches to a write-ahead log, so that readers and the writer do not wait for each other: a copy made by `VACUUM
/// INTO` has none.
fn keep_a_log(connection: &Connection) {
    let kept = schema::journal_mode(connection);
    if kept.is_ok_and(|mode| mode != "wal") {
        // While another connection uses the file, its journal mode cannot change.
        let _ = connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()));
    }
}

/// Reports a file that took the place of an open one as incomplete while it is young: it may be a copy that is still
/// being written.
fn unless_fresh(config: &Config, fault: StoreError) -> StoreError {
    let is_broken = fault.is_of_content();
    if is_broken && config.reopen && open_files::is_fresh(&config.path) {
        return being_replaced(&config.path).into();
    }
    fault
}

fn open(config: &Config, flags: OpenFlags) -> StoreResult<(Connection, FileId)> {
    let mut before = FileId::of(&config.path);
    for _ in 0..TRIES {
        let connection = connect(config, flags)?;
        let after = FileId::of(&config.path);
        match after {
            Some(store) if before.is_none_or(|before| before == store) => {
                return Ok((connection, store));
            }
            // Opening a file of a container image for writing copies it to the upper layer: another inode.
            _ => before = after,
        }
    }
    Err(replaced_while_opening(&config.path))
}

fn connect(config: &Config, flags: OpenFlags) -> StoreResult<Connection> {
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

/// Opens a store in a read-only folder. Nothing can change there, so that no lock or index file is needed.
fn open_frozen(
    config: &Config,
    guard: ConnectionGuard,
    error: rusqlite::Error,
) -> StoreResult<Open> {
    let place = config.path.canonicalize().ok();
    let Some(mut url) = place.and_then(|place| url::Url::from_file_path(place).ok()) else {
        return Err(error.into());
    };
    url.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url.as_str(), flags)?;
    let store = FileId::of(&config.path).ok_or_else(|| replaced_while_opening(&config.path))?;
    match schema::inspect(&connection)? {
        State::Ready => assemble(config, guard, (connection, store)),
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

/// Waits 1 to 5 ms: the jitter keeps waiting processes from retrying all at once.
fn pause() {
    std::thread::sleep(Duration::from_micros(fastrand::u64(1_000..5_000)));
}

/// Pairs a connection with its files; fails if the path leads to another file by now.
fn assemble(
    config: &Config,
    guard: ConnectionGuard,
    (connection, store): (Connection, FileId),
) -> StoreResult<Open> {
    match OpenFiles::of(&config.path, &connection) {
        Some(files) if files.store() == store => Ok(Open {
            connection,
            files,
            guard,
        }),
        _ => Err(replaced_while_opening(&config.path)),
    }
}

/// Fails if other processes would not see what is written here.
fn shared(open: Open, config: &Config, connections: &OpenConnections) -> StoreResult<Open> {
    if open.files.lacks_index() {
        return Err(replaced_while_opening(&config.path));
    }
    access::follow_log(config);
    connections.note_files(&open.files);
    Ok(open)
}
