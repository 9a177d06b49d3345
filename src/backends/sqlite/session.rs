//! The open store as work sees it.

use std::{collections::HashMap, sync::Arc};

use rusqlite::Connection;

use crate::event::Topic;

use super::{
    config::{Config, Synchronous},
    connection,
    error::Outcome,
};

/// The open store, as work sees it.
#[derive(Debug)]
pub(super) struct Session {
    /// The connection, inside a transaction for work that writes.
    pub(super) connection: Connection,
    /// What the URL says.
    pub(super) config: Config,
    /// The store's own name.
    pub(super) store: Arc<str>,
    /// The last position given out in this transaction.
    pub(super) last_seq: Option<i64>,
    /// Topics known to exist.
    pub(super) topics: HashMap<Topic, i64>,
    /// Whether schedules were moved in this transaction.
    pub(super) fired: bool,
    level: Synchronous,
}

impl Session {
    /// Opens the store for writing.
    pub(super) fn open(config: &Config) -> Outcome<Self> {
        let connection = connection::open_writer(config)?;
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
            config: config.clone(),
            store: store.into(),
            last_seq: None,
            topics: HashMap::new(),
            fired: false,
            level: config.synchronous,
        })
    }

    /// Begins a transaction. One that hands out need not outlive a power failure: it would be handed out again.
    pub(super) fn begin(&mut self, durable: bool) -> Outcome<()> {
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
    pub(super) fn step(&self, sql: &str) -> Outcome<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Forgets what was learned in a transaction that is undone.
    pub(super) fn forget(&mut self) {
        self.topics.clear();
        self.last_seq = None;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        connection::wind_up(&self.connection, &self.config);
    }
}

/// Reads the store's own name.
pub(super) fn store_name(connection: &Connection) -> Outcome<String> {
    let sql = "SELECT value FROM meta WHERE name = 'store'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
