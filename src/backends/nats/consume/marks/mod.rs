//! Marks of handled events: how they are stored, and which of them still hold.

pub(crate) mod begun;
pub(crate) mod store;
