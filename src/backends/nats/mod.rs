//! `nats:` and `tls:`, NATS `JetStream`: for services that run on several machines.
//!
//! One stream holds the topics of a URL, one subject each. Internal streams stand beside it: `<STREAM>_DLQ` holds dead
//! letters, `<STREAM>_PF` (the state stream) failed runs, positions and jobs, `<STREAM>_ADVISORIES` what other consumers
//! gave up. Only what has to be in the user's stream is in it (schedules, the journal of a replay), under subjects that no
//! consumer of topics reads.
//!
//! What the server does shapes the rest:
//!
//! - It counts deliveries, not attempts, and a message that was only returned was delivered too. A failed run is therefore
//!   recorded before its message is held back (`consume/attempts.rs`).
//! - It tells a pull consumer nothing about messages that limits or purges removed, nor about a stream or a consumer that
//!   was deleted and created again. Both are checked while a group reads (`consume/consumer/watch.rs`, `read/gap.rs`).
//! - It confirms messages that it drops: without a consumer under interest retention, or larger than `max_bytes`
//!   (`connection/stream/retention.rs`).
//! - Denied requests get no answer; the denial arrives on the connection (`connection/permissions.rs`).
//! - While a leader is elected, a stream looks like one that does not exist (`connection/retry.rs`,
//!   `connection/stream/coverage.rs`), and a replica may lack messages that were confirmed, so the end of a bounded read
//!   is asked of the leader (`connection/direct_get.rs`).
//! - An atomic batch commits events and a record in one step, which makes a replay exactly once (`job/journal.rs`).
//!
//! The ordered consumer of the client is not used: it starts over after a restart of the server. Nor is its delete, which
//! overwrites bytes and is about a thousand times slower than it has to be.

mod capabilities;
mod codec;
mod connection;
mod consume;
mod dead_letter;
mod delay;
mod doctor;
mod error;
mod factory;
mod job;
mod publish;
mod read;
mod tail;
mod transport;

pub use self::factory::NatsFactory;
