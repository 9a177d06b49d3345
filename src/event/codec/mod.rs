//! Events as messages and back, in structured and in binary mode.

pub(in crate::event) mod binary;
pub(in crate::event) mod content;
pub(in crate::event) mod data;
pub(in crate::event) mod envelope;
pub(in crate::event) mod media;
pub(in crate::event) mod percent;
pub(in crate::event) mod read;
pub(in crate::event) mod sdk;
pub(in crate::event) mod structured;
