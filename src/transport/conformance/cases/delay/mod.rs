//! Delayed events: when they are delivered, and how they are listed, cancelled and rescheduled.

pub(crate) mod delays;
pub(crate) mod schedules;
