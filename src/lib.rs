//! CloudEvents with retries, delays, dead letters and replay, the same way on every transport.
//!
//! [`mod@event`] is the vocabulary and [`transport`] the seam. [`backends`] and [`runtime`] both stand on
//! the seam and never see each other.

pub mod backends;
pub mod event;
mod failpoint;
pub mod mock;
pub mod runtime;
mod service;
pub mod transport;

pub use cloudevents::Event;

pub use self::{
    event::{EventExt, event},
    runtime::{HandlerError, RetryPolicy},
    service::{Consume, IntoPatterns, PublishData, Service, ServiceBuilder, ServiceError},
};
