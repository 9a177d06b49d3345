//! One error type for every transport: a stable kind, what happened, what to do, and the driver's own
//! error as source.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

use crate::event::Position;

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

/// The result of an operation on a transport.
pub type Result<T, E = TransportError> = std::result::Result<T, E>;

/// A failed transport operation.
///
/// Its clones share the driver's error: one failure often ends several publishes or settlements.
#[derive(Debug, Clone)]
pub struct TransportError {
    transport: &'static str,
    kind: ErrorKind,
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.transport.is_empty() {
            write!(f, "{}: ", self.transport)?;
        }
        f.write_str(&self.message)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
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

    /// Returns the error of a message for which a transport returned no result: silence is not a confirmation.
    pub(crate) fn unanswered(transport: &'static str) -> Self {
        let text = "outcome unknown: the transport returned no result";
        Self::new(transport, ErrorKind::Ambiguous, text)
    }

    /// Returns the error of a delivery whose lease expired, or whose partition moved, before it was settled.
    #[must_use]
    pub fn lease_lost(transport: &'static str, position: &Position) -> Self {
        let text = format!("the delivery at {position} is leased to another consumer by now");
        Self::new(transport, ErrorKind::Lost, text)
    }

    /// Replaces the message; kind, hint and source stay.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
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
        self.source = Some(Arc::from(source.into()));
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
