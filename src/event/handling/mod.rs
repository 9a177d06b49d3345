//! Events handed to a handler, and those that it emits.

pub(in crate::event) mod emitted;
pub(in crate::event) mod hand_over;
pub(in crate::event) mod handling_key;
pub(in crate::event) mod identity;
pub(in crate::event) mod plain;
