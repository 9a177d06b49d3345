//! The open store as work sees it.

use std::{collections::HashMap, sync::Arc};

use rusqlite::Connection;

use crate::{event::Topic, transport::ErrorKind};

use super::config::{Config, Synchronous};
use crate::backends::sqlite::{
    connection::file::open::{self as connection, Open},
    connection::file::open_connections::{Connections, Seat},
    connection::file::open_files::Files,
    error::{Fault, Outcome},
};

/// The open store, as work sees it.
#[derive(Debug)]
pub(crate) struct Session {
    /// The connection, inside a transaction for work that writes.
    pub(crate) connection: Connection,
    /// The files that it has open.
    pub(crate) files: Files,
    /// Which of the stores it is that had the name since it was first opened.
    pub(crate) generation: u64,
    /// What the URL says.
    pub(crate) config: Config,
    /// The store's own name.
    pub(crate) store: Arc<str>,
    /// The last position given out in this transaction.
    pub(crate) last_seq: Option<i64>,
    /// Topics known to exist.
    pub(crate) topics: HashMap<Topic, i64>,
    /// Whether schedules were moved in this transaction.
    pub(crate) fired: bool,
    level: Synchronous,
    /// Let go of after the connection.
    _seat: Seat,
}

impl Session {
    /// Opens the store for writing.
    pub(crate) fn open(
        config: &Config,
        generation: u64,
        connections: &Arc<Connections>,
    ) -> Outcome<Self> {
        let open = connection::open_writer(config, connections)?;
        let Open {
            connection,
            files,
            seat,
        } = open;
        let store = store_name(&connection)?;
        tracing::debug!(
            path = %config.path.display(),
            %store,
            synchronous = config.synchronous.word(),
            retention = ?config.retention,
            busy_timeout = ?config.busy_timeout,
            "opened the store for writing"
        );
        Ok(Self {
            connection,
            files,
            generation,
            config: config.clone(),
            store: store.into(),
            last_seq: None,
            topics: HashMap::new(),
            fired: false,
            level: config.synchronous,
            _seat: seat,
        })
    }

    /// Fails unless this is the store in which something was learned.
    pub(crate) fn require(&self, generation: u64) -> Outcome<()> {
        if self.generation == generation {
            return Ok(());
        }
        let file = self.config.path.display();
        let message = format!("`{file}` was replaced while it was in use");
        Err(Fault::refuse(ErrorKind::Lost, message))
    }

    /// Begins a transaction. One that hands out need not outlive a power failure: it would be handed out again.
    pub(crate) fn begin(&mut self, durable: bool) -> Outcome<()> {
        self.last_seq = None;
        self.fired = false;
        let level = match self.config.synchronous {
            Synchronous::Full if !durable => Synchronous::Normal,
            level => level,
        };
        if level != self.level {
            self.connection
                .pragma_update(None, "synchronous", level.word())?;
            self.level = level;
        }
        self.step("BEGIN IMMEDIATE")
    }

    /// Runs a statement without values.
    pub(crate) fn step(&self, sql: &str) -> Outcome<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Forgets what was learned in a transaction that is undone.
    pub(crate) fn forget(&mut self) {
        self.topics.clear();
        self.last_seq = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Another file's log is not ours to shorten.
        if self.files.change().is_none() {
            connection::wind_up(&self.connection, &self.config);
        }
    }
}

/// Reads the store's own name.
pub(crate) fn store_name(connection: &Connection) -> Outcome<String> {
    let sql = "SELECT value FROM meta WHERE name = 'store'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
