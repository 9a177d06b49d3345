//! A group's durable consumer.

pub(crate) mod durable;
pub(crate) mod recreated;
pub(crate) mod settings;
pub(crate) mod watch;
