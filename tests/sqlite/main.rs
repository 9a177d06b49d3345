//! The embedded store: what must hold when processes die, files are not what they should be, and several
//! consumers share a group.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod child;
mod faults;
mod files;
mod group;
mod keeping;
mod letters;
mod links;
mod moved;
mod moved_readers;
mod processes;
mod store;
