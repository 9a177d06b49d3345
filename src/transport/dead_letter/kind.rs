//! Why a message was dead-lettered.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a message was dead-lettered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterKind {
    /// It is not a CloudEvent, or the filter of the consumer failed on it.
    Decode,
    /// The handler reported that it can never succeed.
    Permanent,
    /// It failed as often as the retry policy allows.
    Exhausted,
    /// A consumer terminated it at the broker.
    Terminated,
    /// It crashed its consumers too often.
    Crashed,
    /// Its run began and was never settled, under a consumer that handles each event at most once.
    Unknown,
    /// Its `expirytime` had passed.
    Expired,
}

impl DeadLetterKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Decode,
        Self::Permanent,
        Self::Exhausted,
        Self::Terminated,
        Self::Crashed,
        Self::Unknown,
        Self::Expired,
    ];

    /// Returns the word used in records and flags.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Permanent => "permanent",
            Self::Exhausted => "exhausted",
            Self::Terminated => "terminated",
            Self::Crashed => "crashed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
        }
    }

    /// Reports whether the last run is counted as an attempt.
    #[must_use]
    pub fn counts_last_run(self) -> bool {
        matches!(self, Self::Permanent | Self::Exhausted)
    }
}

impl fmt::Display for DeadLetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeadLetterKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("unknown kind `{text}`"))
    }
}
