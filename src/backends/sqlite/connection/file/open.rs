//! Opening the file: for the one writer, and for readers.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::transport::ErrorKind;

use super::{
    open_connections::{Connections, Seat},
    open_files::{self as files, Files, Identity},
};
use crate::backends::sqlite::{
    connection::config::Config,
    connection::schema::{self, State},
    error::{Fault, Outcome, gone, in_the_making, refusal, swapped},
};

/// Bytes of the log that it costs less to read again than to move into the store.
const LONG_LOG: u64 = 256 * 1024;

/// How often a store that is replaced while it is opened is opened.
const TRIES: usize = 3;

/// A connection, and the files that it has open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) connection: Connection,
    pub(crate) files: Files,
    /// Counts it as open; let go of after the connection.
    pub(crate) seat: Seat,
}

impl Open {
    fn of(
        config: &Config,
        seat: Seat,
        (connection, store): (Connection, Identity),
    ) -> Outcome<Self> {
        match Files::of(&config.path, &connection) {
            Some(files) if files.store() == store => Ok(Self {
                connection,
                files,
                seat,
            }),
            _ => Err(swapped(&config.path)),
        }
    }

    /// Fails where others would not find what is written.
    fn shared(self, config: &Config, connections: &Connections) -> Outcome<Self> {
        if self.files.lack_an_index() {
            return Err(swapped(&config.path));
        }
        connections.note(&self.files);
        Ok(self)
    }

    /// Ends, touching nothing that has the names of its files by now.
    pub(crate) fn end(self) {
        keep_off(&self.connection);
    }
}

/// Lets the end of a connection touch no file: the engine itself looks only whether the store has moved, not its log.
pub(crate) fn keep_off(connection: &Connection) {
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Opens the store for writing, making or migrating it where needed.
pub(crate) fn open_writer(config: &Config, connections: &Arc<Connections>) -> Outcome<Open> {
    if config.create
        && !config.again
        && let Some(parent) = config.path.parent()
    {
        // What is wrong with the folder shows when the file is opened.
        let _ = std::fs::create_dir_all(parent);
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if config.again {
        require(config, connections)?;
    } else {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let seat = connections.enter()?;
    let (mut connection, store) = open(config, flags)?;
    patiently(config, || prepare(config, &mut connection))?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "synchronous", config.synchronous.word())?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Open::of(config, seat, (connection, store))?.shared(config, connections)
}

/// Prepares the end of the writer's connection: a short log stays, so that closing is cheap; a long one the last to
/// close moves into the store. Nothing else would shorten it where every process publishes a little and ends, and
/// each would read all of it again.
pub(crate) fn wind_up(connection: &Connection, config: &Config) {
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
pub(crate) fn open_reader(config: &Config, connections: &Arc<Connections>) -> Outcome<Open> {
    require(config, connections)?;
    let seat = connections.enter()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let opened = match open(config, flags) {
        Ok(opened) => opened,
        Err(_) => open(config, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
    };
    opened.0.pragma_update(None, "query_only", true)?;
    match schema::inspect(&opened.0) {
        Ok(State::Ready) => {
            tracing::debug!(path = %config.path.display(), "opened the store for reading");
            Open::of(config, seat, opened)?.shared(config, connections)
        }
        Ok(State::Older(_)) => {
            drop((opened, seat));
            drop(open_writer(config, connections)?);
            let seat = connections.enter()?;
            Open::of(config, seat, open(config, flags)?)?.shared(config, connections)
        }
        Err(Fault::Sql(error)) if unwritable(&error) => open_frozen(config, seat, error),
        Err(fault) => Err(unless_fresh(config, fault)),
    }
}

/// Fails if the file is not there and may not be made for looking.
pub(crate) fn require(config: &Config, connections: &Arc<Connections>) -> Outcome<()> {
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
    if config.again {
        return Err(gone(&config.path).into());
    }
    if config.create {
        return open_writer(config, connections).map(drop);
    }
    let message = format!("there is no store `{path}`");
    Err(refusal(ErrorKind::NotFound, message)
        .hint("look at the name; the first `pf publish` makes a store")
        .into())
}

/// Tries again while another process holds the lock, as long as the URL allows.
pub(crate) fn patiently<T>(config: &Config, mut act: impl FnMut() -> Outcome<T>) -> Outcome<T> {
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

fn prepare(config: &Config, connection: &mut Connection) -> Outcome<()> {
    match schema::inspect(connection).map_err(|fault| unless_fresh(config, fault))? {
        State::Ready => {
            keep_a_log(connection);
            Ok(())
        }
        State::Older(0) if config.again && files::is_fresh(&config.path) => {
            Err(in_the_making(&config.path).into())
        }
        State::Older(_) => schema::migrate(connection),
    }
}

/// Sees to it that writing and reading hold up nobody: a copy that `VACUUM INTO` made keeps no log.
fn keep_a_log(connection: &Connection) {
    let kept = schema::journal_mode(connection);
    if kept.is_ok_and(|mode| mode != "wal") {
        // Who uses it at the moment keeps it as it is.
        let _ = connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()));
    }
}

/// A file that took the place of an open one may be a copy that is not complete yet.
fn unless_fresh(config: &Config, fault: Fault) -> Fault {
    let is_broken = fault.is_of_content();
    if is_broken && config.again && files::is_fresh(&config.path) {
        return in_the_making(&config.path).into();
    }
    fault
}

fn open(config: &Config, flags: OpenFlags) -> Outcome<(Connection, Identity)> {
    let mut before = Identity::of(&config.path);
    for _ in 0..TRIES {
        let connection = connect(config, flags)?;
        let after = Identity::of(&config.path);
        match after {
            Some(store) if before.is_none_or(|before| before == store) => {
                return Ok((connection, store));
            }
            // To open a file of a container's image makes a copy of it, which is another one.
            _ => before = after,
        }
    }
    Err(swapped(&config.path))
}

fn connect(config: &Config, flags: OpenFlags) -> Outcome<Connection> {
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
fn open_frozen(config: &Config, seat: Seat, error: rusqlite::Error) -> Outcome<Open> {
    let Ok(mut url) = url::Url::from_file_path(&config.path) else {
        return Err(error.into());
    };
    url.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url.as_str(), flags)?;
    let store = Identity::of(&config.path).ok_or_else(|| swapped(&config.path))?;
    match schema::inspect(&connection)? {
        State::Ready => Open::of(config, seat, (connection, store)),
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
