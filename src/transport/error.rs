//! One error type for every transport: a stable kind, what happened, what to do, and the driver's own
//! error as source.

use std::{borrow::Cow, error::Error as StdError, fmt};

type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong, in terms a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No server answered, or the connection was lost.
    Unavailable,
    /// The server does not let us.
    Denied,
    /// A topic, stream, letter or schedule does not exist.
    NotFound,
    /// The message or request is not acceptable as it is.
    Invalid,
    /// The message is larger than the transport takes.
    TooLarge,
    /// The store is full: disk, quota or limit.
    Full,
    /// This transport, or this server, cannot do what was asked.
    Unsupported,
    /// What exists contradicts what was asked, or the URL is wrong.
    Configuration,
    /// Somebody else holds the lease.
    Held,
    /// The delivery is no longer ours; it will be, or was, handed to another consumer.
    Lost,
    /// It may have happened or not.
    Ambiguous,
    /// Messages that should have been read are gone.
    Gap,
    /// Nothing failed, but the user should know; the same call goes on where it was.
    Warning,
    /// The store is damaged, or not ours.
    Corrupt,
    /// Anything else.
    Other,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "unavailable",
            Self::Denied => "permission denied",
            Self::NotFound => "not found",
            Self::Invalid => "invalid",
            Self::TooLarge => "too large",
            Self::Full => "store is full",
            Self::Unsupported => "not supported",
            Self::Configuration => "configuration does not fit",
            Self::Held => "held by somebody else",
            Self::Lost => "delivery lost",
            Self::Ambiguous => "outcome unknown",
            Self::Gap => "messages are gone",
            Self::Warning => "warning",
            Self::Corrupt => "store is damaged",
            Self::Other => "failed",
        })
    }
}

/// A failed transport operation.
#[derive(Debug, thiserror::Error)]
#[error("{transport}{}{message}", if transport.is_empty() { "" } else { ": " })]
pub struct TransportError {
    transport: &'static str,
    kind: ErrorKind,
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    source: Option<BoxError>,
}

impl TransportError {
    /// Creates an error: a lower-case fragment that says what is wrong, without a period.
    ///
    /// `transport` is the scheme, shown in front; empty where no transport has been chosen yet.
    #[must_use]
    pub fn new(
        transport: &'static str,
        kind: ErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            transport,
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Says that a transport gave no result for one of several things: silence is no confirmation.
    pub(crate) fn unanswered(transport: &'static str) -> Self {
        let text = "the transport did not say what became of this";
        Self::new(transport, ErrorKind::Ambiguous, text)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Attaches the driver's own error.
    #[must_use]
    pub fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the category to match on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns what is wrong, without the scheme.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the scheme of the transport that failed; empty if none had been chosen.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        self.transport
    }

    /// Reports whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}
