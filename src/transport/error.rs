//! The error of every transport: a stable kind, a message, a hint, and the driver's own error as source.

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

use crate::event::Position;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The category of an error, in terms that a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No server answered, or the connection was lost.
    Unavailable,
    /// Authentication failed, or permission was denied.
    Denied,
    /// A topic, stream, letter or schedule does not exist.
    NotFound,
    /// The message or request is not valid.
    Invalid,
    /// The message is larger than the transport accepts.
    TooLarge,
    /// The store is full: disk, quota or limit.
    Full,
    /// This transport, or this server, cannot do what was asked.
    Unsupported,
    /// The URL is wrong, or an existing topic, stream or consumer contradicts the request.
    Configuration,
    /// Another process holds the lease.
    Held,
    /// The delivery's lease is lost; another consumer gets it, or already got it.
    Lost,
    /// The outcome is unknown: neither confirmed nor refused.
    Ambiguous,
    /// Messages were removed before they were read.
    Gap,
    /// Nothing failed, but the user should know; repeating the call continues.
    Warning,
    /// The store is damaged, or is not a store.
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
            Self::Held => "held by another process",
            Self::Lost => "lease of the delivery lost",
            Self::Ambiguous => "outcome unknown",
            Self::Gap => "messages were removed",
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
    /// Creates an error. `message` is a lower-case fragment without a period; `transport` is the scheme shown in front of
    /// it, empty where no transport is chosen yet.
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
        let text = format!(
            "the lease of the delivery at {position} expired or its partition moved; another consumer gets it"
        );
        Self::new(transport, ErrorKind::Lost, text)
    }

    /// Returns the results of a batch of which every item failed by this error.
    #[cfg(any(
        feature = "sqlite",
        feature = "nats",
        feature = "kafka",
        feature = "pulsar"
    ))]
    pub(crate) fn for_each<T>(&self, count: usize) -> Vec<Result<T, Self>> {
        (0..count).map(|_| Err(self.clone())).collect()
    }

    /// Replaces the message; kind, hint and source stay.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// Sets the hint: what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the source: the driver's own error.
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

    /// Returns the message without the scheme.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the hint: what to do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the scheme of the transport that failed; empty if none had been chosen.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        self.transport
    }

    /// Reports whether a retry may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }
}
