//! Jobs on dead letters: a stored plan, a lease with a fencing token, and outcomes.
//!
//! The plan lies in the broker, so another host can resume the job. The lease keeps a second process out; the token is the
//! safety net, for a holder that is slow rather than dead.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{id::DeadLetterId, letter::DeadLetter, note::Note};
use crate::{
    event::{Message, Topic},
    transport::{ErrorKind, Result, TransportError},
};

/// How long a lease lasts unless it is renewed, on every transport.
///
/// Ten heartbeats: a holder that a busy machine or a slow broker delays keeps its job, and one that died is replaced
/// within half a minute where nothing shows its death earlier.
pub const JOB_LEASE: Duration = Duration::from_secs(30);

/// The most letters of a plan that are stored in one record.
#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
pub(crate) const JOB_CHUNK: usize = 1000;

/// The id of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl JobId {
    /// Returns a new id.
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

/// The action of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum JobAction {
    /// Publishes the message again and resolves the letter.
    Replay {
        /// Another topic; none is the group that failed, or its topic where the broker cannot address a group.
        to: Option<Topic>,
    },
    /// Publishes what an edit makes of the message, and archives the letter.
    EditedReplay {
        /// As for a replay.
        to: Option<Topic>,
        /// The edit, as the operator wrote it: a process that resumes the job makes the same edit of it.
        edit: String,
    },
    /// Deletes the letter.
    Purge,
}

impl JobAction {
    /// Returns the name of the command.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Replay { .. } | Self::EditedReplay { .. } => "replay",
            Self::Purge => "purge",
        }
    }

    /// Reports whether messages are published.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        matches!(self, Self::Replay { .. } | Self::EditedReplay { .. })
    }

    /// Returns the other topic of a replay, if it has one.
    #[must_use]
    pub fn to(&self) -> Option<&Topic> {
        match self {
            Self::Replay { to } | Self::EditedReplay { to, .. } => to.as_ref(),
            Self::Purge => None,
        }
    }

    /// Returns the edit of a replay, if it has one.
    #[must_use]
    pub fn edit(&self) -> Option<&str> {
        match self {
            Self::EditedReplay { edit, .. } => Some(edit),
            Self::Replay { .. } | Self::Purge => None,
        }
    }

    /// Fails if a job that edits is advanced without its edit, or one that does not with one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`].
    pub fn check_edit(&self, transport: &'static str, has_edit: bool) -> Result<()> {
        let message = match (self.edit(), has_edit) {
            (Some(_), true) | (None, false) => return Ok(()),
            (Some(edit), false) => {
                format!("this job replays what `{edit}` makes of its dead letters")
            }
            (None, true) => "this job does not edit its dead letters".to_owned(),
        };
        Err(TransportError::new(transport, ErrorKind::Invalid, message))
    }
}

/// The edit of a job: what is published in place of the messages of letters, and how their originals are archived.
pub trait ReplayEdit: fmt::Debug + Send + Sync {
    /// Returns the message that is published in place of that of a letter; the same for the same letter.
    ///
    /// # Errors
    /// Why the letter cannot be edited. It stays as it is.
    fn edit(&self, letter: &DeadLetter) -> std::result::Result<Message, String>;

    /// Returns a note that archives these letters, with a name of its own. It is stored in the step that publishes what they
    /// became: together with it, or so that nothing that follows a crash is without it.
    fn archive_note(&self, originals: &[DeadLetterId]) -> Note;
}

/// A job that is planned and not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its action.
    pub action: JobAction,
    /// The selection that it was planned from, as canonical text.
    pub selection: String,
    /// Letters planned.
    pub planned: u64,
    /// Letters resolved.
    pub resolved: u64,
    /// When it was planned.
    #[serde(with = "crate::transport::stamp")]
    pub created: SystemTime,
    /// The holder of its lease.
    pub holder: Option<String>,
    /// Whether it was ever leased, that is, its plan is complete and confirmed.
    pub started: bool,
}

/// The lease of a job.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Resolution {
    /// Replayed or purged.
    Done,
    /// Another process resolved it.
    Gone,
    /// It stays a dead letter.
    Failed {
        /// Why.
        reason: String,
    },
    /// The outcome is unknown.
    Ambiguous {
        /// Why.
        reason: String,
    },
}
