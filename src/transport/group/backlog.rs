//! What a group has not finished, as operators watch it.

use std::time::SystemTime;

use crate::event::Topic;

/// Messages that a group has not finished: waiting to be delivered, or in flight to any of its members. The numbers are those of
/// the group, so that every member returns the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The topic; `None` where the store counts all topics of a group together.
    pub topic: Option<Topic>,
    /// Number of messages. Those that wait for a retry count where the store keeps them with the others.
    pub messages: u64,
    /// When the oldest of them was stored; `None` if there is none, or the store does not tell.
    pub oldest: Option<SystemTime>,
}
