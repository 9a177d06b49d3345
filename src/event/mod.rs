//! CloudEvents and the messages that carry them. Pure data: no I/O, no transports.
//!
//! There are two representations. A [`Message`] is raw and moves through everything that passes events on;
//! an [`Envelope`] borrows its attributes for filters and tables. A [`cloudevents::Event`] is what handlers
//! and library users see, decoded on demand by [`decode`] and encoded once by [`encode`].

mod builder;
mod envelope;
mod error;
mod extension;
mod hand_over;
mod message;
mod record;
mod topic;
mod wire;

pub use self::{
    builder::{EventBuilder, event, new_id},
    envelope::{Data, Envelope, Form},
    error::EventError,
    extension::EventExt,
    hand_over::{HandOver, hand_over},
    message::{Headers, Message, Position, Stored},
    record::{Record, parse_record, write_record},
    topic::{Group, NameError, Pattern, Topic},
    wire::{Dialect, Encoding, Mode, Naming, decode, encode, wrap_plain},
};
