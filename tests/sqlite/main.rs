//! The embedded store: what must hold when processes die, files are not what they should be, and several
//! consumers share a group.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod child;
mod dead_letters;
mod faults;
mod files;
mod group;
mod keeping;
mod links;
mod processes;
mod replaced_file;
mod replaced_file_readers;
mod store;
