//! A failed handler run, and the fingerprint by which failures are grouped.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The normalised failure by which dead letters are grouped, with the version of its algorithm in front (`1:…`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// Reports whether it begins with the text, with its version or without.
    #[must_use]
    pub fn begins_with(&self, text: &str) -> bool {
        let behind = self.0.split_once(':').map_or("", |(_, behind)| behind);
        self.0.starts_with(text) || behind.starts_with(text)
    }
}

/// How a handler run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class of error (`exit 1`, `signal 9`, `timeout`, `panic`, a Rust type).
    pub class: String,
    /// One line for people.
    pub message: String,
    /// More, truncated: the tail of stderr, a chain of causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long the run took.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::transport::stamp::seconds"
    )]
    pub duration: Option<Duration>,
    /// The fingerprint.
    pub fingerprint: Fingerprint,
}

impl Failure {
    /// Returns the failure of a message that crashed its consumers `times` times.
    #[must_use]
    pub fn crashed(times: u32) -> Self {
        Self {
            class: "crashed".to_owned(),
            message: format!("its consumers crashed {times} times while they handled it"),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:crashed".to_owned()),
        }
    }

    /// Returns the failure of an event whose earlier run began and was never settled.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            class: "unknown".to_owned(),
            message: "a run began and was never settled; what it did is unknown".to_owned(),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:unknown".to_owned()),
        }
    }
}
