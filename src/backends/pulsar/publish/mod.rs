//! Publishing: the partition of a message, and its way to a producer.

mod partition;
pub(crate) mod publisher;
