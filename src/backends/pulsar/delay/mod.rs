//! Delayed events: messages in their topic that the broker holds back. Its index of them is its own: they are listed by reading
//! what groups have not acknowledged.
//!
//! To cancel one is to acknowledge it for each subscription that there is. Those that come later learn of it from
//! `pf.cancelled`, where it was noted first: a subscription that is created meanwhile is either listed or reads the note.
//! Subscriptions that other clients create later do not know of it.

pub(crate) mod cancellations;
mod pending;
pub(crate) mod reschedule;
pub(crate) mod scan;
mod withdraw;
