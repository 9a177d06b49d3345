//! Attributes of events: their names, values and rules, and how library users read and set them.

pub(in crate::event) mod draft;
pub(in crate::event) mod extension;
pub(crate) mod names;
pub(in crate::event) mod rules;
pub(in crate::event) mod value;
