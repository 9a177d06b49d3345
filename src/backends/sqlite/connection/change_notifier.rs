//! Notifies waiting consumers and tails of commits. A commit of this process notifies at once. For commits of other
//! processes, a thread polls `PRAGMA data_version` while a subscriber waits: SQLite has no other way to learn of them,
//! and the pragma only reads a counter in shared memory.

use std::{
    sync::{Arc, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::watch;

use super::{
    config::Config,
    file::{
        detach, open,
        open_connections::{Open, OpenConnections},
    },
};
use crate::lock::{Condvar, Mutex};

/// The interval at which commits of other processes are looked for.
const POLL: Duration = Duration::from_millis(15);

/// Notifies its subscribers that the store changed.
#[derive(Debug)]
pub(crate) struct ChangeNotifier {
    changes: watch::Sender<u64>,
    state: Mutex<State>,
    parked: Condvar,
    config: Config,
    connections: Arc<OpenConnections>,
}

#[derive(Debug, Default)]
struct State {
    watchers: usize,
    /// The polling thread, while it runs.
    thread: Option<JoinHandle<()>>,
    /// The thread has to end, even with waiting subscribers.
    closing: bool,
}

/// A subscription to changes; polling goes on while one exists.
#[derive(Debug)]
pub(crate) struct ChangeSubscription(Arc<ChangeNotifier>);

impl ChangeNotifier {
    /// Creates a notifier without a thread.
    pub(crate) fn new(config: Config, connections: Arc<OpenConnections>) -> Arc<Self> {
        Arc::new(Self {
            connections,
            changes: watch::Sender::new(0),
            state: Mutex::default(),
            parked: Condvar::new(),
            config,
        })
    }

    /// Notifies every subscriber.
    pub(crate) fn notify(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Polls for commits of other processes until the subscription is dropped.
    pub(crate) fn watch(self: &Arc<Self>) -> ChangeSubscription {
        let mut state = self.lock();
        state.watchers += 1;
        if state.thread.is_none() {
            let notifier = Arc::clone(self);
            // Without the thread, subscribers still look once a second.
            let thread = thread::Builder::new().name("pf-sqlite-wake".to_owned());
            state.thread = thread.spawn(move || notifier.poll()).ok();
        }
        drop(state);
        ChangeSubscription(Arc::clone(self))
    }

    /// Ends the polling thread: after this, nothing here touches the store.
    pub(crate) fn close(&self) {
        let thread = {
            let mut state = self.lock();
            state.closing = true;
            state.thread.take()
        };
        self.parked.notify_all();
        // The thread only polls, so that this takes no time.
        let _ = thread.map(JoinHandle::join);
        self.lock().closing = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn poll(&self) {
        let mut poller = VersionPoller::open(&self.config, &self.connections);
        let mut last = None;
        let mut state = self.lock();
        while state.watchers > 0 && !state.closing {
            drop(state);
            let version = poller.version();
            if version != last {
                last = version;
                self.notify();
            }
            state = self.parked.wait_timeout(self.lock(), POLL);
        }
        // Closed before the thread counts as ended.
        drop(poller);
        state.thread = None;
    }
}

/// Polls the version of the file at the store's path.
struct VersionPoller {
    config: Config,
    connections: Arc<OpenConnections>,
    open: Option<Open>,
    /// How often it was opened again.
    times: u64,
}

impl VersionPoller {
    fn open(config: &Config, connections: &Arc<OpenConnections>) -> Self {
        Self {
            connections: Arc::clone(connections),
            open: open::open_reader(config, connections).ok(),
            config: Config {
                reopen: true,
                ..config.clone()
            },
            times: 0,
        }
    }

    /// Returns a value that differs after a commit, and after the path leads to another file or to none.
    fn version(&mut self) -> Option<(u64, i64)> {
        if self.connections.is_closing()
            && let Some(open) = self.open.take_if(|open| open.files.change().is_none())
        {
            open.end();
        }
        if let Some(open) = &self.open
            && let Some(change) = open.files.change()
        {
            detach::detach(&open.connection, &open.files, change, &self.connections);
            self.open = None;
        }
        if self.open.is_none() {
            self.open = open::open_reader(&self.config, &self.connections).ok();
            self.times += u64::from(self.open.is_some());
        }
        let version = data_version(&self.open.as_ref()?.connection)?;
        Some((self.times, version))
    }
}

fn data_version(connection: &Connection) -> Option<i64> {
    let mut statement = connection.prepare_cached("PRAGMA data_version").ok()?;
    statement.query_row([], |row| row.get(0)).ok()
}

impl ChangeSubscription {
    /// Returns a receiver of every change from now on.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

impl Drop for ChangeSubscription {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.watchers -= 1;
        if state.watchers == 0 {
            self.0.parked.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poller_that_was_opened_behind_the_loss_of_a_log_closes_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("store.db"));
        let connections = Arc::default();
        drop(open::open_writer(&config, &connections).unwrap());
        let mut poller = VersionPoller::open(&config, &connections);
        assert!(poller.version().is_some());
        connections.close_all();
        assert!(poller.version().is_some(), "it is open again");
        assert!(!connections.is_closing());
    }
}
