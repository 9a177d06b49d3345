//! Who waits learns of a commit: of this process at once, of another within a poll of `data_version`.

use std::{
    sync::{Arc, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::watch;

use super::config::Config;
use crate::backends::sqlite::{
    connection::file::detach as parting,
    connection::file::open::{self as connection, Open},
    connection::file::open_connections::Connections,
};

use crate::lock::{Condvar, Mutex};

/// How often other processes' commits are looked for while somebody waits.
const POLL: Duration = Duration::from_millis(15);

/// Tells waiters that the store changed.
#[derive(Debug)]
pub(crate) struct Wake {
    changes: watch::Sender<u64>,
    state: Mutex<State>,
    parked: Condvar,
    config: Config,
    connections: Arc<Connections>,
}

#[derive(Debug, Default)]
struct State {
    watchers: usize,
    /// The thread that looks, while it does.
    thread: Option<JoinHandle<()>>,
    /// The thread has to end, whoever still waits.
    closing: bool,
}

/// Somebody who waits; polling goes on while one exists.
#[derive(Debug)]
pub(crate) struct Watcher(Arc<Wake>);

impl Wake {
    /// Prepares for a store, without a thread yet.
    pub(crate) fn new(config: Config, connections: Arc<Connections>) -> Arc<Self> {
        Arc::new(Self {
            connections,
            changes: watch::Sender::new(0),
            state: Mutex::default(),
            parked: Condvar::new(),
            config,
        })
    }

    /// Wakes everybody.
    pub(crate) fn ring(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Keeps looking for other processes' commits until the watcher is dropped.
    pub(crate) fn watch(self: &Arc<Self>) -> Watcher {
        let mut state = self.lock();
        state.watchers += 1;
        if state.thread.is_none() {
            let wake = Arc::clone(self);
            // Without the thread, waiters still look once a second.
            let thread = thread::Builder::new().name("pf-sqlite-wake".to_owned());
            state.thread = thread.spawn(move || wake.poll()).ok();
        }
        drop(state);
        Watcher(Arc::clone(self))
    }

    /// Ends the looking: after this, nothing here touches the store.
    pub(crate) fn close(&self) {
        let thread = {
            let mut state = self.lock();
            state.closing = true;
            state.thread.take()
        };
        self.parked.notify_all();
        // It only ever looks, which takes no time.
        let _ = thread.map(JoinHandle::join);
        self.lock().closing = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn poll(&self) {
        let mut eye = Eye::open(&self.config, &self.connections);
        let mut last = None;
        let mut state = self.lock();
        while state.watchers > 0 && !state.closing {
            drop(state);
            let version = eye.look();
            if version != last {
                last = version;
                self.ring();
            }
            state = self.parked.wait_timeout(self.lock(), POLL);
        }
        // Before anybody can take this thread for ended.
        drop(eye);
        state.thread = None;
    }
}

/// What looks for commits, in the file that has the name.
struct Eye {
    config: Config,
    connections: Arc<Connections>,
    open: Option<Open>,
    /// How often it was opened again.
    times: u64,
}

impl Eye {
    fn open(config: &Config, connections: &Arc<Connections>) -> Self {
        Self {
            connections: Arc::clone(connections),
            open: connection::open_reader(config, connections).ok(),
            config: Config {
                again: true,
                ..config.clone()
            },
            times: 0,
        }
    }

    /// Returns what is another value after a commit, or when the name means another file or none.
    fn look(&mut self) -> Option<(u64, i64)> {
        if let Some(open) = &self.open
            && let Some(change) = open.files.change()
        {
            parting::part(&open.connection, &open.files, change, &self.connections);
            self.open = None;
        }
        if self.open.is_none() {
            self.open = connection::open_reader(&self.config, &self.connections).ok();
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

impl Watcher {
    /// Returns a receiver that sees every change from now on.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.watchers -= 1;
        if state.watchers == 0 {
            self.0.parked.notify_all();
        }
    }
}
