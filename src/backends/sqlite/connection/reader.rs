//! Reading beside the writer: short reads on blocking threads, each with a connection of its own.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::Connection;

use crate::transport::Result;

use super::config::Config;
use crate::backends::sqlite::{
    connection::file::detach as parting,
    connection::file::open::{self as connection, Open},
    connection::file::open_connections::Connections,
    connection::file::open_files::Identity,
    error::{Outcome, closed},
};

/// Opens connections for reading and keeps one for the next read.
#[derive(Debug)]
pub(crate) struct Reader {
    config: Config,
    was_open: AtomicBool,
    connections: Arc<Connections>,
}

impl Reader {
    /// Prepares for a store, without a connection yet.
    pub(crate) fn new(config: Config, connections: Arc<Connections>) -> Self {
        Self {
            config,
            was_open: AtomicBool::new(false),
            connections,
        }
    }

    /// Returns where the store is.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Fails if there is no store.
    pub(crate) fn require(&self) -> Result<()> {
        connection::require(&self.config, &self.connections)
            .map_err(|fault| fault.into_error(&self.config.path))
    }

    /// Reads on a blocking thread. May be dropped; the read then ends for nothing.
    pub(crate) async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    {
        self.read_of(work).await.map(|(_, found)| found)
    }

    /// Does what [`read`](Self::read) does, and tells of which file: another one may have got the name.
    pub(crate) async fn read_of<T, F>(self: &Arc<Self>, work: F) -> Result<(Identity, T)>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    {
        let reader = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            reader
                .attempt(work)
                .map_err(|fault| fault.into_error(&reader.config.path))
        });
        task.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Returns what the connections have in common.
    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Lets go of the connection.
    pub(crate) fn close(&self) {
        drop(self.connections.take_spare());
    }

    fn attempt<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<(Identity, T)> {
        let spare = self.connections.take_spare();
        let open = match spare.and_then(|open| self.unless_changed(open)) {
            Some(open) => open,
            None => self.open()?,
        };
        let result = work(&open.connection);
        let store = open.files.store();
        self.connections.keep_spare(open);
        result.map(|found| (store, found))
    }

    fn unless_changed(&self, open: Open) -> Option<Open> {
        match open.files.change() {
            None => Some(open),
            Some(change) => {
                parting::part(&open.connection, &open.files, change, &self.connections);
                None
            }
        }
    }

    fn open(&self) -> Outcome<Open> {
        let config = Config {
            again: self.was_open.load(Ordering::Relaxed),
            ..self.config.clone()
        };
        let open = connection::open_reader(&config, &self.connections)?;
        if open.files.has_other_names() {
            self.connections.say_once(open.files.warning());
        }
        self.was_open.store(true, Ordering::Relaxed);
        Ok(open)
    }
}
