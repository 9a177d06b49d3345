//! Marks of handled events, as values in the state stream, each until the end of its window.
//!
//! The mark of an acknowledgement is confirmed before the acknowledgement is sent: a crash in between leaves a mark, and the
//! message comes again as its own duplicate. The beginning of a run is written against what was read, so that of two members
//! that hold copies one begins.

use std::{collections::HashMap, time::SystemTime};

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish, direct_get,
            handle::Connection,
            kv::{self, Key},
        },
        error::{WRONG_LAST_SEQUENCE, error},
    },
    event::{HandlingKey, Position},
    transport::{
        DeadLetterId, Dedup, DedupMode, ErrorKind, Handling, Mark, MarkChange, Result,
        SubscribeRequest,
    },
};

/// How many marks are written at the same time.
const CONCURRENCY: usize = 256;
/// How often a mark is read again that another member has changed meanwhile.
const ATTEMPTS: usize = 8;

/// A mark as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", content = "of", rename_all = "snake_case")]
enum Stored {
    /// A run began on the message at this position.
    Begun(String),
    Done,
    /// Given up, as this dead letter.
    Dead(String),
    /// A run that began is to be repeated.
    Free,
}

impl Stored {
    fn into_mark(self) -> Option<Mark> {
        match self {
            Self::Begun(position) => Some(Mark::Begun(Position::new(position))),
            Self::Done => Some(Mark::Done),
            Self::Dead(id) => Some(Mark::Dead(DeadLetterId::from_stored(id))),
            Self::Free => None,
        }
    }
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

    /// Looks up marks. Replicas are asked first, in one request; what they lack is asked of the leader.
    pub(crate) async fn look_up(
        &self,
        connection: &Connection,
        handlings: &[Handling],
    ) -> Result<Vec<Option<Mark>>> {
        let subjects: Vec<String> = handlings
            .iter()
            .map(|handling| subject(connection, handling.key))
            .collect();
        let stream = connection.names.state_stream();
        let mut found: HashMap<String, (Stored, SystemTime)> = HashMap::new();
        for message in direct_get::last_of_each(connection, &stream, &subjects).await? {
            found.insert(message.subject, (parse(&message.payload)?, message.time));
        }
        if self.is_replicated {
            let missing = subjects
                .iter()
                .filter(|subject| !found.contains_key(*subject));
            let reads = missing
                .cloned()
                .map(|subject| leader_has(connection, subject));
            let reads: Vec<_> = reads.collect();
            let read = stream::iter(reads).buffer_unordered(CONCURRENCY);
            let read: Vec<Option<Found>> = read.try_collect().await?;
            found.extend(read.into_iter().flatten());
        }
        let now = SystemTime::now();
        let mark = |subject: &String| {
            let (stored, time) = found.remove(subject)?;
            self.is_current(time, now).then(|| stored.into_mark())?
        };
        Ok(subjects.iter().map(mark).collect())
    }

    fn is_current(&self, stored: SystemTime, now: SystemTime) -> bool {
        now.duration_since(stored).unwrap_or_default() < self.dedup.window
    }

    /// Begins a handling unless its mark does not admit it; returns what was there.
    pub(crate) async fn begin(
        &self,
        connection: &Connection,
        handling: &Handling,
    ) -> Result<Option<Mark>> {
        let key = key(connection, &subject(connection, handling.key));
        let begun = Stored::Begun(handling.position.as_str().to_owned());
        for _ in 0..ATTEMPTS {
            let (mark, revision) = self.read(connection, &key).await?;
            let is_admitted = mark.as_ref().is_none_or(|mark| mark.admits(handling));
            if !is_admitted || self.replace(connection, &key, &begun, revision).await? {
                return Ok(mark);
            }
        }
        Err(error(ErrorKind::Unavailable, "a mark changes all the time"))
    }

    async fn read(&self, connection: &Connection, key: &Key) -> Result<(Option<Mark>, u64)> {
        let read = kv::get::<Stored>(connection, key).await?;
        Ok(read.map_or((None, 0), |read| {
            let is_current = self.is_current(read.time, SystemTime::now());
            let mark = read.value.into_mark().filter(|_| is_current);
            (mark, read.revision)
        }))
    }

    /// Writes a mark if it still is what was read; tells whether it was.
    async fn replace(
        &self,
        connection: &Connection,
        key: &Key,
        stored: &Stored,
        revision: u64,
    ) -> Result<bool> {
        let written = kv::set_expiring(connection, key, stored, revision, self.seconds()).await;
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

    /// Marks the events of a batch as handled; returns the result of each.
    pub(crate) async fn done(
        &self,
        connection: &Connection,
        keys: Vec<HandlingKey>,
    ) -> Vec<Result<()>> {
        let writes = keys
            .into_iter()
            .map(|key| self.put(connection, key, &Stored::Done));
        let writes: Vec<_> = writes.collect();
        stream::iter(writes).buffered(CONCURRENCY).collect().await
    }

    /// Marks an event as given up.
    pub(crate) async fn dead(
        &self,
        connection: &Connection,
        key: HandlingKey,
        letter: &DeadLetterId,
    ) -> Result<()> {
        let dead = Stored::Dead(letter.as_str().to_owned());
        self.put(connection, key, &dead).await
    }

    /// Lets a run be repeated that began on the message at this position.
    pub(crate) async fn forget(
        &self,
        connection: &Connection,
        change: Option<MarkChange>,
        position: &Position,
    ) -> Result<()> {
        let begins = self.dedup.mode == DedupMode::AtMostOnce;
        let Some(MarkChange::Forget(handling)) = change.filter(|_| begins) else {
            return Ok(());
        };
        let key = key(connection, &subject(connection, handling));
        let (mark, revision) = self.read(connection, &key).await?;
        if mark == Some(Mark::Begun(position.clone())) {
            self.replace(connection, &key, &Stored::Free, revision)
                .await?;
        }
        Ok(())
    }

    async fn put(&self, connection: &Connection, key: HandlingKey, stored: &Stored) -> Result<()> {
        let payload = headers::json(stored)?;
        let mut map = HeaderMap::new();
        map.insert("Nats-TTL", format!("{}s", self.seconds()));
        let subject = subject(connection, key);
        confirmed_publish::publish_internal_with(connection, subject, payload.into(), map).await
    }
}

/// A mark with its subject, and when it was stored.
type Found = (String, (Stored, SystemTime));

/// Asks the leader for the mark at a subject.
async fn leader_has(connection: &Connection, subject: String) -> Result<Option<Found>> {
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
