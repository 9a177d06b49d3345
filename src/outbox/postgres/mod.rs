//! Outboxes in PostgreSQL.
//!
//! Everything works through a pooler in transaction mode: no prepared statement outlives its transaction, no lock or setting
//! belongs to a session, and the lease of a relay is a row.

mod client;
mod doctor;
mod enqueue;
mod error;
mod inbox;
mod operate;
mod rights;
mod schema;
mod sql;
mod table;
mod tls;

pub use self::{
    enqueue::{enqueue, enqueue_all, enqueue_prepared, prepare},
    inbox::enter,
};
pub(super) use self::{inbox::PostgresInbox, table::PostgresTable};
