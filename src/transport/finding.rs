//! Findings of [`Transport::diagnose`](super::Transport::diagnose): what is well, what is wrong, and the command that fixes it.

use super::{ErrorKind, TransportError};

/// One result of a check of the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// A short name, stable over versions.
    pub name: String,
    /// How bad it is.
    pub level: FindingLevel,
    /// What was found.
    pub text: String,
    /// The command that fixes it.
    #[serde(rename = "mend")]
    pub fix: Option<String>,
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// As it should be.
    Ok,
    /// Harmless now; it will lose events or stop consumers in some situation.
    Warning,
    /// It loses events or stops consumers now.
    Problem,
}

impl Finding {
    /// Creates a finding without a fix.
    #[must_use]
    pub fn new(level: FindingLevel, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            level,
            text: text.into(),
            fix: None,
        }
    }

    /// Creates a finding of level [`FindingLevel::Ok`].
    #[must_use]
    pub fn ok(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Ok, name, text)
    }

    /// Creates a finding of level [`FindingLevel::Warning`].
    #[must_use]
    pub fn warning(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Warning, name, text)
    }

    /// Creates a finding of level [`FindingLevel::Problem`].
    #[must_use]
    pub fn problem(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Problem, name, text)
    }

    /// Adds the command that fixes it.
    #[must_use]
    pub fn fix(mut self, command: impl Into<String>) -> Self {
        self.fix = Some(command.into());
        self
    }

    /// Returns the error of a request to fix a finding that this transport does not have, or does not fix.
    #[must_use]
    pub fn unknown(transport: &'static str, name: &str) -> TransportError {
        let message = format!("there is no finding `{name}` that can be fixed from here");
        TransportError::new(transport, ErrorKind::NotFound, message)
    }
}
