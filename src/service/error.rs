//! Why a service call failed.

use std::time::Duration;

use crate::{
    event::{EventError, NameError},
    runtime::ConsumeError,
    transport::TransportError,
};

/// Why a service call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The event breaks a rule.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A topic, group or pattern is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The consumer had to stop.
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    /// The URL cannot be read.
    #[error("`{text}` is no URL")]
    Url {
        /// What was given.
        text: String,
        /// Why it is none.
        source: url::ParseError,
    },
    /// Nobody said for which group to consume, and none is guessed.
    #[error("no group to consume for: name one with `group`, on the service or the consumer")]
    NoGroup,
    /// There is nothing to consume.
    #[error("no topic to consume")]
    NoTopic,
    /// No clock reaches so far.
    #[error("a delay of {} is too long", humantime::format_duration(*.0))]
    DelayTooLong(Duration),
}
