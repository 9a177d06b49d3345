//! Topics, groups and patterns, checked once when they are parsed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The reason why a string is not a topic, group or pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}` {rule}")]
pub struct NameError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

fn check(what: &'static str, text: &str, wildcards: bool) -> Result<(), NameError> {
    let fail = |rule| {
        Err(NameError {
            what,
            text: text.to_owned(),
            rule,
        })
    };
    if text.is_empty() {
        return fail("is empty");
    }
    if text.len() > 249 {
        return fail("is longer than 249 bytes");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return fail("contains a space or a control character");
    }
    if text.split('.').any(str::is_empty) {
        return fail("has an empty token between dots");
    }
    if !wildcards && text.contains(['*', '>']) {
        return fail("contains a wildcard");
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Returns the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check($what, text, false)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = NameError;

            fn try_from(text: &str) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a stream of events: tokens separated by dots. Cheap to clone.
    Topic,
    "topic"
);
name!(
    /// The name of the consumers that share one position. Cheap to clone.
    Group,
    "group"
);
name!(
    /// The name of what a consumer does with an event. Copies of an event are recognised per action; by default it has the
    /// name of the group. Cheap to clone.
    Action,
    "action"
);

impl From<Group> for Action {
    fn from(group: Group) -> Self {
        Self(group.0)
    }
}

/// A pattern of topics: `*` matches one token; `**` and `>` at the end match one or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Returns the pattern that every topic matches.
    #[must_use]
    pub fn all() -> Self {
        Self {
            text: "**".to_owned(),
        }
    }

    /// Returns the pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the topic that it names, if it has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<Topic> {
        self.text.parse().ok()
    }

    /// Reports whether it matches the topic.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        let mut tokens = topic.as_str().split('.');
        for part in self.text.split('.') {
            match (part, tokens.next()) {
                ("**" | ">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (part, Some(token)) if part == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

impl FromStr for Pattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check("pattern", text, true)?;
        let fail = |rule| {
            Err(NameError {
                what: "pattern",
                text: text.to_owned(),
                rule,
            })
        };
        let last = text.split('.').count() - 1;
        for (index, token) in text.split('.').enumerate() {
            match token {
                "*" => {}
                "**" | ">" if index == last => {}
                "**" | ">" => return fail("has `**` or `>` before its last token"),
                token if token.contains(['*', '>']) => {
                    return fail("has a wildcard that is not a whole token");
                }
                _ => {}
            }
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl From<Topic> for Pattern {
    fn from(topic: Topic) -> Self {
        Self { text: topic.into() }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        pattern
            .parse::<Pattern>()
            .unwrap()
            .matches(&topic.parse().unwrap())
    }

    #[test]
    fn wildcards_stand_for_whole_tokens() {
        assert!(matches("order.*", "order.created"));
        assert!(!matches("order.*", "order"));
        assert!(!matches("order.*", "order.created.v2"));
        assert!(matches("order.**", "order.created.v2"));
        assert!(matches("order.>", "order.created"));
        assert!(!matches("order.>", "order"));
        assert!(matches("**", "order"));
        assert!(matches("*.created", "order.created"));
    }

    #[test]
    fn bad_names_say_which_rule() {
        let rule = |text: &str| text.parse::<Topic>().unwrap_err().to_string();
        assert_eq!(rule(""), "topic `` is empty");
        assert_eq!(rule("a..b"), "topic `a..b` has an empty token between dots");
        assert_eq!(rule("a.*"), "topic `a.*` contains a wildcard");
        assert!("a*.b".parse::<Pattern>().is_err());
        assert!("**.b".parse::<Pattern>().is_err());
    }
}
