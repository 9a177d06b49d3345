//! Marks of handled events: those of settlements in a log, and the beginnings of runs as values in the state stream, each until
//! the end of its window.
//!
//! The mark of an acknowledgement is confirmed before the acknowledgement is sent: a crash in between leaves a mark, and the
//! message comes again as its own duplicate. The beginning of a run is written against what was read, with a number of its own
//! in it, so that of two members one begins, also where both hold the same message and an answer was lost. What is begun has a
//! value of its own, also if it is given up; what is handled is in the log alone, which counts before that value.
//!
//! The state stream outlives the stream of the events. A mark names that stream, because in another one under its name the
//! same positions, and ids that are made of positions, are other events.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use async_nats::HeaderMap;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use super::{
    log::{self, MarkLog},
    value::{Found, State, Stored},
};
use crate::{
    backends::{
        fnv::fnv1a,
        nats::{
            codec::headers,
            connection::{
                confirmed_publish, direct_get,
                handle::Connection,
                kv::{self, Key},
                retry,
            },
            error::{WRONG_LAST_SEQUENCE, error},
        },
    },
    event::HandlingKey,
    failpoint,
    transport::{
        Beginning, DeadLetterId, Dedup, DedupMode, ErrorKind, Handling, Mark, MarkChange, Result,
        SubscribeRequest,
    },
};

/// How many values are read at the same time.
const CONCURRENCY: usize = 256;
/// The marks of one subscription.
#[derive(Debug)]
pub(crate) struct MarkStore {
    dedup: Dedup,
    log: MarkLog,
    /// Whether a replica may answer that lacks what was just stored.
    is_replicated: bool,
}

impl MarkStore {
    /// Keeps the marks of a subscription, if its request asks for them.
    pub(crate) async fn open(
        connection: &Arc<Connection>,
        request: &SubscribeRequest,
        is_replicated: bool,
    ) -> Result<Option<Self>> {
        let Some(dedup) = request.dedup.clone() else {
            return Ok(None);
        };
        let action = dedup.action(&request.group);
        Ok(Some(Self {
            log: MarkLog::open(connection, &action, dedup.window).await?,
            dedup,
            is_replicated,
        }))
    }

    /// Looks up marks, with everything that members have stored by now.
    pub(crate) async fn look_up(
        &self,
        connection: &Connection,
        store: &str,
        handlings: &[Handling],
    ) -> Result<Vec<Option<Found>>> {
        self.log.read_to_end(connection).await?;
        let values = match self.dedup.mode {
            DedupMode::Settled => handlings.iter().map(|_| None).collect(),
            DedupMode::AtMostOnce => self.values(connection, store, handlings).await?,
        };
        let found = handlings.iter().zip(values);
        let found = found.map(|(handling, value)| self.with_log(store, handling.key, value));
        Ok(found.collect())
    }

    /// Returns what is known of a handling, with the value that was found.
    fn with_log(&self, store: &str, key: HandlingKey, value: Option<Found>) -> Option<Found> {
        let logged = self.log.get(in_store(store, key));
        match logged {
            Some(Mark::Done) => logged.map(Found::settled),
            logged => value.or(logged.map(Found::settled)),
        }
    }

    /// Reads the values of handlings: in one request, unless a replica may answer that is behind. One that cannot be read is
    /// none.
    async fn values(
        &self,
        connection: &Connection,
        store: &str,
        handlings: &[Handling],
    ) -> Result<Vec<Option<Found>>> {
        let subjects = handlings.iter();
        let subjects: Vec<String> = subjects
            .map(|handling| subject(connection, handling.key))
            .collect();
        let mut found: HashMap<String, (Stored, SystemTime)> = HashMap::new();
        if self.is_replicated {
            let reads = subjects.iter().cloned();
            let reads: Vec<_> = reads
                .map(|subject| leader_has(connection, subject))
                .collect();
            let read = stream::iter(reads).buffer_unordered(CONCURRENCY);
            let read: Vec<Option<Latest>> = read.try_collect().await?;
            found.extend(read.into_iter().flatten());
        } else {
            let stream = connection.names.state_stream();
            for message in direct_get::last_of_each(connection, &stream, &subjects).await? {
                match parse(&message.payload) {
                    Ok(stored) => drop(found.insert(message.subject, (stored, message.time))),
                    Err(unreadable) => tracing::warn!(%unreadable, message.subject),
                }
            }
        }
        let now = SystemTime::now();
        let value = |subject: &String| {
            // Copies that were fetched together have one subject.
            let (stored, time) = found.get(subject)?;
            let is_current = self.is_current(*time, now);
            is_current.then(|| stored.clone().into_found(store))?
        };
        Ok(subjects.iter().map(value).collect())
    }

    /// Returns how many marks were forgotten before the end of their window.
    pub(crate) fn forgotten(&self) -> u64 {
        self.log.forgotten()
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
        self.log.read_to_end(connection).await?;
        let value_key = key(connection, &subject(connection, handling));
        let read = kv::get::<Stored>(connection, &value_key).await?;
        let (value, revision) = read.map_or((None, 0), |read| {
            let is_current = self.is_current(read.time, SystemTime::now());
            let found = read.value.into_found(store).filter(|_| is_current);
            (found, read.revision)
        });
        Ok((self.with_log(store, handling, value), revision))
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
        let written = kv::set_expiring(
            connection,
            key,
            &stored,
            revision,
            log::seconds(self.dedup.window),
        )
        .await;
        match written {
            Ok(_) => Ok(true),
            Err(outrun) if outrun.has_code(WRONG_LAST_SEQUENCE) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Marks the events of a batch as handled, each while its lease lasts; returns the result of each.
    pub(crate) async fn done(
        &self,
        connection: &Connection,
        store: &str,
        mut handled: Vec<(HandlingKey, Instant)>,
    ) -> Vec<Result<()>> {
        for (key, _) in &mut handled {
            *key = in_store(store, *key);
        }
        self.log.done(connection, &handled).await
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
        if self.dedup.mode == DedupMode::AtMostOnce {
            let letter = letter.as_str().to_owned();
            let dead = Stored::of(store, State::Dead { letter });
            self.put(connection, key, &dead, until).await?;
        }
        let key = in_store(store, key);
        self.log.dead(connection, key, letter, until).await
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
            map.insert("Nats-TTL", format!("{}s", log::seconds(self.dedup.window)));
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

/// Returns the key under which the log has what is handled of a stream.
fn in_store(store: &str, key: HandlingKey) -> HandlingKey {
    let [low, high] = [0_u8, 1].map(|half| u128::from(fnv1a(store.bytes().chain([half]))));
    key.within(high << 64 | low)
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
