//! Consumer groups: sharing, order, attempts, retries, settlement and the end of a bounded group.

pub mod attempts;
pub mod groups;
pub mod handlers;
pub mod order;
pub mod retry;
pub mod settle;
pub mod until_end;
