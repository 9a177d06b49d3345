//! The error of bytes or attributes that are not a CloudEvent.

/// The reason why something is not a CloudEvent: the attribute and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The bytes are not JSON.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// JSON or headers, but not a CloudEvent.
    #[error("not a CloudEvent: {0}")]
    NotAnEvent(String),
    /// An attribute breaks a rule.
    #[error("attribute `{name}` {rule}")]
    Attribute {
        /// The attribute.
        name: String,
        /// The rule, worded to follow the name.
        rule: String,
    },
    /// The data cannot be represented.
    #[error("data {0}")]
    Data(String),
    /// A line is neither an event nor a record of one.
    #[error("not a record: {0}")]
    Record(String),
}

impl EventError {
    /// Names the attribute and the rule that it breaks.
    pub(super) fn attribute(name: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Attribute {
            name: name.into(),
            rule: rule.into(),
        }
    }
}
