//! The cases, by what they are about.

pub(crate) mod consume;
pub(crate) mod delay;
pub(crate) mod doctor;
pub(crate) mod messages;
pub(crate) mod triage;
