//! Dead letters: the record, and how to read and work on them.

use std::{fmt, str::FromStr, time::SystemTime};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Capture, Delivery, ErrorKind, Failure, Job, JobAction, JobId, JobLease, Resolution, Result,
    Selection, Stats, TransportError,
};
use crate::event::{Envelope, Group, Message, Position, Topic};

/// The name of a dead letter: the same after a crash, an export or an import.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LetterId(String);

impl LetterId {
    /// Derives the name: 12 base32 characters of a hash.
    #[must_use]
    pub fn derive(store: &str, position: &Position, group: &Group, generation: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [store, position.as_str(), group.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(generation.to_be_bytes());
        let text = data_encoding::BASE32_NOPAD.encode(&hash.finalize());
        Self(text[..12].to_ascii_lowercase())
    }

    /// Takes over a name that was derived earlier.
    #[must_use]
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a message was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    /// It is not a CloudEvent.
    Decode,
    /// The handler said that it never will succeed.
    Permanent,
    /// It failed as often as the policy allows.
    Exhausted,
    /// Somebody terminated it at the broker.
    Terminated,
    /// It took the consumer down too often.
    Crashed,
    /// Its `expirytime` had passed.
    Expired,
}

impl LetterKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Decode,
        Self::Permanent,
        Self::Exhausted,
        Self::Terminated,
        Self::Crashed,
        Self::Expired,
    ];

    /// Returns the name used in records and flags.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Permanent => "permanent",
            Self::Exhausted => "exhausted",
            Self::Terminated => "terminated",
            Self::Crashed => "crashed",
            Self::Expired => "expired",
        }
    }

    /// Reports whether the run that led here is counted as an attempt.
    #[must_use]
    pub fn counts_last_run(self) -> bool {
        matches!(self, Self::Permanent | Self::Exhausted)
    }
}

impl fmt::Display for LetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LetterKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("unknown kind `{text}`"))
    }
}

/// Where a dead letter comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The URL scheme.
    pub transport: String,
    /// The store's own name, the same from any host and after a restart.
    pub store: String,
    /// The topic.
    pub topic: Topic,
    /// Where the message stood at the very first.
    pub position: Position,
    /// When the message was stored there.
    #[serde(with = "super::stamp")]
    pub time: SystemTime,
}

/// A message that one group gave up on, with the story of why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its name.
    pub id: LetterId,
    /// The message, byte for byte.
    pub message: Message,
    /// The story.
    pub record: LetterRecord,
    /// Where the letter itself stands, if it was read from a transport; never exported.
    pub at: Option<Position>,
}

/// The story of a dead letter, as stored beside the message. Version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterRecord {
    /// The version of this form.
    pub version: u32,
    /// Where it comes from.
    pub origin: Origin,
    /// Who gave it up.
    pub group: Group,
    /// Why.
    pub kind: LetterKind,
    /// How the last run failed.
    pub failure: Failure,
    /// How the runs before it failed, a line each, the first and the last few; only where the store keeps that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// Handler runs that failed in this life.
    pub attempts: u32,
    /// Handler runs that failed in all lives.
    pub total_attempts: u32,
    /// Runs that took the process down.
    pub crashes: u32,
    /// When the first run of this life failed.
    #[serde(with = "super::stamp")]
    pub first_failed: SystemTime,
    /// When it was given up.
    #[serde(with = "super::stamp")]
    pub dead_since: SystemTime,
    /// How often it had been replayed before.
    pub generation: u32,
    /// The letter that was replayed to make the delivery that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<LetterId>,
    /// The event's id, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's type, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
}

impl DeadLetter {
    /// Tells the story of a delivery that `group` gives up now.
    #[must_use]
    pub fn of(
        transport: &str,
        store: &str,
        group: &Group,
        delivery: &Delivery,
        kind: LetterKind,
        failure: Failure,
    ) -> Self {
        let now = SystemTime::now();
        let stored = &delivery.stored;
        let lineage = delivery.lineage.as_ref();
        let position = lineage
            .map_or(&stored.position, |lineage| &lineage.position)
            .clone();
        let store = lineage.map_or(store, |lineage| lineage.store.as_str());
        let generation = lineage.map_or(0, |lineage| lineage.generation);
        let attempts = delivery.attempts.failed + u32::from(kind.counts_last_run());
        let envelope = Envelope::read(&stored.message).ok();
        let record = LetterRecord {
            version: 1,
            group: group.clone(),
            kind,
            failure,
            earlier: Vec::new(),
            attempts,
            total_attempts: attempts + lineage.map_or(0, |lineage| lineage.attempts),
            crashes: delivery.attempts.crashed,
            first_failed: delivery.attempts.first_failed.unwrap_or(now),
            dead_since: now,
            generation,
            replay_of: lineage.map(|lineage| lineage.replay_of.clone()),
            event_id: envelope.as_ref().map(|envelope| envelope.id.to_string()),
            event_type: envelope.as_ref().map(|envelope| envelope.ty.to_string()),
            origin: Origin {
                transport: transport.to_owned(),
                store: store.to_owned(),
                topic: stored.message.topic.clone(),
                position: position.clone(),
                time: stored.time,
            },
        };
        let id = LetterId::derive(store, &position, group, generation);
        Self {
            id,
            message: stored.message.clone(),
            record,
            at: None,
        }
    }

    /// Returns the history of a message that replays this letter.
    #[must_use]
    pub fn lineage(&self) -> super::Lineage {
        super::Lineage {
            replay_of: self.id.clone(),
            store: self.record.origin.store.clone(),
            position: self.record.origin.position.clone(),
            generation: self.record.generation + 1,
            attempts: self.record.total_attempts,
        }
    }
}

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
    /// [`super::ErrorKind::Held`] with who holds the lease, or if the server does not answer.
    async fn lease(&self, job: &JobId, holder: &str) -> Result<JobLease>;

    /// Keeps the lease; to be called well within its time.
    ///
    /// # Errors
    /// [`super::ErrorKind::Held`] if it was lost.
    async fn renew(&self, lease: &JobLease) -> Result<()>;

    /// Deals with the next letters of a job, at most `max`, and says what became of each; none means that
    /// the job is done.
    ///
    /// A replayed letter is gone only once its message is confirmed stored. An outcome that could
    /// not be learned is [`Resolution::Ambiguous`]; such a letter, and one that failed, is not tried again
    /// in this job. Not to be dropped by who needs to know what became of the letters.
    ///
    /// # Errors
    /// [`super::ErrorKind::Held`] if the lease was lost: then nothing was done.
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
