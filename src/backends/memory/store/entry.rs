//! A stored message, shared by the log and the groups.

use crate::{event::Stored, transport::Lineage};

/// A stored message.
#[derive(Debug)]
pub(in crate::backends::memory) struct Entry {
    pub(in crate::backends::memory) stored: Stored,
    pub(in crate::backends::memory) lineage: Option<Box<Lineage>>,
}
