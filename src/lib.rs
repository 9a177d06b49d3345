//! CloudEvents with retries, delays, dead letters and replay, the same way on every transport.
//!
//! [`Service`] is the front door: publish, consume, look after dead letters. [`mock`] is for tests of what is
//! built on it.
//!
//! Behind it, [`mod@event`] is the vocabulary and [`transport`] the seam. [`backends`] and [`runtime`] both stand
//! on the seam and never see each other: whoever writes a backend needs `transport`, whoever wants more say than
//! a service gives needs `runtime`.
//!
//! # Features
//!
//! | feature | adds | compiles |
//! |---|---|---|
//! | `sqlite` (default) | `sqlite:` URLs, the embedded store | SQLite |
//! | `nats` | `nats:` and `tls:` URLs, NATS JetStream | |
//! | `kafka` | `kafka:` URLs, Apache Kafka | librdkafka, linked to the system's OpenSSL |
//! | `vendored-openssl` | nothing; for `kafka` where the system has no headers of OpenSSL | OpenSSL |
//! | `filter` | `runtime::Filter`, jq over records | |
//! | `cli` | the program `pf` | |
//! | `full` | all of the above but `vendored-openssl` | |
//! | `conformance` | `transport::conformance`, the tests that every transport must pass | |
//!
//! `memory:` URLs need no feature.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backends;
pub mod event;
mod failpoint;
mod lock;
pub mod mock;
pub mod runtime;
mod service;
pub mod transport;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use cloudevents::{self, Event};

pub use self::{
    event::{EventExt, event},
    runtime::{HandlerError, RetryPolicy},
    service::{Consume, IntoPatterns, PublishData, Service, ServiceBuilder, ServiceError},
};
