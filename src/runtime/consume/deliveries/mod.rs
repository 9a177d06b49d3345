//! Deliveries before their run: fetched, queued in order of key, held while nothing could be decoded.

pub(super) mod decode_check;
pub(super) mod fetch;
pub(super) mod queue;
