//! Deliveries that wait: requested from the store, queued in order of key, or held because nothing could be decoded yet.

pub(super) mod decode_check;
pub(super) mod fetch;
pub(super) mod queue;
