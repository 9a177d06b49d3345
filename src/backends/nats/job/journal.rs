//! The progress of a job: one record per store, which each step replaces.
//!
//! Where the user's stream allows it, the record is stored in that stream, in one atomic batch with the events that it
//! counts. A batch that is sent twice, or by a worker that lost its lease, names an old revision and fails as a whole:
//! that makes a replay exactly once. Elsewhere the record is stored beside the events, before and after they are
//! published, and the server recognises them by their ids for the duplicate window only.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish::RawMessage,
            handle::Connection,
            kv::{self, Key, Versioned},
            stream::info,
        },
        dead_letter::notes,
        error::{ApiError, SCHEME, WRONG_LAST_SEQUENCE, error},
        job::{
            in_doubt::InDoubt,
            letters::{cleanup, stream_identities::StreamIdentities},
            plan,
        },
        publish::atomic_batch,
    },
    failpoint,
    transport::{ErrorKind, JobId, JobLease, NoteName, Result, TransportError},
};

/// The progress of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) job: JobId,
    pub(crate) token: u64,
    /// How many dead letters are resolved.
    pub(crate) resolved: u64,
    /// The sequences of resolved dead letters that are to be deleted, or were since this was stored.
    #[serde(with = "crate::backends::nats::codec::sequence_ranges")]
    pub(crate) remove: Vec<u64>,
    /// The note that archives them instead, if the job has edited them: it is stored in another stream, so behind this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive_note: Option<(NoteName, String)>,
    /// The streams of these sequences, as they were when the journal was started.
    #[serde(default)]
    pub(crate) streams: StreamIdentities,
    #[serde(flatten)]
    pub(crate) in_doubt: InDoubt,
}

impl Journal {
    /// Starts under a lease.
    pub(crate) fn new(lease: &JobLease, resolved: u64) -> Self {
        Self {
            job: lease.job.clone(),
            token: lease.token,
            resolved,
            remove: Vec::new(),
            archive_note: None,
            streams: StreamIdentities::default(),
            in_doubt: InDoubt::default(),
        }
    }

    /// Archives the resolved dead letters, if the job has edited them; reports whether it has.
    pub(crate) async fn archive_note(&self, connection: &Connection) -> Result<bool> {
        let Some((name, value)) = &self.archive_note else {
            return Ok(false);
        };
        notes::store(connection, name, value.clone()).await?;
        failpoint::reach("nats.originals_archived");
        Ok(true)
    }

    /// Finishes what a step that was interrupted has left of its dead letters.
    pub(crate) async fn finish(&self, connection: &Connection) -> Result<()> {
        if self.archive_note(connection).await? {
            return Ok(());
        }
        cleanup::finish(connection, &self.remove, &self.streams).await
    }

    /// Deletes the resolved dead letters, or archives them.
    pub(crate) async fn remove(&self, connection: &Connection) -> Result<()> {
        if self.archive_note(connection).await? {
            return Ok(());
        }
        cleanup::remove(connection, &self.remove, &self.streams).await
    }
}

/// Returns when the dead letters whose replay has an unknown outcome were announced.
pub(crate) fn announced(journal: &Versioned<Journal>) -> SystemTime {
    journal.value.in_doubt.announced().unwrap_or(journal.time)
}

/// Returns the dead letters whose replay has an unknown outcome, as they are stored in another record.
fn in_doubt(journal: &Versioned<Journal>) -> InDoubt {
    let mut in_doubt = journal.value.in_doubt.clone();
    in_doubt.resolve(std::iter::empty(), announced(journal));
    in_doubt
}

/// The stream in which the journal is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JournalStream {
    /// The user's stream: the journal and the events are committed in one batch.
    User,
    /// The state stream.
    State,
}

impl JournalStream {
    /// Finds it. A journal that was started in the state stream ends there, even if the user's stream allows batches by
    /// now.
    pub(crate) async fn of(connection: &Connection) -> Result<Self> {
        let journal = Self::State.key(connection);
        if kv::exists(connection, &journal).await? {
            return Ok(Self::State);
        }
        let info = info::find(connection, &connection.names.stream).await?;
        let internal = connection.names.internal_wildcard();
        let is_atomic = info.is_some_and(|info| info.atomic_replay_obstacle(&internal).is_none());
        Ok(if is_atomic { Self::User } else { Self::State })
    }

    /// Returns the key of the journal.
    pub(crate) fn key(self, connection: &Connection) -> Key {
        let names = &connection.names;
        let in_user_stream = self == Self::User;
        Key {
            stream: if in_user_stream {
                names.stream.clone()
            } else {
                names.state_stream()
            },
            subject: names.journal_subject(in_user_stream),
        }
    }
}

/// Reads the last journal of the store.
pub(crate) async fn read(connection: &Connection) -> Result<Option<Versioned<Journal>>> {
    let key = JournalStream::of(connection).await?.key(connection);
    kv::get(connection, &key).await
}

/// Returns the error of a write under a lease: if another revision was there, the lease was lost.
pub(crate) fn lease_lost(failed: ApiError, job: &JobId) -> TransportError {
    if failed.has_code(WRONG_LAST_SEQUENCE) {
        JobLease::lost(SCHEME, job)
    } else {
        failed.into()
    }
}

/// Finishes what the last worker left unfinished, then starts a journal under the new lease. That replaces the revision that
/// the last worker knows, which fences it.
pub(crate) async fn take_over(connection: &Connection, lease: &JobLease) -> Result<()> {
    let key = JournalStream::of(connection).await?.key(connection);
    let last: Option<Versioned<Journal>> = kv::get(connection, &key).await?;
    let revision = last.as_ref().map_or(0, |last| last.revision);
    if let Some(last) = last {
        last.value.finish(connection).await?;
        note_progress(connection, &last).await?;
    }
    let journal = resume(connection, lease).await?;
    let started = kv::set(connection, &key, &journal, revision).await;
    started.map_err(|failed| lease_lost(failed, &lease.job))?;
    Ok(())
}

/// Starts a journal with the progress that the plan has recorded.
async fn resume(connection: &Connection, lease: &JobLease) -> Result<Journal> {
    let plan = plan::find(connection, &lease.job).await?;
    Ok(Journal {
        in_doubt: plan.value.in_doubt,
        streams: Box::pin(StreamIdentities::now(connection)).await?,
        ..Journal::new(lease, plan.value.resolved)
    })
}

async fn note_progress(connection: &Connection, last: &Versioned<Journal>) -> Result<()> {
    let Journal { job, resolved, .. } = &last.value;
    plan::note_progress(connection, job, *resolved, in_doubt(last)).await
}

/// Ends the journal of a lease, after a last step that has finished or was interrupted.
pub(crate) async fn close(
    connection: &Connection,
    lease: &JobLease,
    is_finished: bool,
) -> Result<()> {
    let key = JournalStream::of(connection).await?.key(connection);
    let last = if is_finished {
        under_lease(connection, &key, lease).await?
    } else {
        fence(connection, &key, lease).await?
    };
    let Some(last) = last else {
        return Ok(());
    };
    if is_finished {
        last.value.remove(connection).await?;
    } else {
        last.value.finish(connection).await?;
    }
    note_progress(connection, &last).await?;
    connection.purge(&key.stream, &key.subject).await?;
    Ok(())
}

async fn under_lease(
    connection: &Connection,
    key: &Key,
    lease: &JobLease,
) -> Result<Option<Versioned<Journal>>> {
    let last: Option<Versioned<Journal>> = kv::get(connection, key).await?;
    Ok(last.filter(|last| last.value.token == lease.token))
}

/// Fences writes of an interrupted step that may still be on their way to the server, by replacing the revision that
/// they name. Returns the journal that counts then.
pub(crate) async fn fence(
    connection: &Connection,
    key: &Key,
    lease: &JobLease,
) -> Result<Option<Versioned<Journal>>> {
    loop {
        let Some(last) = under_lease(connection, key, lease).await? else {
            return Ok(None);
        };
        let same = Journal {
            in_doubt: in_doubt(&last),
            ..last.value.clone()
        };
        match kv::set(connection, key, &same, last.revision).await {
            Ok(revision) => {
                return Ok(Some(Versioned {
                    value: same,
                    revision,
                    time: last.time,
                }));
            }
            // One of them arrived after all.
            Err(refused) if refused.has_code(WRONG_LAST_SEQUENCE) => {}
            Err(failed) => return Err(failed.into()),
        }
    }
}

/// Reads the journal of this lease; it is started again if the stream has dropped it meanwhile.
pub(crate) async fn current(
    connection: &Connection,
    stream: JournalStream,
    lease: &JobLease,
) -> Result<Versioned<Journal>> {
    let key = stream.key(connection);
    match kv::get::<Journal>(connection, &key).await? {
        Some(last) if last.value.token == lease.token => Ok(last),
        Some(_) => Err(JobLease::lost(SCHEME, &lease.job)),
        None => {
            take_over(connection, lease).await?;
            let last = kv::get(connection, &key).await?;
            last.ok_or_else(|| error(ErrorKind::Other, "the stream drops the journal of this job"))
        }
    }
}

/// Commits events and the journal in one batch, and returns the revision of the journal. If no answer comes, the journal
/// tells whether the batch was committed.
pub(crate) async fn commit(
    connection: &Connection,
    events: &[RawMessage],
    journal: &Journal,
    revision: u64,
) -> Result<u64, ApiError> {
    let key = JournalStream::User.key(connection);
    let payload = Bytes::from(headers::json(journal).map_err(ApiError::Unanswered)?);
    atomic_batch::commit(connection, events, (&key, &payload), revision).await
}

/// Reports whether the server still recognises messages that may have been published since the journal was stored.
pub(crate) async fn is_recognised(
    connection: &Connection,
    journal: &Versioned<Journal>,
) -> Result<bool> {
    if journal.value.in_doubt.is_none() {
        return Ok(true);
    }
    let info = info::require(connection).await?;
    let window = Duration::from_nanos(info.config.duplicate_window);
    let age = SystemTime::now()
        .duration_since(announced(journal))
        .unwrap_or_default();
    Ok(age < window / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_comes_back() {
        let lease = JobLease {
            job: JobId("j".to_owned()),
            token: 7,
        };
        let journal = Journal {
            remove: vec![1, 2, 4],
            ..Journal::new(&lease, 2)
        };
        let text = headers::json(&journal).unwrap();
        assert!(text.contains("[[1,2],[4,4]]"), "{text}");
        assert_eq!(serde_json::from_str::<Journal>(&text).unwrap(), journal);
    }
}
