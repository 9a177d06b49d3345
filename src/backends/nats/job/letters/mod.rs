//! The dead letters of a job: read ahead, checked, acknowledged at their origin, and deleted.

pub(super) mod ack_origin;
pub(super) mod cleanup;
pub(super) mod load;
pub(super) mod prefetch;
pub(super) mod retention_guard;
pub(super) mod stream_identities;
