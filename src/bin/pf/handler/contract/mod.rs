//! The pure half of the handler contract: from an exit status, a reply or an error to a verdict.

pub mod failure;
pub mod on_exit;
pub mod reply;
pub mod verdict;
