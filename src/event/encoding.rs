//! How events are stored: layout, header names and attribute names.

/// How an event is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One JSON object.
    #[default]
    Structured,
    /// Attributes as headers.
    Binary,
    /// One protobuf message (`application/cloudevents+protobuf`), `io.cloudevents.v1.CloudEvent` of the specification's
    /// `cloudevents.proto`.
    ///
    /// JSON and text are its `text_data`; data with `datacontenttype` `application/protobuf` and a `dataschema` are its
    /// `proto_data`, other bytes its `binary_data`. A `time` is stored in UTC.
    Protobuf,
    /// As hexa-event writes it, with the attributes in further headers, `ce_id` and so on.
    ///
    /// `correlationid`, `replyto`, `hexalocale` and `hexauser` are hexa-event's own headers. It requires them, so that an
    /// event without them is written with its id as correlation id, no reply channel, an empty locale, and the guest as
    /// user. The user is not signed: any publisher can claim to be anyone. Data must be JSON or protobuf
    /// (`application/protobuf`); an event without data has the payload `null`.
    Hexa,
}

impl Mode {
    /// Every mode.
    pub const ALL: &[Self] = &[Self::Structured, Self::Binary, Self::Protobuf, Self::Hexa];

    /// Returns its name in URLs and flags.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Structured => "structured",
            Self::Binary => "binary",
            Self::Protobuf => "protobuf",
            Self::Hexa => "hexa",
        }
    }
}

/// The binding, by which binary mode names headers, and which layout hexa-event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `ce_id`, as in the Kafka binding.
    #[default]
    Kafka,
    /// `ce-id`, percent-encoded, as in the NATS binding.
    Nats,
    /// `ce_id`, as properties of Pulsar; differs from Kafka in hexa-event's form alone.
    Pulsar,
}

/// The names of attributes that CloudEvents does not define, in events that are stored and in those that handlers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// `correlationid`, `traceparent`, `pfattempt`: every SDK reads them.
    #[default]
    CloudEvents,
    /// `pf_correlation_id`, `pf_attempt` and so on, for topics shared with the Go library, or handlers written for it.
    Protoflow,
}

/// How events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoding {
    /// Layout.
    pub mode: Mode,
    /// The binding.
    pub dialect: Dialect,
    /// Attribute names.
    pub naming: Naming,
}
