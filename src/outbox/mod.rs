//! The transactional outbox: events that are stored in the transaction of the change they report, and published afterwards.
//!
//! A service that updates its database and then publishes can crash in between, and one that publishes first can roll back.
//! Here the event is a row of the table `pf_outbox`, inserted in the same transaction ([`Entry`], or the SQL function
//! `pf_emit`), and a relay ([`Relay`], `pf outbox relay`) publishes what was committed.
//!
//! | to find out | open |
//! |---|---|
//! | the tables, and what a writer and a relay may do | `postgres/schema.rs`, `sqlite/schema.rs` |
//! | what a relay asks of a database | `table.rs` |
//! | who relays, and why a slow one cannot do harm | `relay/leader.rs`, by the lease and its fencing number |
//! | why nothing is lost between identifiers and commits | `relay/floor.rs` |
//! | what happens to a row that the target refuses | `relay/blocked.rs` |
//! | why nothing is published twice | `relay/target.rs`, by the receipt in `receipt.rs` |
//!
//! Beside it is the inbox ([`Inbox`], `inbox.rs`), by which the effect of an event is made once.
//!
//! # Order
//!
//! Events of one key leave in the order of their identifiers. A sequence gives these out before the commit, so two
//! transactions that write for one key must not overlap: take the key's lock first (update the row that the event reports),
//! then insert the event. Inserting before taking the lock can swap events of that key; nothing is lost.

mod doctor;
mod entry;
mod inbox;
mod outbox_handle;
mod receipt;
mod relay;
mod row;
mod table;

#[cfg(feature = "outbox-postgres")]
pub mod postgres;
#[cfg(feature = "outbox-sqlite")]
pub mod sqlite;

pub use self::{
    entry::Entry,
    inbox::Inbox,
    outbox_handle::Outbox,
    relay::{Relay, RelayNotice, RelayObserver, RelayOptions, RelaySummary},
    row::{OutboxRow, OutboxStatus, RelayStatus, RowFilter, RowState, VacuumBlocker},
};

/// The version of the tables that this program reads and writes.
const VERSION: i64 = 1;
