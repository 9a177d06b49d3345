//! Errors of a service.

use std::time::Duration;

use crate::{
    backends::UrlError,
    event::{EventError, NameError},
    runtime::ConsumeError,
    transport::TransportError,
};

/// Error of a service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The event is not valid.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A topic, group or pattern is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The consumer stopped with an error.
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    /// The URL is not valid.
    #[error("`{text}` is not a valid URL")]
    Url {
        /// The text that was given.
        text: String,
        /// Why it is not valid.
        source: UrlError,
    },
    /// No group was given; there is no default.
    #[error("no group given: set one with `group`, on the service or the consumer")]
    NoGroup,
    /// No topic was given.
    #[error("no topic given")]
    NoTopic,
    /// No reply came in time.
    #[error("no reply within {}", humantime::format_duration(*.0))]
    NoReply(Duration),
    /// The request was given up by its consumer; the text is the kind of the dead letter and its reason.
    #[error("the request was not handled: {0}")]
    NotHandled(String),
    /// The delay ends after the latest time that can be represented.
    #[error("a delay of {} is too long", humantime::format_duration(*.0))]
    DelayTooLong(Duration),
}

impl ServiceError {
    /// Returns the error of a URL that cannot be parsed.
    pub(super) fn url(text: &str, source: UrlError) -> Self {
        Self::Url {
            text: text.to_owned(),
            source,
        }
    }
}
