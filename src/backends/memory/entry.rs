//! A stored message, shared by the log and the groups.

use crate::{event::Stored, transport::Lineage};

/// A stored message.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stored: Stored,
    pub(super) lineage: Option<Box<Lineage>>,
}
