//! Delayed events: when they are delivered, and how they are listed, cancelled and rescheduled.

pub mod delays;
pub mod schedules;
