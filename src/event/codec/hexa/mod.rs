//! hexa-event's form of a message: its context, reply channel and encoder as headers, and the payload alone. On Kafka
//! these are a record's headers and value; on NATS and Pulsar they are one JSON object,
//! `{"header":{NAME:BASE64},"payload":BASE64}`.
//!
//! hexa-event has no id, type, source or time. What Protoflow writes in this form has them in further headers, `ce_id` and
//! so on, which hexa-event ignores. It leaves `ce_specversion` out, because other programs would take the message for
//! an event in binary mode.

pub(in crate::event) mod identity;
pub(in crate::event) mod read;
pub(in crate::event) mod write;

use crate::event::attributes::names::CORRELATION_ID;

/// The encoder of the payload, `json` or `protobuf`: the mark of this form.
pub(in crate::event) const ENCODER: &str = "_payload_encoder";
const CORRELATION: &str = "_ctx_correlation_id";
const LOCALE: &str = "_ctx_locale";
const USER: &str = "_ctx_user";
const REPLY: &str = "_reply_channel";

/// The header that hexa-event adds when a message fails for the first time: `<topic>-<partition>-<offset>`.
pub(crate) const ROOT_ID: &str = "HEXA_ROOT_EVENT_ID";
/// The header that names the consumer group of that first failure.
pub(crate) const ROOT_ACTION: &str = "HEXA_ROOT_EVENT_HANDLER_ACTION_NAME";

/// The members of an envelope.
const HEADER: &str = "header";
const PAYLOAD: &str = "payload";

/// The prefix of headers that hold attributes.
const ATTRIBUTE: &str = "ce_";
const JSON: &str = "json";
const PROTOBUF: &str = "protobuf";
const PROTOBUF_TYPE: &str = "application/protobuf";

/// The guest: the user of a message without one, as hexa-event writes it.
const GUEST: &str = concat!(
    r#"{"_user_email":"","_user_identifier":"_guest_id","_user_is_active":false,"_user_name":"_guest","#,
    r#""_user_phone":"","_user_roles":[],"_user_type":"_guest","_user_username":"_guest_username"}"#
);

/// An extension that is a header of hexa-event's own.
struct Context {
    extension: &'static str,
    header: &'static str,
    default: fn(&str) -> &str,
}

/// The extensions that are headers of hexa-event's own. Their defaults, made from the event's id, are what hexa-event
/// requires where an event says nothing.
const CONTEXT: [Context; 4] = [
    Context {
        extension: CORRELATION_ID,
        header: CORRELATION,
        default: |id| id,
    },
    Context {
        extension: "replyto",
        header: REPLY,
        default: |_| "",
    },
    Context {
        extension: "hexalocale",
        header: LOCALE,
        default: |_| "",
    },
    Context {
        extension: "hexauser",
        header: USER,
        default: |_| GUEST,
    },
];

/// Reports whether a header is one of this form.
pub(in crate::event) fn is_own_header(name: &str) -> bool {
    name == ENCODER || CONTEXT.iter().any(|one| one.header == name)
}
