//! Delayed events: messages in their topic that the broker holds back. Its index of them is its own: they are listed by reading
//! what groups have not acknowledged.
//!
//! To cancel one is to acknowledge it for each subscription that there is. Those that begin after that learn of it from
//! `pf.cancelled`. It is noted there in the middle: a subscription that is created meanwhile is either found by a second look or
//! reads the note. Subscriptions that other clients create afterwards do not know of it.

pub(crate) mod cancellations;
mod pending;
pub(crate) mod reschedule;
pub(crate) mod scan;
mod withdraw;
