//! Events on their way to a handler and from it.

pub(in crate::event) mod emitted;
pub(in crate::event) mod hand_over;
pub(in crate::event) mod plain;
