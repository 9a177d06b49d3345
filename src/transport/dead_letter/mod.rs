//! Dead letters: the record, selections, counting, and the jobs that replay and purge them.

mod capture;
mod id;
mod job;
mod kind;
mod letter;
mod note;
mod page;
mod record;
mod replays;
mod selection;
mod stats;

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
pub(crate) use self::job::JOB_CHUNK;
pub use self::{
    capture::{Capture, Captured},
    id::DeadLetterId,
    job::{JOB_LEASE, Job, JobAction, JobId, JobLease, ReplayEdit, Resolution},
    kind::DeadLetterKind,
    letter::DeadLetter,
    note::{InvalidNoteName, Note, NoteName},
    page::{LetterPage, PAGE_BYTES},
    record::{DeadLetterRecord, Origin},
    replays::{MessageDigest, ReplayScan, ReplayTarget, ReplayTrace, Replayed, Settled, TraceKind},
    selection::{DeadLetterRef, Selection},
    stats::{Stats, StatsBuilder, StatsRow, sort_stats},
};
use super::{ErrorKind, Limits, Result, TransportError};
use crate::event::{Group, Topic};

/// The dead letters of a transport.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Reads dead letters, oldest first. Changes nothing.
    ///
    /// The scan may return letters that the selection does not match; the caller filters them. Two copies that a crash
    /// left are returned as one.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn DeadLetterScan>>;

    /// Counts letters by topic, group, kind and fingerprint.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn stats(&self, selection: &Selection) -> Result<Stats>;

    /// Checks, without asking a server, that this store can hold a dead letter from elsewhere byte for byte. `limits` are those
    /// of the live [`Capabilities`](super::Capabilities); the caller has compared the payload with them.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] or [`ErrorKind::TooLarge`], with what it cannot hold.
    fn check_import(&self, letter: &DeadLetter, limits: &Limits) -> Result<()> {
        let _ = (letter, limits);
        Ok(())
    }

    /// Stores dead letters from elsewhere, each unless its id exists. Returns for each, in order, whether it was new.
    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>>;

    /// Starts to dead-letter messages that consumers of other programs gave up: from now on, or only those that the broker
    /// has reported until now. Creates what stores the broker's notices while no process reads them.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the broker does not report such messages, or if the server does not answer.
    async fn capture(&self, until_end: bool) -> Result<Box<dyn Capture>> {
        let _ = until_end;
        let message =
            "this transport does not report messages that consumers of other programs give up";
        Err(TransportError::new("", ErrorKind::Unsupported, message))
    }

    /// Returns warnings about a replay to these groups, one line each: that a group has no consumers now, where the broker
    /// knows and it costs little to ask.
    async fn replay_warnings(&self, targets: &[(Group, Topic)]) -> Vec<String> {
        let _ = targets;
        Vec::new()
    }

    /// Returns the jobs that are planned and not finished.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn jobs(&self) -> Result<Vec<Job>>;

    /// Stores a job without letters. It has no effect until it is leased.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId>;

    /// Adds letters, as a scan returned them, to a planned job, in the order in which they are to be processed.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()>;

    /// Forgets a job. Letters that it has not resolved stay as they are.
    ///
    /// # Errors
    /// If the server does not answer, or another process holds the lease.
    async fn forget(&self, job: &JobId) -> Result<()>;

    /// Takes the lease of a job. Only one job of a store runs at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] with the holder of the lease, or if the server does not answer.
    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease>;

    /// Renews the lease; to be called well before it expires.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] if it was lost.
    async fn renew(&self, lease: &JobLease) -> Result<()>;

    /// Processes the next letters of a job, at most `max`, and returns the outcome of each; an empty list means that the
    /// job is done.
    ///
    /// A replayed letter is removed only once its message is confirmed stored. An unknown outcome is
    /// [`Resolution::Ambiguous`]; such a letter, and one that failed, is not retried in this job. A caller that needs the
    /// outcomes must not drop the future.
    ///
    /// A job whose action has an edit needs it here, and another one must not have any. It publishes what each letter becomes, and
    /// leaves the letter where it is, archived by a note of the edit. A letter is published and archived, or neither: what a crash
    /// leaves in between is completed under the next lease, before another letter is resolved.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] if the lease was lost; then nothing was done.
    async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
        edit: Option<&Arc<dyn ReplayEdit>>,
    ) -> Result<Vec<(DeadLetterId, Resolution)>>;

    /// Ends a job that is done, or gives back its lease so that the job can be resumed.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn release(&self, lease: JobLease, done: bool) -> Result<()>;

    /// Stores a note in place of an earlier one of its name, or removes that; durable when it returns.
    ///
    /// # Errors
    /// If the server does not answer, or the value is longer than [`Note::MAX_VALUE`].
    async fn put_note(&self, name: &NoteName, value: Option<String>) -> Result<()>;

    /// Returns the note of this name and those under it (`log` and `log.…`), in order of name.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn notes(&self, under: &NoteName) -> Result<Vec<Note>>;

    /// Reads what is left of the replays to these targets that were stored at this time or later. Changes nothing.
    ///
    /// The scan may return traces of other targets and of earlier replays.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn replays(
        &self,
        since: SystemTime,
        targets: &[ReplayTarget],
    ) -> Result<Box<dyn ReplayScan>>;

    /// Reports of each of these replays, in order, whether a group has settled it.
    ///
    /// [`Settled::Yes`] only if the group's position shows it: what is due for retry is not settled. A message that is
    /// dead-lettered again is stored as a dead letter before it is settled.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn settled(&self, group: &Group, replays: &[Replayed]) -> Result<Vec<Settled>> {
        let _ = group;
        let reason = "this transport does not tell which messages a group has settled";
        Ok(vec![Settled::Unknown(reason.to_owned()); replays.len()])
    }
}

/// An open read of dead letters.
#[async_trait]
pub trait DeadLetterScan: Send {
    /// Returns at most `max` letters; an empty list means that the end was reached. A page ends early with the letter that
    /// brings its messages to [`PAGE_BYTES`], so that memory stays flat whatever the letters' size; [`LetterPage`] helps.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>>;
}
