//! Marks of handled events, as values in the state stream, each until the end of its window.
//!
//! The mark of an acknowledgement is confirmed before the acknowledgement is sent: a crash in between leaves a mark, and the
//! message comes again as its own duplicate. The beginning of a run is written against what was read, with a number of its own
//! in it, so that of two members one begins, also where both hold the same message and an answer was lost.
//!
//! The state stream outlives the stream of the events. A mark names that stream, because in another one under its name the
//! same positions, and ids that are made of positions, are other events.

use std::{collections::HashMap, time::SystemTime};

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish, direct_get,
            handle::Connection,
            kv::{self, Key},
            retry,
        },
        error::{WRONG_LAST_SEQUENCE, error},
    },
    event::{HandlingKey, Position},
    failpoint,
    transport::{
        Beginning, DeadLetterId, Dedup, DedupMode, ErrorKind, Handling, Mark, MarkChange, Result,
        SubscribeRequest,
    },
};

/// How many marks are written at the same time.
const CONCURRENCY: usize = 256;
/// A mark as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    /// The stream that the event is in.
    #[serde(default)]
    stream: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
enum State {
    /// A run began on a message.
    Begun {
        group: String,
        consumer: String,
        position: String,
        /// What no other member writes.
        nonce: u64,
    },
    Done,
    /// Given up, as this dead letter.
    Dead {
        letter: String,
    },
    /// A run that began is to be repeated.
    Free,
}

impl Stored {
    fn of(store: &str, state: State) -> Self {
        Self {
            stream: store.to_owned(),
            state,
        }
    }

    /// Returns the mark of an event of this stream.
    fn into_found(self, store: &str) -> Option<Found> {
        if self.stream != store {
            return None;
        }
        let settled = |mark| {
            let consumer = String::new();
            Some(Found { mark, consumer })
        };
        match self.state {
            State::Begun {
                group,
                consumer,
                position,
                ..
            } => {
                let group = group.parse().ok();
                let mark = group.map_or(Mark::Unknown, |group| {
                    let position = Position::new(position);
                    Mark::Begun(Beginning { group, position })
                });
                Some(Found { mark, consumer })
            }
            State::Done => settled(Mark::Done),
            State::Dead { letter } => settled(Mark::Dead(DeadLetterId::from_stored(letter))),
            State::Free => None,
        }
    }
}

/// A mark that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) mark: Mark,
    /// The consumer that has the delivery on which a run began.
    pub(crate) consumer: String,
}

/// The marks of one subscription.
#[derive(Debug)]
pub(crate) struct MarkStore {
    dedup: Dedup,
    /// Whether a replica may answer that lacks what was just stored.
    is_replicated: bool,
}

impl MarkStore {
    /// Keeps the marks of a subscription, if its request asks for them.
    pub(crate) fn new(request: &SubscribeRequest, is_replicated: bool) -> Option<Self> {
        request.dedup.clone().map(|dedup| Self {
            dedup,
            is_replicated,
        })
    }

    /// Looks up marks. Replicas are asked first, in one request; the leader is asked where they may be behind, since what is
    /// handled stays so and anything else may have changed. A mark that cannot be read is none.
    pub(crate) async fn look_up(
        &self,
        connection: &Connection,
        store: &str,
        handlings: &[Handling],
    ) -> Result<Vec<Option<Found>>> {
        let subjects: Vec<String> = handlings
            .iter()
            .map(|handling| subject(connection, handling.key))
            .collect();
        let stream = connection.names.state_stream();
        let mut found: HashMap<String, (Stored, SystemTime)> = HashMap::new();
        for message in direct_get::last_of_each(connection, &stream, &subjects).await? {
            match parse(&message.payload) {
                Ok(stored) => drop(found.insert(message.subject, (stored, message.time))),
                Err(unreadable) => tracing::warn!(%unreadable, message.subject),
            }
        }
        if self.is_replicated {
            let is_done = |subject: &String| {
                let found = found.get(subject);
                found.is_some_and(|(stored, _)| stored.state == State::Done)
            };
            let doubtful = subjects.iter().filter(|subject| !is_done(subject));
            let reads = doubtful
                .cloned()
                .map(|subject| leader_has(connection, subject));
            let reads: Vec<_> = reads.collect();
            let read = stream::iter(reads).buffer_unordered(CONCURRENCY);
            let read: Vec<Option<Latest>> = read.try_collect().await?;
            found.extend(read.into_iter().flatten());
        }
        let now = SystemTime::now();
        let mark = |subject: &String| {
            // Copies that were fetched together have one subject.
            let (stored, time) = found.get(subject)?;
            let is_current = self.is_current(*time, now);
            is_current.then(|| stored.clone().into_found(store))?
        };
        Ok(subjects.iter().map(mark).collect())
    }

    fn is_current(&self, stored: SystemTime, now: SystemTime) -> bool {
        now.duration_since(stored).unwrap_or_default() < self.dedup.window
    }

    /// Begins a handling whose mark has this revision; reports whether it did, or the mark was changed meanwhile.
    pub(crate) async fn begin(
        &self,
        connection: &Connection,
        store: &str,
        consumer: &str,
        handling: &Handling,
        revision: u64,
    ) -> Result<bool> {
        let Beginning { group, position } = &handling.beginning;
        let state = State::Begun {
            group: group.as_str().to_owned(),
            consumer: consumer.to_owned(),
            position: position.as_str().to_owned(),
            nonce: fastrand::u64(..),
        };
        let key = key(connection, &subject(connection, handling.key));
        self.replace(connection, &key, store, state, revision).await
    }

    /// Reads a mark, and its revision.
    pub(crate) async fn read(
        &self,
        connection: &Connection,
        store: &str,
        handling: HandlingKey,
    ) -> Result<(Option<Found>, u64)> {
        let key = key(connection, &subject(connection, handling));
        let read = kv::get::<Stored>(connection, &key).await?;
        Ok(read.map_or((None, 0), |read| {
            let is_current = self.is_current(read.time, SystemTime::now());
            let found = read.value.into_found(store).filter(|_| is_current);
            (found, read.revision)
        }))
    }

    /// Writes a mark if it still is what was read; tells whether it was.
    async fn replace(
        &self,
        connection: &Connection,
        key: &Key,
        store: &str,
        state: State,
        revision: u64,
    ) -> Result<bool> {
        let stored = Stored::of(store, state);
        let written = kv::set_expiring(connection, key, &stored, revision, self.seconds()).await;
        match written {
            Ok(_) => Ok(true),
            Err(outrun) if outrun.has_code(WRONG_LAST_SEQUENCE) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// The server counts in seconds.
    fn seconds(&self) -> u64 {
        let window = self.dedup.window;
        window.as_secs() + u64::from(window.subsec_nanos() > 0)
    }

    /// Marks the events of a batch as handled, each while its lease lasts; returns the result of each.
    pub(crate) async fn done(
        &self,
        connection: &Connection,
        store: &str,
        handled: Vec<(HandlingKey, Instant)>,
    ) -> Vec<Result<()>> {
        let done = Stored::of(store, State::Done);
        let writes = handled
            .into_iter()
            .map(|(key, until)| self.put(connection, key, &done, until));
        let writes: Vec<_> = writes.collect();
        stream::iter(writes).buffered(CONCURRENCY).collect().await
    }

    /// Marks an event as given up, while its lease lasts.
    pub(crate) async fn dead(
        &self,
        connection: &Connection,
        store: &str,
        key: HandlingKey,
        letter: &DeadLetterId,
        until: Instant,
    ) -> Result<()> {
        let letter = letter.as_str().to_owned();
        let dead = Stored::of(store, State::Dead { letter });
        self.put(connection, key, &dead, until).await
    }

    /// Lets a run be repeated that began on this delivery, while its lease lasts.
    pub(crate) async fn forget(
        &self,
        connection: &Connection,
        store: &str,
        change: Option<MarkChange>,
        beginning: &Beginning,
        until: Instant,
    ) -> Result<()> {
        let begins = self.dedup.mode == DedupMode::AtMostOnce;
        let Some(MarkChange::Forget(handling)) = change.filter(|_| begins) else {
            return Ok(());
        };
        let key = key(connection, &subject(connection, handling));
        let forgotten = retry::until(until, || async {
            let (found, revision) = self.read(connection, store, handling).await?;
            let mark = found.map(|found| found.mark);
            if matches!(&mark, Some(Mark::Begun(begun)) if begun == beginning) {
                self.replace(connection, &key, store, State::Free, revision)
                    .await?;
            }
            failpoint::reach("nats.begun_freed");
            Ok(())
        });
        Box::pin(forgotten).await
    }

    async fn put(
        &self,
        connection: &Connection,
        key: HandlingKey,
        stored: &Stored,
        until: Instant,
    ) -> Result<()> {
        let payload = bytes::Bytes::from(headers::json(stored)?);
        let subject = subject(connection, key);
        retry::until(until, || async {
            let mut map = HeaderMap::new();
            map.insert("Nats-TTL", format!("{}s", self.seconds()));
            let (subject, payload) = (subject.clone(), payload.clone());
            confirmed_publish::publish_internal_with(connection, subject, payload, map).await
        })
        .await
    }
}

/// A mark with its subject, and when it was stored.
type Latest = (String, (Stored, SystemTime));

/// Asks the leader for the mark at a subject.
async fn leader_has(connection: &Connection, subject: String) -> Result<Option<Latest>> {
    let read = kv::get::<Stored>(connection, &key(connection, &subject)).await?;
    Ok(read.map(|read| (subject, (read.value, read.time))))
}

fn subject(connection: &Connection, key: HandlingKey) -> String {
    connection.names.state_subject(&format!("mark.{key}"))
}

fn key(connection: &Connection, subject: &str) -> Key {
    Key {
        stream: connection.names.state_stream(),
        subject: subject.to_owned(),
    }
}

fn parse(payload: &[u8]) -> Result<Stored> {
    serde_json::from_slice(payload).map_err(|source| {
        error(
            ErrorKind::Corrupt,
            "the mark of a handled event cannot be read",
        )
        .because(source)
    })
}
