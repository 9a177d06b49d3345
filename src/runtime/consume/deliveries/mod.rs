//! Deliveries that wait: requested from the store, queued in order of key, held because nothing could be decoded yet, or
//! copies of what is being handled.

pub(super) mod copies;
pub(super) mod decode_check;
pub(super) mod fetch;
pub(super) mod lookup;
pub(super) mod outlasted;
pub(super) mod queue;
