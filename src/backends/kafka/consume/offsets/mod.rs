//! Where reading starts, and which offsets are committed.

pub(crate) mod backlog;
pub(crate) mod commit;
pub(crate) mod commit_metadata;
pub(crate) mod held_elsewhere;
pub(crate) mod new_group;
pub(crate) mod offset_tracker;
pub(crate) mod resume;
pub(crate) mod start_offset;
