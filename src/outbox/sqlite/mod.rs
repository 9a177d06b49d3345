//! Outboxes in SQLite: in the file of the user's own tables.
//!
//! The relay reads, publishes without a transaction, and then deletes, so that it never holds the file's one write lock while
//! it waits for the target. SQLite has one writer at a time, so identifiers commit in their order.

mod enqueue;
mod file;
mod inbox;
mod rows;
mod schema;
mod table;

pub use self::{enqueue::enqueue, inbox::enter};
pub(super) use self::{inbox::SqliteInbox, table::SqliteTable};
