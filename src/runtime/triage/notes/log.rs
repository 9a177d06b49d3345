//! The log of triage: who changed which dead letters, when and why.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{moment, name, put, read, remove};
use crate::{
    runtime::triage::JobReport,
    transport::{JobId, NoteName, Result as Answer, Transport},
};

const LOG: &str = "log";

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

/// Returns the entries, oldest first.
pub(in crate::runtime::triage) async fn entries(
    transport: &dyn Transport,
) -> Answer<Vec<LogEntry>> {
    let entries = read(transport, &name(LOG)).await?.into_iter();
    Ok(entries.map(|(_, entry)| entry).collect())
}
