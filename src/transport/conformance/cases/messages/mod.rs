//! Messages: publishing, the bytes of a message, and reading without a group.

pub(crate) mod bytes;
pub(crate) mod dedup;
pub(crate) mod looking;
pub(crate) mod publish;
pub(crate) mod receipts;
pub(crate) mod tail;
