//! Outboxes and targets of the tests, and judges that read both with clients of their own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use protoflow::{
    backends::{OpenOptions, Registry},
    outbox::{Entry, Outbox, Relay, RelayNotice, RelayObserver, RelayOptions, RelaySummary},
    transport::{Transport, TransportError},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Remembers what a relay reports.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Vec<RelayNotice>>);

impl Notices {
    /// Returns what has been reported.
    pub(crate) fn all(&self) -> Vec<RelayNotice> {
        self.0.lock().unwrap().clone()
    }

    /// Counts notices.
    pub(crate) fn count(&self, is_one: impl Fn(&RelayNotice) -> bool) -> usize {
        let all = self.0.lock().unwrap();
        all.iter().filter(|notice| is_one(notice)).count()
    }
}

impl RelayObserver for Notices {
    fn notice(&self, notice: RelayNotice) {
        self.0.lock().unwrap().push(notice);
    }
}

/// A relay that runs until it is stopped.
pub(crate) struct Running {
    pub(crate) notices: Arc<Notices>,
    stop: CancellationToken,
    task: JoinHandle<protoflow::transport::Result<RelaySummary>>,
}

impl Running {
    /// Stops it and returns what it has done.
    pub(crate) async fn end(self) -> RelaySummary {
        self.stop.cancel();
        self.task.await.unwrap().unwrap()
    }

    /// Waits until it ends by itself.
    pub(crate) async fn finish(self) -> (Arc<Notices>, RelaySummary) {
        (self.notices, self.task.await.unwrap().unwrap())
    }

    /// Returns why it failed.
    pub(crate) async fn fail(self) -> TransportError {
        self.task.await.unwrap().unwrap_err()
    }

    /// Ends it without a chance to clean up.
    pub(crate) fn abort(self) {
        self.task.abort();
    }
}

/// Names the outbox of a URL.
pub(crate) fn outbox(url: &str) -> Outbox {
    Outbox::new(&url.parse().unwrap()).unwrap()
}

/// Opens a target.
pub(crate) async fn target(url: &str) -> Arc<dyn Transport> {
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    Registry::builtin()
        .open(&url.parse().unwrap(), options)
        .await
        .unwrap()
}

/// Options of a relay whose successor need not wait long.
pub(crate) fn options() -> RelayOptions {
    RelayOptions {
        lease: Duration::from_secs(2),
        ..RelayOptions::default()
    }
}

/// Starts a relay.
pub(crate) fn start(
    outbox: &Outbox,
    target: &Arc<dyn Transport>,
    options: RelayOptions,
) -> Running {
    let (notices, stop) = (Arc::<Notices>::default(), CancellationToken::new());
    let observer = Arc::clone(&notices) as Arc<dyn RelayObserver>;
    let relay = Relay::new(outbox, target, options, observer);
    let task = tokio::spawn(relay.run(stop.clone()));
    Running {
        notices,
        stop,
        task,
    }
}

/// Relays what is there.
pub(crate) async fn drain(outbox: &Outbox, target: &Arc<dyn Transport>) -> RelaySummary {
    drain_with(outbox, target, options()).await
}

/// Relays what is there, with options.
pub(crate) async fn drain_with(
    outbox: &Outbox,
    target: &Arc<dyn Transport>,
    options: RelayOptions,
) -> RelaySummary {
    let options = RelayOptions {
        until_end: true,
        ..options
    };
    start(outbox, target, options).finish().await.1
}

/// Makes an entry with a number in its data.
pub(crate) fn entry(id: &str, key: &str, number: u64) -> Entry {
    let event = protoflow::event("order.created", "/shop")
        .id(id)
        .subject(key);
    let event = event.data(&serde_json::json!({ "n": number })).unwrap();
    Entry::new(&event.build().unwrap()).unwrap()
}

/// An event as the target stored it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) event: String,
}

impl Stored {
    /// Returns an attribute of the event, or its number.
    pub(crate) fn text(&self, path: &str) -> String {
        let event: serde_json::Value = serde_json::from_str(&self.event).unwrap();
        let found = event.pointer(path).unwrap();
        found
            .as_str()
            .map_or_else(|| found.to_string(), str::to_owned)
    }
}

/// A target in a file, read with a client of its own.
pub(crate) struct FileTarget {
    folder: tempfile::TempDir,
}

impl FileTarget {
    /// Names a store in a new folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("target.db")
    }

    /// Reads everything that it stores, in order.
    pub(crate) fn stored(&self) -> Vec<Stored> {
        if !self.path().exists() {
            return Vec::new();
        }
        let raw = raw(&self.path());
        let sql = "SELECT t.name, CAST(key AS TEXT), CAST(payload AS TEXT) FROM messages m JOIN topics t ON t.id = m.topic ORDER BY seq";
        let Ok(mut select) = raw.prepare(sql) else {
            return Vec::new();
        };
        let rows = select.query_map([], |row| {
            Ok(Stored {
                topic: row.get(0)?,
                key: row.get(1)?,
                event: row.get(2)?,
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

/// Opens a database with a client that knows nothing of ours.
pub(crate) fn raw(path: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    connection
}

/// What a judge found: nothing of it should be more than zero.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) lost: usize,
    pub(crate) invented: usize,
    pub(crate) doubled: usize,
    pub(crate) disordered: usize,
}

/// Compares the events of a target with those that were committed. The events of a key count upwards in `/data/n`.
pub(crate) fn judge(stored: &[Stored], committed: &[String]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for event in stored {
        *seen.entry(event.text("/id")).or_default() += 1;
        let number: u64 = event.text("/data/n").parse().unwrap();
        let before = last
            .entry(event.key.clone().unwrap_or_default())
            .or_default();
        verdict.disordered += usize::from(number < *before);
        *before = number.max(*before);
    }
    verdict.lost = committed
        .iter()
        .filter(|id| !seen.contains_key(*id))
        .count();
    let known: std::collections::BTreeSet<_> = committed.iter().collect();
    verdict.invented = seen.keys().filter(|id| !known.contains(id)).count();
    verdict.doubled = seen.values().map(|times| times - 1).sum();
    verdict
}
