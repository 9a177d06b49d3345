//! Consumer groups: sharing, order, attempts, retries, settlement and the end of a bounded group.

pub(crate) mod attempts;
pub(crate) mod backlog;
pub(crate) mod groups;
pub(crate) mod handlers;
pub(crate) mod marks;
pub(crate) mod order;
pub(crate) mod retry;
pub(crate) mod settle;
pub(crate) mod until_end;
