//! Notes: small records that triage keeps in the store, beside the dead letters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The longest name of a note, in bytes.
const MAX_NAME: usize = 200;

/// The name of a note: words of lower-case letters, digits, `-` and `_`, joined by dots, such as `log.01k3v7q2`.
///
/// Every broker can store such a name as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct NoteName(String);

/// The error of a name that is not one of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a note is words of lower-case letters, digits, `-` and `_`, joined by dots, at most {MAX_NAME} bytes"
)]
pub struct InvalidNoteName;

impl NoteName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of a note under this one. Characters that a name cannot have become `_`.
    #[must_use]
    pub fn child(&self, word: &str) -> Self {
        let clean = |c: char| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || c == '-' => c,
            _ => '_',
        };
        let word: String = word.chars().map(clean).collect();
        let mut name = format!("{}.{word}", self.0);
        name.truncate(MAX_NAME);
        Self(name)
    }

    /// Reports whether a note of this name is the other one or under it.
    #[must_use]
    pub fn is_under(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(other.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl FromStr for NoteName {
    type Err = InvalidNoteName;

    fn from_str(text: &str) -> Result<Self, InvalidNoteName> {
        let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(fits);
        if text.len() <= MAX_NAME && text.split('.').all(is_word) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidNoteName)
    }
}

impl TryFrom<String> for NoteName {
    type Error = InvalidNoteName;

    fn try_from(text: String) -> Result<Self, InvalidNoteName> {
        text.parse()
    }
}

impl fmt::Display for NoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A small record that triage keeps in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its name; a later note of the same name replaces it.
    pub name: NoteName,
    /// What it says; JSON by convention.
    pub value: String,
}

impl Note {
    /// The most bytes of a value that every store takes.
    pub const MAX_VALUE: usize = 512 * 1024;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> NoteName {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_words_joined_by_dots() {
        for text in ["policy", "log.01k3", "fixed.1_ab-c"] {
            assert_eq!(name(text).as_str(), text);
        }
        for text in ["", ".", "a.", "A", "a b", "a/b", "a*", &"a".repeat(201)] {
            assert_eq!(text.parse::<NoteName>(), Err(InvalidNoteName), "{text}");
        }
        assert_eq!(name("fixed").child("1:9F.x").as_str(), "fixed.1_9f_x");
    }

    #[test]
    fn a_note_is_under_whole_words() {
        assert!(name("log.a").is_under(&name("log")));
        assert!(name("log").is_under(&name("log")));
        assert!(!name("logs").is_under(&name("log")));
        assert!(!name("log").is_under(&name("log.a")));
    }
}
