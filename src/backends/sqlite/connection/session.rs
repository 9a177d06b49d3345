//! The open store as an operation sees it.

use std::{collections::HashMap, sync::Arc};

use rusqlite::Connection;

use super::{
    config::{Config, Synchronous},
    file::{
        open,
        open_connections::{ConnectionGuard, Open, OpenConnections},
        open_files::OpenFiles,
    },
    marks::batches::Handled,
};
use crate::{
    backends::sqlite::error::{StoreError, StoreResult},
    event::Topic,
    transport::ErrorKind,
};

/// The open store as an operation sees it.
#[derive(Debug)]
pub(crate) struct Session {
    /// The connection, inside a transaction for operations that write.
    pub(crate) connection: Connection,
    /// The files of the connection.
    pub(crate) files: OpenFiles,
    /// The number of the open file: it grows each time that another file takes the store's path.
    pub(crate) generation: u64,
    /// The configuration.
    pub(crate) config: Config,
    /// The store's own name.
    pub(crate) store: Arc<str>,
    /// The last position given out in this transaction.
    pub(crate) last_seq: Option<i64>,
    /// Topics known to exist.
    pub(crate) topics: HashMap<Topic, i64>,
    /// Marks of events that were handled lately.
    pub(crate) handled: Handled,
    /// Whether this transaction fired schedules.
    pub(crate) fired: bool,
    level: Synchronous,
    /// Dropped after the connection.
    _guard: ConnectionGuard,
}

impl Session {
    /// Opens the store for writing.
    pub(crate) fn open(
        config: &Config,
        generation: u64,
        connections: &Arc<OpenConnections>,
    ) -> StoreResult<Self> {
        let open = open::open_writer(config, connections)?;
        let Open {
            connection,
            files,
            guard,
        } = open;
        let store = store_name(&connection)?;
        tracing::debug!(
            path = %config.path.display(),
            %store,
            synchronous = config.synchronous.as_str(),
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
            handled: Handled::default(),
            fired: false,
            level: config.synchronous,
            _guard: guard,
        })
    }

    /// Fails unless this is the file that a caller learned something from.
    pub(crate) fn require(&self, generation: u64) -> StoreResult<()> {
        if self.generation == generation {
            return Ok(());
        }
        let file = self.config.path.display();
        let message = format!("`{file}` was replaced while it was in use");
        Err(StoreError::refuse(ErrorKind::Lost, message))
    }

    /// Begins a transaction. A claim need not survive a power failure, which ends its lease anyway: it is committed
    /// without an fsync.
    pub(crate) fn begin(&mut self, durable: bool) -> StoreResult<()> {
        self.last_seq = None;
        self.fired = false;
        let level = match self.config.synchronous {
            Synchronous::Full if !durable => Synchronous::Normal,
            level => level,
        };
        if level != self.level {
            self.connection
                .pragma_update(None, "synchronous", level.as_str())?;
            self.level = level;
        }
        self.execute("BEGIN IMMEDIATE")
    }

    /// Executes a statement without parameters.
    pub(crate) fn execute(&self, sql: &str) -> StoreResult<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Discards what was cached in a transaction that was rolled back.
    pub(crate) fn forget(&mut self) {
        self.topics.clear();
        self.handled.clear();
        self.last_seq = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The log of another file must not be checkpointed.
        if self.files.change().is_none() {
            open::checkpoint_on_close(&self.connection, &self.config);
        }
    }
}

/// Reads the store's own name.
pub(crate) fn store_name(connection: &Connection) -> StoreResult<String> {
    let sql = "SELECT value FROM meta WHERE name = 'store'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
