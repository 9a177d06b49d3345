//! Publishing: the partition of a message, and its way to a producer.

pub(crate) mod partition;
pub(crate) mod publisher;
