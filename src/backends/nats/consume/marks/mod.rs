//! Marks of handled events: how they are stored, and which of them still hold.

pub(crate) mod begun;
mod log;
pub(crate) mod store;
mod value;
