//! The dead letters of a job: read, checked, acknowledged and deleted.

pub(crate) mod ack_origin;
pub(crate) mod load;
pub(crate) mod retention_guard;
