//! CloudEvents with retries, delays, dead letters and replay, the same way on every transport.
//!
//! [`Service`] is the entry point: it publishes and consumes events, and gives access to schedules and dead letters.
//! [`mock`] is a transport for the tests of a service.
//!
//! ```
//! use protoflow::{Event, Service};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = Service::builder().group("payments").connect("memory:").await?;
//! service.publish_data("order.created", "shop", &serde_json::json!({"total": 12})).await?;
//! service
//!     .consume("order.created", |event: Event| async move {
//!         println!("{event}");
//!         Ok(())
//!     })
//!     .until_end()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! | module | holds | imports |
//! |---|---|---|
//! | [`mod@event`] | events, raw messages, topics and patterns | |
//! | [`transport`] | the traits that a backend implements, and their vocabulary | `event` |
//! | [`backends`] | one module per store, and the registry that finds them by URL scheme | `event`, `transport` |
//! | [`runtime`] | the consume loop, retry policy, publishing, triage of dead letters | `event`, `transport` |
//! | [`Service`] | the parts above behind one type | all |
//! | `outbox` | events stored in the user's own transaction, and the relay that publishes them | `event`, `transport` |
//!
//! `backends` and `runtime` never import each other, so a backend needs `transport` only, and every policy works on every
//! store. Use `runtime` for more control than a service offers.
//!
//! In the source, the life of an event is in these places:
//!
//! | what happens | where |
//! |---|---|
//! | the exit status of a command becomes an outcome | `bin/pf/handler/contract/verdict.rs` (`default_action`); of a worker that exits, `bin/pf/handler/worker.rs` (`judge_fault`) |
//! | an outcome becomes a retry or a dead letter | `runtime/consume/run/verdict.rs`; the delay is chosen by `runtime/retry.rs` |
//! | a dead letter gets its record and id | `transport/dead_letter/letter.rs` (`DeadLetter::of`), by `id.rs` |
//! | a backend makes the verdict true | its `consume/settle.rs` (`consume.rs` of `memory`) |
//! | a tail ends (`--until`, `--count`) | `bin/pf/commands/tail/reader.rs`, by the limits in `limits.rs` |
//! | `--since` and `--until` of `pf dlq` | `transport/dead_letter/selection.rs` (`Selection::matches`) |
//!
//! # Features
//!
//! | feature | adds | compiles |
//! |---|---|---|
//! | `sqlite` (default) | `sqlite:` URLs, the embedded store | SQLite |
//! | `nats` | `nats:` and `tls:` URLs, NATS JetStream | |
//! | `kafka` | `kafka:` URLs, Apache Kafka | librdkafka, linked to the system's OpenSSL |
//! | `pulsar` | `pulsar:` and `pulsar+ssl:` URLs, Apache Pulsar | zstd |
//! | `outbox-sqlite` | `outbox`, transactional outboxes in the user's SQLite database | SQLite |
//! | `outbox-postgres` | `outbox`, transactional outboxes in the user's PostgreSQL database | |
//! | `protobuf` | [`event::protobuf`] and [`runtime::Protobuf`], data in protobuf | |
//! | `otel` | W3C trace context: spans in the events that they publish; `pf` sends spans to an OTLP endpoint | |
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
#[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
pub mod outbox;
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
    service::{
        Consume, IntoPatterns, PublishData, Service, ServiceBuilder, ServiceError, ServiceRequest,
    },
};
