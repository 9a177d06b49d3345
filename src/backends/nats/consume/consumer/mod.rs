//! The durable consumer of a group: found or created, checked, and watched while the group reads.

pub(crate) mod durable;
pub(crate) mod lost_retries;
pub(crate) mod recreated;
pub(crate) mod settings;
pub(crate) mod watch;
