//! The embedded store: one SQLite file shared by any number of processes on a machine.
//!
//! One thread per open store writes, and commits together what has gathered; readers have connections of
//! their own. Everything that must not come apart (a dead letter and its settlement, a replay and the end
//! of its letter) is one transaction. A consumer holds the lock of a file beside the store, so that its
//! death is noticed at once.
//!
//! Looks make a store that is not there only if they are asked to create it.

mod capabilities;
mod claim;
mod clock;
mod config;
mod connection;
mod connections;
mod consume;
mod dead_letters;
mod doctor;
mod error;
mod factory;
mod files;
mod headers;
mod jobs;
mod letter;
mod log;
mod member;
mod membership;
mod outlook;
mod page;
mod parting;
mod presence;
mod publish;
mod reader;
mod retention;
mod schedules;
mod schema;
mod selection;
mod session;
mod settle;
mod tail;
mod transport;
mod wake;
mod work;
mod worker;
mod writer;

pub use self::{factory::SqliteFactory, transport::Sqlite};
