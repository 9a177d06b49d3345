//! Pulsar's binary protocol, as far as it is spoken here: its messages and their framing.
//!
//! The format is that of `PulsarApi.proto` and of the page "Pulsar binary protocol specification" of its documentation. The
//! messages are written down here, so that a build needs no `protoc`; fields that are neither read nor written are left out.

#[expect(clippy::struct_field_names, reason = "the names of the protocol")]
mod answers;
mod command;
mod frame;
mod metadata;
mod requests;

pub(crate) use self::{answers::*, command::*, frame::*, metadata::*, requests::*};
