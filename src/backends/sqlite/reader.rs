//! Reading beside the writer: short reads on blocking threads, each with a connection of its own.

use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::transport::Result;

use super::{
    config::Config,
    connection,
    error::{Outcome, closed},
};

/// Opens connections for reading and keeps one for the next read.
#[derive(Debug)]
pub(super) struct Reader {
    config: Config,
    spare: Mutex<Option<Connection>>,
}

impl Reader {
    /// Prepares for a store, without a connection yet.
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            spare: Mutex::new(None),
        }
    }

    /// Returns where the store is.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Fails if there is no store.
    pub(super) fn require(&self) -> Result<()> {
        connection::require(&self.config).map_err(|fault| fault.into_error(&self.config.path))
    }

    /// Reads on a blocking thread. May be dropped; the read then ends for nothing.
    pub(super) async fn read<T, F>(self: &std::sync::Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    {
        let reader = std::sync::Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            reader
                .attempt(work)
                .map_err(|fault| fault.into_error(&reader.config.path))
        });
        task.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Lets go of the connection.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn attempt<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        let spare = self.lock().take();
        let connection = match spare {
            Some(connection) => connection,
            None => connection::open_reader(&self.config)?,
        };
        let result = work(&connection);
        *self.lock() = Some(connection);
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connection>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
