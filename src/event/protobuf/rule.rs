//! Which message the data of a topic are: `shop.v1.Order`, or `order.*=shop.v1.Order`.

use std::{fmt, str::FromStr};

use crate::event::{NameError, Pattern};

/// Names the message that the data of some topics are, as in `order.*=shop.v1.Order`. Without a pattern it is that of every
/// topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRule {
    /// The topics.
    pub topics: Pattern,
    /// The full name of the message.
    pub message: String,
}

impl FromStr for MessageRule {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (topics, message) = match text.rsplit_once('=') {
            Some((pattern, message)) => (pattern.parse()?, message),
            None => (Pattern::all(), text),
        };
        Ok(Self {
            topics,
            message: message.trim_start_matches('.').to_owned(),
        })
    }
}

impl fmt::Display for MessageRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.topics, self.message)
    }
}
