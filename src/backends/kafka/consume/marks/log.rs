//! The topic of marks, written to and read into memory as it grows.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Notify, oneshot},
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::change::Change;
use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        kafka::{
            codec::{record::FetchedRecord, topic_partition::OffsetRange},
            connection::{
                access::{self, Access},
                client::settings::{self, Isolation},
                handle::Connection,
                producer::Producer,
            },
            error::error,
            read::partition_reader::PartitionReader,
        },
        mark_index::{MOST, MarkIndex},
    },
    event::HandlingKey,
    lock::Mutex,
    transport::{Beginning, ErrorKind, Handling, Mark, Result, TransportError},
};

/// The pause before the topic is read again after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug)]
pub(super) struct MarkLog {
    connection: Arc<Connection>,
    topic: String,
    producer: Producer,
    shared: Arc<Shared>,
    /// Ends with the subscription.
    _reading: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    window: Duration,
    read: Mutex<Read>,
    /// More was read.
    grown: Notify,
}

/// What was read.
#[derive(Debug)]
struct Read {
    index: MarkIndex,
    /// The offset behind the last record.
    position: i64,
    /// The beginnings that are waited for, by their nonces: who is to hear what came before.
    begun: HashMap<u64, oneshot::Sender<Option<Mark>>>,
    left_out: u64,
}

impl MarkLog {
    /// Starts to read.
    pub(super) async fn open(
        connection: &Arc<Connection>,
        topic: String,
        window: Duration,
    ) -> Result<Self> {
        let (from, left_out) = start(connection, &topic, window).await?;
        let shared = Arc::new(Shared {
            window,
            read: Mutex::new(Read {
                index: MarkIndex::default(),
                position: from,
                begun: HashMap::new(),
                left_out,
            }),
            grown: Notify::new(),
        });
        let reader = read_from(connection, &topic, from)?;
        let reading = follow(
            Arc::clone(connection),
            topic.clone(),
            reader,
            Arc::clone(&shared),
        );
        Ok(Self {
            connection: Arc::clone(connection),
            topic,
            producer: Producer::new(&settings::marks(&connection.config))?,
            shared,
            _reading: AbortOnDropHandle::new(tokio::spawn(reading)),
        })
    }

    /// Returns once everything was read that is stored now.
    pub(super) async fn read_to_end(&self) -> Result<()> {
        let places = vec![(self.topic.clone(), 0)];
        let bounds = self.connection.topics.watermarks(places).await?;
        // Of a topic without a record nothing is read.
        let bounds = bounds.first().filter(|bounds| bounds.low < bounds.high);
        let end = bounds.map_or(0, |bounds| bounds.high);
        let look = || (self.shared.read.lock().position >= end).then_some(());
        let read = wait_until(&self.shared.grown, look);
        let read = timeout(self.connection.config.timeout, read).await;
        read.map_err(|_| self.unread())
    }

    /// Returns the mark of a key, as far as it was read.
    pub(super) fn get(&self, key: HandlingKey) -> Option<Mark> {
        let (read, now) = (self.shared.read.lock(), SystemTime::now());
        read.index.get(key, now, self.shared.window, |_| true)
    }

    /// Returns how many marks were forgotten before the end of their window.
    pub(super) fn forgotten(&self) -> u64 {
        let read = self.shared.read.lock();
        read.index.forgotten() + read.left_out
    }

    /// Stores changes, and returns the result of each.
    pub(super) async fn write(&self, changes: Vec<(HandlingKey, Change)>) -> Vec<Result<()>> {
        let records = changes.iter();
        let records = records.map(|(key, change)| change.encode(&self.topic, *key));
        let records = match records.collect::<Result<Vec<_>>>() {
            Ok(records) => records,
            Err(failed) => {
                let message = failed.message().to_owned();
                let unencoded = |_| Err(error(failed.kind(), message.clone()));
                return changes.into_iter().map(unencoded).collect();
            }
        };
        let answers = self.producer.send(records).await.into_iter();
        let config = &self.connection.config;
        let refused = |code| {
            let access = Access::topic("Write", &self.topic);
            access::from_code(config, code, "marking what is handled", access)
        };
        answers
            .map(|answer| answer.map(drop).map_err(refused))
            .collect()
    }

    /// Stores one change.
    pub(super) async fn write_one(&self, key: HandlingKey, change: Change) -> Result<()> {
        self.write(vec![(key, change)])
            .await
            .pop()
            .unwrap_or(Ok(()))
    }

    /// Begins a handling unless a mark that comes before does not admit it; returns what came before.
    pub(super) async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        let nonce = fastrand::u64(..);
        let (sender, found) = oneshot::channel();
        let _expected = Expected::new(&self.shared, nonce, sender);
        let begun = Change::begun(handling, nonce);
        self.write_one(handling.key, begun).await?;
        let read = timeout(self.connection.config.timeout, found).await;
        read.ok().and_then(Result::ok).ok_or_else(|| self.unread())
    }

    fn unread(&self) -> TransportError {
        let message = format!("`{}` cannot be read to its end", self.topic);
        error(ErrorKind::Unavailable, message)
    }
}

/// A beginning that is waited for.
struct Expected<'a>(&'a Shared, u64);

impl<'a> Expected<'a> {
    fn new(shared: &'a Shared, nonce: u64, sender: oneshot::Sender<Option<Mark>>) -> Self {
        shared.read.lock().begun.insert(nonce, sender);
        Self(shared, nonce)
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.0.read.lock().begun.remove(&self.1);
    }
}

/// Returns where the marks of a window begin, and how many are left out because they are too many.
async fn start(connection: &Arc<Connection>, topic: &str, window: Duration) -> Result<(i64, u64)> {
    let places = vec![(topic.to_owned(), 0)];
    let bounds = connection.topics.watermarks(places.clone()).await?;
    let Some(bounds) = bounds.first().copied() else {
        return Ok((0, 0));
    };
    let first = match SystemTime::now().checked_sub(window) {
        Some(since) => {
            let found = connection.topics.offsets_at_time(places, since).await?;
            let found = found.first().copied().flatten();
            found.unwrap_or(bounds.high).max(bounds.low)
        }
        None => bounds.low,
    };
    // A beginning and what ended it are two records.
    let most = i64::try_from(2 * MOST).unwrap_or(i64::MAX);
    let from = first.max(bounds.high.saturating_sub(most));
    Ok((from, u64::try_from(from - first).unwrap_or(0)))
}

fn read_from(connection: &Arc<Connection>, topic: &str, from: i64) -> Result<PartitionReader> {
    let range = OffsetRange {
        topic: topic.to_owned(),
        partition: 0,
        from,
        until: None,
    };
    PartitionReader::open(connection, vec![range], Isolation::Committed)
}

/// Reads for as long as the subscription lasts.
async fn follow(
    connection: Arc<Connection>,
    topic: String,
    mut reader: PartitionReader,
    shared: Arc<Shared>,
) {
    loop {
        match reader.next().await {
            Ok(Some(chunk)) => shared.apply(&chunk),
            // Behind a gap it reads on by itself.
            Err(failed) => tracing::debug!(%failed, "reading marks"),
            Ok(None) => {
                sleep(RETRY).await;
                let from = shared.read.lock().position;
                match read_from(&connection, &topic, from) {
                    Ok(again) => reader = again,
                    Err(failed) => tracing::debug!(%failed, "marks are read again later"),
                }
            }
        }
    }
}

impl Shared {
    fn apply(&self, chunk: &[FetchedRecord]) {
        let mut read = self.read.lock();
        for record in chunk {
            read.position = record.offset + 1;
            if let Some((key, change)) = Change::decode(record) {
                read.change(key, change, record.time, self.window);
            }
        }
        drop(read);
        self.grown.notify_waiters();
    }
}

impl Read {
    fn change(&mut self, key: HandlingKey, change: Change, at: SystemTime, window: Duration) {
        match change {
            Change::Done => self.index.set(key, Mark::Done, at, window),
            Change::Dead { letter } => self.index.set(key, Mark::Dead(letter), at, window),
            Change::Free { group, position } => {
                self.index.forget(key, &Beginning { group, position });
            }
            Change::Begun {
                group,
                position,
                replay_of,
                nonce,
            } => {
                let handling = Handling {
                    key,
                    beginning: Beginning { group, position },
                    replay_of,
                };
                let found = self.index.begin(&handling, at, window, |_| true);
                // A record that was stored twice counts once.
                if let Some(expected) = self.begun.remove(&nonce) {
                    let _ = expected.send(found);
                }
            }
        }
    }
}
