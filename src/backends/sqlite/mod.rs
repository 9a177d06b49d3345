//! `sqlite:`, the embedded store: one SQLite file that any number of processes of a machine share.
//!
//! SQLite has one writer at a time and lets readers go on beside it (write-ahead log). One thread per open store
//! therefore writes: it gathers what its callers ask for and commits it together, because a durable commit costs an
//! fsync however much is in it. Readers use connections of their own and never wait for it. Whatever must not come
//! apart is one transaction: a dead letter and its settlement, a replay and the removal of its dead letter.
//!
//! A group has a cursor per topic, and rows only for exceptions: `held` (in flight, under a lease), `waiting`
//! (retries, and messages that the cursor passed without delivering them). A group that keeps up costs nothing to
//! publish to. Each consumer holds the lock of a file beside the store. The kernel releases that lock when the
//! process dies, however it dies, so that the next consumer takes over at once instead of after a lease.
//!
//! The file may be moved, restored or replaced while it is open; SQLite does not notice, and would go on writing to a
//! file that nobody finds. `connection/file` does, before a commit is confirmed.
//!
//! Reading creates a missing store only with `--create`; publishing and consuming always create it.

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
mod tail;
mod transport;

pub use self::{factory::SqliteFactory, transport::Sqlite};
