//! Events as messages and back: structured as JSON or protobuf, in binary mode, and in hexa-event's form.

pub(in crate::event) mod binary;
pub(in crate::event) mod content;
pub(in crate::event) mod data;
pub(in crate::event) mod envelope;
pub(in crate::event) mod hexa;
pub(in crate::event) mod media;
pub(in crate::event) mod percent;
pub(in crate::event) mod protobuf;
pub(in crate::event) mod read;
pub(in crate::event) mod sdk;
pub(in crate::event) mod structured;
