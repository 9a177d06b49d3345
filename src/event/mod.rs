//! CloudEvents and the messages that carry them. Pure data: no I/O, no transports.
//!
//! There are two representations. A [`Message`] is raw and moves through everything that passes events on;
//! an [`Envelope`] borrows its attributes for filters and tables. A [`cloudevents::Event`] is what handlers
//! and library users see, decoded on demand by [`decode`] and encoded once by [`encode`].
//!
//! ```
//! use protoflow::event::{Encoding, Envelope, decode, encode, event};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let order = event("order.created", "//shop/web")
//!     .data(&[1, 2])?
//!     .subject("order-7")
//!     .correlation_id("req-1")
//!     .build()?;
//! let message = encode(&order, "order.created".parse()?, Encoding::default())?;
//! let envelope = Envelope::read(&message)?;
//! assert_eq!(envelope.correlation_id().as_deref(), Some("req-1"));
//! assert_eq!(decode(&message)?.data(), order.data());
//! # Ok(())
//! # }
//! ```

mod binary;
mod builder;
mod content;
mod draft;
mod emit;
mod envelope;
mod error;
mod extension;
mod grammar;
mod hand_over;
mod json;
mod line;
mod media;
mod message;
pub(crate) mod names;
mod percent;
mod plain;
mod record;
mod rules;
mod scan;
mod scanner;
mod structured;
mod time;
mod topic;
mod trace;
mod wire;

pub(crate) use self::time::exact_time;
pub use self::{
    builder::{EventBuilder, event, new_id},
    emit::{Emission, complete_emitted},
    envelope::{Data, Envelope, Form},
    error::EventError,
    extension::EventExt,
    hand_over::{HandOver, hand_over, hand_over_envelope, hand_over_event},
    line::{parse_record, parse_record_as},
    media::is_json as is_json_type,
    message::{Headers, Message, Position, Stored},
    names::is_bookkeeping,
    plain::wrap_plain,
    record::{Record, write_record},
    rules::validate,
    structured::write_event,
    time::{
        format_time, from_unix_millis, from_unix_nanos, parse_time, unix_millis, unix_nanos,
        write_time,
    },
    topic::{Group, NameError, Pattern, Topic},
    trace::TraceParent,
    wire::{Dialect, Encoding, Mode, Naming, decode, encode},
};
