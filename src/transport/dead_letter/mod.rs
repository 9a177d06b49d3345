//! Dead letters: what they are, how they are selected, counted and imported, and the jobs that replay and purge them.

mod capture;
mod id;
mod job;
mod kind;
mod letter;
mod record;
mod selection;
mod stats;

use async_trait::async_trait;

#[cfg(any(feature = "nats", feature = "kafka"))]
pub(crate) use self::job::JOB_CHUNK;
pub use self::{
    capture::{Capture, Captured},
    id::LetterId,
    job::{JOB_LEASE, Job, JobAction, JobId, JobLease, Resolution},
    kind::LetterKind,
    letter::DeadLetter,
    record::{LetterRecord, Origin},
    selection::{LetterRef, Selection},
    stats::{Stats, StatsBuilder, StatsRow, sort_stats},
};
use super::{ErrorKind, Result, TransportError};
use crate::event::{Group, Topic};

/// The dead letters of a transport.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Reads letters, oldest first, changing nothing.
    ///
    /// The scan may return letters that the selection does not mean; the caller sorts them out. Two copies
    /// that a crash left come as one.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn scan(&self, selection: &Selection) -> Result<Box<dyn LetterScan>>;

    /// Counts letters by topic, group, kind and fingerprint.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn stats(&self, selection: &Selection) -> Result<Stats>;

    /// Stores letters that were made elsewhere, each unless its id is there already; tells of each, in order,
    /// whether it was new.
    async fn import(&self, letters: Vec<DeadLetter>) -> Vec<Result<bool>>;

    /// Begins to make dead letters of what consumers of other programs gave up: from now on, or only of what the
    /// broker has told of until now. What stands for it on the broker is made, and keeps the broker's notices while
    /// nobody reads them.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the broker tells of no such thing, or if the server does not answer.
    async fn capture(&self, until_end: bool) -> Result<Box<dyn Capture>> {
        let _ = until_end;
        let message = "this transport does not tell what consumers of other programs give up";
        Err(TransportError::new("", ErrorKind::Unsupported, message))
    }

    /// Returns what the user should know before letters are replayed to these groups, a line each: that nobody would
    /// take them now, where the broker knows and it costs little to ask.
    async fn replay_warnings(&self, targets: &[(Group, Topic)]) -> Vec<String> {
        let _ = targets;
        Vec::new()
    }

    /// Returns the jobs that were planned and have not ended.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn jobs(&self) -> Result<Vec<Job>>;

    /// Writes down a job without letters; it does nothing until it is leased.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn plan(&self, action: JobAction, selection: &str) -> Result<JobId>;

    /// Adds letters, as a scan returned them, to a planned job, in the order in which they are to be dealt with.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn enlist(&self, job: &JobId, letters: &[DeadLetter]) -> Result<()>;

    /// Forgets a job; letters that it has not dealt with stay as they are.
    ///
    /// # Errors
    /// If the server does not answer, or somebody holds the lease.
    async fn forget(&self, job: &JobId) -> Result<()>;

    /// Takes the lease of a job; jobs of one store run one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] with who holds the lease, or if the server does not answer.
    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease>;

    /// Keeps the lease; to be called well within its time.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] if it was lost.
    async fn renew(&self, lease: &JobLease) -> Result<()>;

    /// Deals with the next letters of a job, at most `max`, and says what became of each; none means that
    /// the job is done.
    ///
    /// A replayed letter is gone only once its message is confirmed stored. An outcome that could
    /// not be learned is [`Resolution::Ambiguous`]; such a letter, and one that failed, is not tried again
    /// in this job. Not to be dropped by who needs to know what became of the letters.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] if the lease was lost: then nothing was done.
    async fn advance(&self, lease: &JobLease, max: usize) -> Result<Vec<(LetterId, Resolution)>>;

    /// Ends a job that is done, or gives back its lease so that it can be resumed.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn release(&self, lease: JobLease, done: bool) -> Result<()>;
}

/// An open read of dead letters.
#[async_trait]
pub trait LetterScan: Send {
    /// Returns at most `max` letters; none means that the end was reached.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>>;
}
