//! The backends, and the registry that finds them by URL scheme.
//!
//! Every backend has the same rooms, as files or folders, so that knowing one is knowing all. A room imports only rooms of a
//! lower number; `tests/floors` holds it to that. `codec`, `connection`, `read` and `doctor` are there where they are needed;
//! `memory` alone has a `store` in place of a `connection`.
//!
//! | # | room | holds |
//! |---|---|---|
//! | 1 | `error` | driver errors and server answers as `TransportError` |
//! | 2 | `codec` | how a message is stored: records, headers, rows, timestamps; no client, no connection |
//! | 3 | `connection` | configuration, clients, names of topics and streams, admin calls, schema, transactions |
//! | 4 | `read` | reading without a group: ordered readers, single records, gaps |
//! | 5 | `delay` | delayed events: storing, listing, cancelling, firing |
//! | 5 | `dead_letter` | dead letters: storing, decoding, listing, counting, importing, and which are resolved |
//! | 6 | `tail` | `Transport::tail` |
//! | 6 | `publish` | `Transport::publish` |
//! | 7 | `consume` | `Transport::subscribe`: membership, deliveries in flight, leases, settlement, commits |
//! | 8 | `doctor` | `Transport::diagnose` and `Transport::fix` |
//! | 8 | `job` | replay and purge: plan, lease, journal, one step |
//! | 9 | `capabilities` | what is native, emulated or absent |
//! | 10 | `transport` | `Transport`, `DeadLetters` and `Schedules`, by delegation only, in at most 220 lines |
//! | 11 | `factory` | `Factory`: from a URL to a transport |
//!
//! `mod.rs` of a backend says how the broker is used and why.
//!
//! | to find out | open |
//! |---|---|
//! | where a Kafka offset is committed | a group's: `kafka/consume/offsets/commit.rs`; that of a delay dispatcher, in the transaction that delivers: `kafka/delay/firing.rs` |
//! | where a NATS retry gets its delay | `nats/consume/settle.rs` (`retry_later`), and again `nats/consume/receive.rs` (`buffer`) if the message comes early; `nats/consume/attempts.rs` keeps its due time |
//! | how a letter of another program gets its id | `kafka/dead_letter/foreign/`, `nats/dead_letter/foreign.rs`, by its own position |
//! | how a due event is delivered on Kafka | `kafka/delay/firing.rs` |
//! | what makes a replay exactly once | `job/advance.rs` of Kafka and NATS, `job/lifecycle.rs` of SQLite, `job.rs` of `memory` |
//! | which URL parameters exist | `connection/config.rs` of the backend (`factory.rs` of `memory`); `url_options.rs` has the common ones |
//!
//! # A new backend
//!
//! 1. Implement [`Transport`](crate::transport::Transport), [`DeadLetters`](crate::transport::DeadLetters) and
//!    [`Schedules`](crate::transport::Schedules). `memory/` is the shortest example.
//! 2. Implement [`Factory`] and register it. Outside of this crate: with [`Registry::with`], handed over by
//!    [`ServiceBuilder::registry`](crate::ServiceBuilder::registry); `pf` does not see it. Inside: `pub mod` and the `cfg`s
//!    here and in `transport/`, `FEATURES` and `builtin` in `registry.rs`, and in `Cargo.toml` a feature named after the
//!    scheme, which joins `full`.
//! 3. Make a test of each case of the conformance suite, against the real broker (`transport::conformance`, feature
//!    `conformance`). What the broker cannot do is stated by its [`Capabilities`](crate::transport::Capabilities); the suite
//!    then checks that it is refused.

#[cfg_attr(
    not(all(
        feature = "sqlite",
        feature = "nats",
        feature = "kafka",
        feature = "pulsar"
    )),
    allow(
        dead_code,
        reason = "each backend uses a part of it; all together use the whole"
    )
)]
mod delivery_buffer;
mod factory;
#[cfg(any(
    feature = "sqlite",
    feature = "nats",
    feature = "kafka",
    feature = "pulsar"
))]
mod fnv;
#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
mod foreign;
#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
mod foreign_letter;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(any(feature = "kafka", feature = "pulsar"))]
mod letter_ids;
mod mark_index;
pub mod memory;
#[cfg(feature = "nats")]
pub mod nats;
mod path_error;
#[cfg(feature = "pulsar")]
pub mod pulsar;
mod registry;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(
    feature = "sqlite",
    feature = "nats",
    feature = "kafka",
    feature = "pulsar"
))]
mod store_options;
mod url;
mod url_options;

#[cfg(feature = "nats")]
pub use self::store_options::NatsOptions;
#[cfg(feature = "kafka")]
pub use self::store_options::{GroupProtocol, KafkaOptions};
#[cfg(feature = "pulsar")]
pub use self::store_options::{PulsarOptions, SubscriptionType};
#[cfg(feature = "sqlite")]
pub use self::store_options::{SqliteOptions, Synchronous};
pub use self::{
    factory::{Factory, OpenOptions},
    path_error::explain_path,
    registry::Registry,
    url::{UrlError, parse_url},
};
