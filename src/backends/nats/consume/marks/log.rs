//! The log of what an action has handled: messages of the state stream, each with what one settlement has marked, which every
//! member writes to and reads into memory.
//!
//! A message for each event would cost the server more than the event does, and its index would grow with the window. So a batch
//! is one message, deleted by the server after the window, and members know the last marks only. Each has a subject of its own,
//! since the stream keeps the last message of a subject.
//!
//! A payload begins with a byte that says what follows: `1`, the keys of handled events, 16 bytes each; `2`, the key of an event
//! that was given up, and the id of its dead letter.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::HeaderMap;
use bytes::Bytes;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        mark_index::MarkIndex,
        nats::{
            connection::{
                confirmed_publish,
                direct_get::{self, Query},
                handle::Connection,
                retry,
            },
            error::error,
            read::{
                pull::Received,
                scope::{ReadScope, StartAt},
                stream_reader::StreamReader,
            },
        },
    },
    event::{Action, HandlingKey},
    lock::Mutex,
    transport::{DeadLetterId, ErrorKind, Mark, Result},
};

/// The most keys in one message.
const MOST_KEYS: usize = 1024;
/// The bytes of a key.
const KEY: usize = 16;
/// Messages that are taken at a time.
const PAGE: usize = 256;
/// The pause before the log is read again after a failure.
const RETRY: Duration = Duration::from_millis(250);

const DONE: u8 = 1;
const DEAD: u8 = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct MarkLog {
    /// What the subjects begin with.
    subject: String,
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
#[derive(Debug, Default)]
struct Read {
    index: MarkIndex,
    /// The sequence of the last message.
    position: u64,
}

impl MarkLog {
    /// Starts to read the marks of an action.
    pub(super) async fn open(
        connection: &Arc<Connection>,
        action: &Action,
        window: Duration,
    ) -> Result<Self> {
        let subject = connection.names.marks_subject(action);
        let shared = Arc::new(Shared {
            window,
            read: Mutex::default(),
            grown: Notify::new(),
        });
        let since = SystemTime::now().checked_sub(window);
        let scope = ReadScope {
            until_end: false,
            patient: true,
            ..ReadScope::once(
                connection.names.state_stream(),
                vec![every(&subject)],
                since.map_or(StartAt::Sequence(1), StartAt::Time),
            )
        };
        let reader = StreamReader::open(connection, scope.clone()).await?;
        let reading = follow(Arc::clone(connection), scope, reader, Arc::clone(&shared));
        Ok(Self {
            subject,
            shared,
            _reading: AbortOnDropHandle::new(tokio::spawn(reading)),
        })
    }

    /// Returns once everything was read that is stored now. Asks the leader: a replica may lack what was just stored.
    pub(super) async fn read_to_end(&self, connection: &Connection) -> Result<()> {
        let stream = connection.names.state_stream();
        let all = every(&self.subject);
        let last = Query::Last(&all);
        let last = direct_get::from_leader(connection, &stream, last).await?;
        let end = last.map_or(0, |last| last.sequence);
        let look = || (self.shared.read.lock().position >= end).then_some(());
        let read = timeout(connection.timeout, wait_until(&self.shared.grown, look));
        read.await.map_err(|_| {
            let message = format!("the marks in `{stream}` cannot be read to their end");
            error(ErrorKind::Unavailable, message)
        })
    }

    /// Returns the mark of a key, as far as it was read.
    pub(super) fn get(&self, key: HandlingKey) -> Option<Mark> {
        let (read, now) = (self.shared.read.lock(), SystemTime::now());
        read.index.get(key, now, self.shared.window, |_| true)
    }

    /// Returns how many marks were forgotten before the end of their window.
    pub(super) fn forgotten(&self) -> u64 {
        self.shared.read.lock().index.forgotten()
    }

    /// Marks events as handled, each while its lease lasts; returns the result of each.
    pub(super) async fn done(
        &self,
        connection: &Connection,
        handled: &[(HandlingKey, Instant)],
    ) -> Vec<Result<()>> {
        let mut results = Vec::with_capacity(handled.len());
        for some in handled.chunks(MOST_KEYS) {
            let mut payload = Vec::with_capacity(1 + some.len() * KEY);
            payload.push(DONE);
            for (key, _) in some {
                payload.extend_from_slice(key.as_bytes());
            }
            let until = some.iter().map(|(_, until)| *until).min();
            let until = until.unwrap_or_else(Instant::now);
            let stored = self.store(connection, payload, until).await;
            results.extend(some.iter().map(|_| stored.clone()));
        }
        results
    }

    /// Marks an event as given up, while its lease lasts.
    pub(super) async fn dead(
        &self,
        connection: &Connection,
        key: HandlingKey,
        letter: &DeadLetterId,
        until: Instant,
    ) -> Result<()> {
        let mut payload = vec![DEAD];
        payload.extend_from_slice(key.as_bytes());
        payload.extend_from_slice(letter.as_str().as_bytes());
        self.store(connection, payload, until).await
    }

    async fn store(&self, connection: &Connection, payload: Vec<u8>, until: Instant) -> Result<()> {
        let payload = Bytes::from(payload);
        let own = format!("{}.{}", self.subject, connection.id());
        retry::until(until, || async {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-TTL", format!("{}s", seconds(self.shared.window)));
            let (subject, payload) = (own.clone(), payload.clone());
            confirmed_publish::publish_internal_with(connection, subject, payload, headers).await
        })
        .await
    }
}

/// Returns the filter of all messages of a log.
fn every(subject: &str) -> String {
    format!("{subject}.*")
}

/// Returns a window in seconds, as the server counts.
pub(super) fn seconds(window: Duration) -> u64 {
    window.as_secs() + u64::from(window.subsec_nanos() > 0)
}

/// Reads for as long as the subscription lasts.
async fn follow(
    connection: Arc<Connection>,
    mut scope: ReadScope,
    mut reader: StreamReader,
    shared: Arc<Shared>,
) {
    loop {
        match reader.take(PAGE).await {
            Ok(taken) if !taken.is_empty() => shared.apply(&taken),
            ended => {
                tracing::debug!(?ended, "marks are read again later");
                sleep(RETRY).await;
                let position = shared.read.lock().position;
                if position > 0 {
                    scope.start = StartAt::Sequence(position + 1);
                }
                if let Ok(again) = StreamReader::open(&connection, scope.clone()).await {
                    reader = again;
                }
            }
        }
    }
}

impl Shared {
    fn apply(&self, taken: &[Received]) {
        let mut read = self.read.lock();
        for message in taken {
            read.position = message.stream_sequence;
            read.apply(&message.payload, message.published, self.window);
        }
        drop(read);
        self.grown.notify_waiters();
    }
}

impl Read {
    /// Applies a message. What another program wrote says nothing.
    fn apply(&mut self, payload: &[u8], at: SystemTime, window: Duration) {
        match payload.split_first() {
            Some((&DONE, keys)) => {
                for key in keys.as_chunks::<KEY>().0 {
                    self.index
                        .set(HandlingKey::from(*key), Mark::Done, at, window);
                }
            }
            Some((&DEAD, rest)) => {
                let Some((key, letter)) = rest.split_first_chunk::<KEY>() else {
                    return;
                };
                if let Ok(letter) = std::str::from_utf8(letter) {
                    let dead = Mark::Dead(DeadLetterId::from_stored(letter));
                    self.index.set(HandlingKey::from(*key), dead, at, window);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_mark_says_nothing() {
        let (now, window) = (SystemTime::now(), Duration::from_mins(1));
        let key = HandlingKey::from([7; KEY]);
        let mut read = Read::default();
        for foreign in [&b""[..], b"{}", &[DONE], &[DONE, 7, 7], &[DEAD, 7]] {
            read.apply(foreign, now, window);
            assert_eq!(read.index.get(key, now, window, |_| true), None);
        }
        let dead = [&[DEAD][..], &[7; KEY], b"letter"].concat();
        read.apply(&dead, now, window);
        let letter = DeadLetterId::from_stored("letter");
        let found = read.index.get(key, now, window, |_| true);
        assert_eq!(found, Some(Mark::Dead(letter)));
        let done = [&[DONE][..], &[6; KEY], &[7; KEY]].concat();
        read.apply(&done, now, window);
        let found = read.index.get(key, now, window, |_| true);
        assert_eq!(found, Some(Mark::Done));
    }
}
