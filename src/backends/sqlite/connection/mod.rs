//! The open store: its URL, files and tables, the one writer, and the readers beside it.

pub(crate) mod change_notifier;
pub(crate) mod config;
pub(crate) mod file;
pub(crate) mod liveness;
pub(crate) mod log;
pub(crate) mod marks;
pub(crate) mod reader;
pub(crate) mod retention;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod topics;
pub(crate) mod write;
