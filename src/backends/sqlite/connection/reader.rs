//! Reading beside the writer: short reads on blocking threads. A read that went on would keep the write-ahead log
//! from being checkpointed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::Connection;

use super::{
    config::Config,
    file::{
        detach, open,
        open_connections::{Open, OpenConnections},
        open_files::FileId,
    },
};
use crate::{
    backends::sqlite::error::{StoreResult, closed},
    transport::Result,
};

/// Opens connections for reading, and keeps them for the next reads.
#[derive(Debug)]
pub(crate) struct Reader {
    config: Config,
    was_open: AtomicBool,
    connections: Arc<OpenConnections>,
}

impl Reader {
    /// Creates a reader without a connection.
    pub(crate) fn new(config: Config, connections: Arc<OpenConnections>) -> Self {
        Self {
            config,
            was_open: AtomicBool::new(false),
            connections,
        }
    }

    /// Returns the configuration of the store.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Fails if the store does not exist.
    pub(crate) fn require(&self) -> Result<()> {
        open::require(&self.config, &self.connections)
            .map_err(|fault| fault.into_error(&self.config.path))
    }

    /// Reads on a blocking thread. Cancel-safe: the result of a dropped read is lost, nothing else.
    pub(crate) async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        self.read_with_file(work).await.map(|(_, found)| found)
    }

    /// Reads as [`read`](Self::read) does, and returns which file was read: another one may be at the path by now.
    pub(crate) async fn read_with_file<T, F>(self: &Arc<Self>, work: F) -> Result<(FileId, T)>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let reader = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            reader
                .attempt(work)
                .map_err(|fault| fault.into_error(&reader.config.path))
        });
        task.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Returns the open connections.
    pub(crate) fn connections(&self) -> &OpenConnections {
        &self.connections
    }

    /// Closes the connections that are kept.
    pub(crate) fn close(&self) {
        while let Some(open) = self.connections.take_spare() {
            drop(open);
        }
    }

    fn attempt<T>(
        &self,
        work: impl FnOnce(&Connection) -> StoreResult<T>,
    ) -> StoreResult<(FileId, T)> {
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
                detach::detach(&open.connection, &open.files, change, &self.connections);
                None
            }
        }
    }

    fn open(&self) -> StoreResult<Open> {
        let config = Config {
            reopen: self.was_open.load(Ordering::Relaxed),
            ..self.config.clone()
        };
        let open = open::open_reader(&config, &self.connections)?;
        if open.files.has_hard_links() {
            self.connections.add_notice_once(open.files.warning());
        }
        self.was_open.store(true, Ordering::Relaxed);
        Ok(open)
    }
}
