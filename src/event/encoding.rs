//! How events are stored: layout, header names and attribute names.

/// How an event is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One JSON object.
    #[default]
    Structured,
    /// Attributes as headers.
    Binary,
}

/// The binding whose header names binary mode uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `ce_id`, as in the Kafka binding.
    #[default]
    Kafka,
    /// `ce-id`, percent-encoded, as in the NATS binding.
    Nats,
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
    /// Header names of binary mode.
    pub dialect: Dialect,
    /// Attribute names.
    pub naming: Naming,
}
