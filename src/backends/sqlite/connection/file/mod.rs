//! The files of a store: opening them, and noticing that they were moved, replaced or removed while they were open.

pub(crate) mod access;
pub(crate) mod detach;
pub(crate) mod open;
pub(crate) mod open_connections;
pub(crate) mod open_files;
