//! The embedded store: one SQLite file shared by any number of processes on a machine.
//!
//! One thread per open store writes, and commits together what has gathered; readers have connections of
//! their own. Everything that must not come apart (a dead letter and its settlement, a replay and the end
//! of its letter) is one transaction. A consumer holds the lock of a file beside the store, so that its
//! death is noticed at once.
//!
//! Looks make a store that is not there only if they are asked to create it.

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
