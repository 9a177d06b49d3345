//! Publishing messages, now or at a later time.

pub(crate) mod prepared;
pub(crate) mod publisher;
