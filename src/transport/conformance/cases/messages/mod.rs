//! Messages: publishing, the bytes of a message, and reading without a group.

pub mod bytes;
pub mod looking;
pub mod publish;
pub mod tail;
