//! CloudEvents and the messages that carry them: pure data, without I/O or transports.
//!
//! There are two representations, and no more. A [`Message`] is raw; publish, tail, dead-letter and replay move it, so
//! that bytes stay identical and a message that is not a CloudEvent stops nothing. A [`cloudevents::Event`] is what
//! handlers and library users get, decoded on demand by [`decode`] and encoded once by [`encode`]. An [`Envelope`]
//! borrows the attributes of a message for filters and tables, without building a tree.
//!
//! The SDK's own Kafka and NATS bindings are not used: they panic on null header values and do not know binary mode on
//! NATS.
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

pub(crate) mod attributes;
mod builder;
mod codec;
mod encoding;
mod error;
mod grammar;
mod handling;
mod json;
mod message;
#[cfg(feature = "protobuf")]
pub mod protobuf;
mod record;
mod time;
mod topic;
mod trace;
mod validate;

#[cfg(any(feature = "nats", feature = "kafka", feature = "pulsar"))]
pub(crate) use self::codec::hexa::{
    ROOT_ACTION as HEXA_ROOT_ACTION, ROOT_ID as HEXA_ROOT_ID,
    read::split_root_id as split_hexa_root_id,
};
pub use self::{
    attributes::{extension::EventExt, names::is_bookkeeping},
    builder::{EventBuilder, event, new_id},
    codec::{
        data::Data,
        envelope::{Envelope, Form},
        hexa::identity::identified,
        media::is_json as is_json_type,
        sdk::{decode, encode},
        structured::write_event,
    },
    encoding::{Dialect, Encoding, Mode, Naming},
    error::EventError,
    handling::{
        emitted::{Emission, complete_emitted},
        hand_over::{HandOver, hand_over, hand_over_envelope, hand_over_event},
        handling_key::{HandlingKey, InvalidHandlingKey},
        identity::DedupKey,
        plain::{wrap_plain, wrap_tombstone},
    },
    json::walk::without_byte_order_mark,
    message::{Headers, Message, Position, Stored},
    record::{
        read::{parse_record, parse_record_as, parse_record_to},
        write::{Record, write_record, write_record_seen},
    },
    time::{
        format_time, from_unix_millis, from_unix_nanos, parse_time, unix_millis, unix_nanos,
        write_time,
    },
    topic::{Action, Group, NameError, Pattern, Topic},
    trace::TraceParent,
    validate::validate,
};
pub(crate) use self::{
    codec::{binary::is_event_header, hexa::identity::add_root as add_hexa_root},
    handling::emitted::response_id,
    record::write::write_event_of,
    time::exact_time,
};
