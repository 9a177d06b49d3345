//! The log of triage: who changed which dead letters, when and why.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::{moment, name, parse, put, remove};
use crate::{
    runtime::triage::JobReport,
    transport::{JobId, Note, NoteName, Result as Answer, Transport},
};

const LOG: &str = "log";

/// The action of an entry that stands for a note that cannot be read.
const UNREADABLE: &str = "unreadable";

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was done.
    #[serde(with = "crate::transport::stamp")]
    pub time: SystemTime,
    /// Who did it, as the system knows the user.
    pub who: String,
    /// What was done: `replay`, `purge`, `edit`, `archive`, `restore`, `fixed`, `policy`, `cancel`, `import`.
    pub action: String,
    /// On what, as flags of the command.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub selection: String,
    /// Why, as the operator said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// The hash of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whether it was only begun: it was killed before it was noted that it was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begun: bool,
    /// What came of it; of a replay or purge that was killed, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JobReport>,
}

impl LogEntry {
    /// Creates an entry of now.
    #[must_use]
    pub fn new(who: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            time: SystemTime::now(),
            who: who.into(),
            action: action.into(),
            selection: String::new(),
            because: None,
            job: None,
            plan: None,
            begun: false,
            result: None,
        }
    }

    /// Returns the entry of a note that cannot be read, whose name says when it was made.
    fn unreadable(note: &NoteName) -> Self {
        let word = note.as_str().rsplit('.').next().unwrap_or_default();
        let time = Ulid::from_string(&word.to_uppercase()).map(|id| id.datetime());
        Self {
            time: time.unwrap_or(SystemTime::UNIX_EPOCH),
            selection: note.to_string(),
            ..Self::new("unknown", UNREADABLE)
        }
    }

    /// Reports whether it stands for a note that cannot be read, whose name is the selection.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.action == UNREADABLE
    }
}

/// Appends an entry; returns the name of its note.
pub(in crate::runtime::triage) async fn append(
    transport: &dyn Transport,
    entry: &LogEntry,
) -> Answer<NoteName> {
    let name = name(LOG).child(&moment());
    put(transport, &name, entry).await?;
    Ok(name)
}

/// Appends an entry about something that begins.
pub(in crate::runtime::triage) async fn begin(
    transport: &dyn Transport,
    entry: &LogEntry,
) -> Answer<NoteName> {
    let begun = LogEntry {
        begun: true,
        ..entry.clone()
    };
    append(transport, &begun).await
}

/// Replaces an entry, or removes it.
pub(in crate::runtime::triage) async fn replace(
    transport: &dyn Transport,
    note: &NoteName,
    entry: Option<&LogEntry>,
) -> Answer<()> {
    match entry {
        Some(entry) => put(transport, note, entry).await,
        None => remove(transport, note).await,
    }
}

/// Returns the entries, oldest first. A note that cannot be read is an entry that names it, and hides no other.
pub(in crate::runtime::triage) async fn entries(
    transport: &dyn Transport,
) -> Answer<Vec<LogEntry>> {
    let notes = transport
        .dead_letters()
        .notes(&name(LOG))
        .await?
        .into_iter();
    let entry = |note: Note| {
        let name = note.name.clone();
        let read = parse(transport.scheme(), note).map(|(_, entry)| entry);
        read.unwrap_or_else(|_| LogEntry::unreadable(&name))
    };
    Ok(notes.map(entry).collect())
}
