//! Publishing.

pub(super) mod publisher;
