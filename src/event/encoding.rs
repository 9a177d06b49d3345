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

/// Whose header names binary mode uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `ce_id`, as the Kafka binding has it.
    #[default]
    Kafka,
    /// `ce-id`, percent-encoded, as the NATS binding has it.
    Nats,
}

/// Whose names the attributes have that CloudEvents itself knows none for: of an event that is stored, and of one that is
/// handed to a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// `correlationid`, `traceparent`, `pfattempt`: every SDK reads them.
    #[default]
    CloudEvents,
    /// `pf_correlation_id`, `pf_attempt` and friends, for topics shared with the Go library, or handlers made for it.
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
