//! The cases, by what they are about.

pub mod consume;
pub mod delay;
pub mod doctor;
pub mod messages;
pub mod triage;
