//! Journalled work on dead letters: planned, leased, resumable.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{
    event::Topic,
    transport::{ErrorKind, TransportError},
};

/// How long a lease lasts unless it is renewed, on every transport.
///
/// Ten heartbeats: a holder that a busy machine or a slow broker delays keeps its job, and one that died is replaced
/// within half a minute where nothing shows its death earlier.
pub const JOB_LEASE: Duration = Duration::from_secs(30);

/// The most letters of a plan that are stored in one record.
#[cfg(any(feature = "nats", feature = "kafka"))]
pub(crate) const JOB_CHUNK: usize = 1000;

/// The name of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl JobId {
    /// Returns a new name, unlike any other.
    #[must_use]
    pub fn generate() -> Self {
        Self(ulid::Ulid::generate().to_string().to_lowercase())
    }

    /// Returns the error of a job that does not exist.
    #[must_use]
    pub fn unknown(&self, transport: &'static str) -> TransportError {
        let message = format!("there is no job {self}");
        TransportError::new(transport, ErrorKind::NotFound, message)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a job does with its letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum JobAction {
    /// Publish the message again and resolve the letter.
    Replay {
        /// Another topic; none is the group that failed, or its topic where the broker cannot do that.
        to: Option<Topic>,
    },
    /// Delete the letter.
    Purge,
}

impl JobAction {
    /// Returns the command's name.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Replay { .. } => "replay",
            Self::Purge => "purge",
        }
    }
}

/// A job that was planned and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What it does.
    pub action: JobAction,
    /// The selection from which it was planned, as canonical text.
    pub selection: String,
    /// Letters planned.
    pub planned: u64,
    /// Letters dealt with.
    pub resolved: u64,
    /// When it was planned.
    #[serde(with = "crate::transport::stamp")]
    pub created: SystemTime,
    /// Who works on it now.
    pub holder: Option<String>,
    /// Whether it was ever leased, so that its plan is complete and was agreed to.
    pub started: bool,
}

/// The right to work on a job.
#[derive(Debug, PartialEq, Eq)]
pub struct JobLease {
    /// The job.
    pub job: JobId,
    /// The fencing token: a later lease has a larger one, and work under a smaller one is refused.
    pub token: u64,
}

impl JobLease {
    /// Returns the error of a lease that another process holds; `holder` is the name under which it took it.
    #[must_use]
    pub fn held_by(transport: &'static str, holder: Option<&str>) -> TransportError {
        let holder = holder.unwrap_or("another process");
        let message = format!("another dead-letter job is running, held by {holder}");
        TransportError::new(transport, ErrorKind::Held, message)
    }

    /// Returns the error of work under a lease that no longer counts.
    #[must_use]
    pub fn lost(transport: &'static str, job: &JobId) -> TransportError {
        let message = format!("the lease of job {job} expired, was given back or was taken over");
        TransportError::new(transport, ErrorKind::Held, message)
    }
}

/// The outcome of a dead letter in a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Resolution {
    /// Replayed or purged.
    Done,
    /// Somebody else had dealt with it.
    Gone,
    /// It stays a dead letter.
    Failed {
        /// Why.
        reason: String,
    },
    /// It may have been dealt with or not.
    Ambiguous {
        /// Why.
        reason: String,
    },
}
