//! A walk over JSON without a tree: checks the grammar and returns members verbatim.

use std::borrow::Cow;

use crate::event::{
    EventError, json::scanner::Flaw, json::scanner::Scan, json::scanner::Scanner,
    json::scanner::Token, json::scanner::plain_len,
};

/// The deepest nesting of an event: that of common parsers, less one level for a record.
pub(in crate::event) const EVENT_DEPTH: u32 = 126;
/// The deepest nesting of a line that holds an event.
pub(in crate::event) const LINE_DEPTH: u32 = EVENT_DEPTH + 1;

/// Returns the bytes as text.
pub(in crate::event) fn utf8(bytes: &[u8]) -> Result<&str, EventError> {
    std::str::from_utf8(bytes).map_err(|error| {
        EventError::Json(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1))
    })
}

/// Returns JSON without the byte order mark that some editors and shells put in front of it (RFC 8259 lets a reader ignore
/// it).
#[must_use]
pub fn without_byte_order_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)
}

/// Returns the text without a byte order mark, if that is one JSON value.
pub(in crate::event) fn json_in(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    is_json(text).then_some(text)
}

/// Reports whether the text is one JSON value with nothing around it but white space.
pub(in crate::event) fn is_json(text: &str) -> bool {
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.space();
    scanner.value(EVENT_DEPTH).is_ok() && {
        scanner.space();
        scanner.at == text.len()
    }
}

/// Returns the text of a JSON string, or `None` if the JSON is something else.
pub(in crate::event) fn string_of(json: &str) -> Option<Result<Cow<'_, str>, EventError>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(if plain_len(inner.as_bytes()) == inner.len() {
        Ok(Cow::Borrowed(inner))
    } else {
        serde_json::from_str(json)
            .map(Cow::Owned)
            .map_err(|error| EventError::Json(format!("{error} of the string {json}")))
    })
}

/// The members of one JSON object, in order, verbatim.
#[derive(Debug)]
pub(in crate::event) struct Members<'a> {
    text: &'a str,
    steps: Steps<'a>,
}

impl<'a> Members<'a> {
    /// Enters the object; `None` if the text begins with something else.
    pub(in crate::event) fn open(text: &'a str, depth: u32) -> Option<Self> {
        let steps = Steps::open(text.as_bytes(), depth)?;
        Some(Self { text, steps })
    }

    /// Returns the next name and its value; none behind the last, if nothing follows the object.
    pub(in crate::event) fn next(
        &mut self,
    ) -> Result<Option<(Cow<'a, str>, Value<'a>)>, EventError> {
        let step = self.steps.next();
        let Some((name, value)) = step.map_err(|flaw| self.steps.error(flaw))? else {
            return Ok(None);
        };
        let (name, value) = (self.at(&name), self.at(&value));
        let name = name.text().unwrap_or(Ok(Cow::Borrowed(name.json)))?;
        Ok(Some((name, value)))
    }

    fn at(&self, token: &Token) -> Value<'a> {
        Value {
            json: &self.text[token.start..token.end],
            plain: token.plain,
        }
    }
}

/// Steps from member to member of one JSON object whose UTF-8 is checked elsewhere.
#[derive(Debug)]
pub(in crate::event) struct Steps<'a> {
    scanner: Scanner<'a>,
    depth: u32,
    first: bool,
}

impl<'a> Steps<'a> {
    /// Enters the object; `None` if the bytes begin with something else.
    pub(in crate::event) fn open(bytes: &'a [u8], depth: u32) -> Option<Self> {
        let mut scanner = Scanner::new(bytes);
        scanner.space();
        scanner.eat(b'{').then_some(Self {
            scanner,
            depth,
            first: true,
        })
    }

    /// Returns the ranges of the next name and its value; none as [`Members::next`] does.
    #[inline]
    pub(in crate::event) fn next(&mut self) -> Scan<Option<(Token, Token)>> {
        let mut scanner = self.scanner;
        let first = std::mem::take(&mut self.first);
        let member = scanner.member(self.depth - 1, first);
        self.scanner = scanner;
        member
    }

    /// Returns the error that names where the object stops being JSON.
    fn error(&self, flaw: Flaw) -> EventError {
        EventError::Json(format!("{} at byte {}", flaw.text(), self.scanner.at + 1))
    }

    /// Returns the bytes between the quotes of a string that has no escapes.
    #[inline]
    pub(in crate::event) fn plain(&self, token: &Token) -> Option<&'a [u8]> {
        token
            .plain
            .then(|| &self.scanner.bytes[token.start + 1..token.end - 1])
    }
}

/// A JSON value, verbatim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) struct Value<'a> {
    pub(in crate::event) json: &'a str,
    /// Whether it is a string without escapes.
    plain: bool,
}

impl<'a> Value<'a> {
    /// Returns the text of a string, or `None` if it is something else.
    pub(in crate::event) fn text(self) -> Option<Result<Cow<'a, str>, EventError>> {
        if self.plain {
            return Some(Ok(Cow::Borrowed(&self.json[1..self.json.len() - 1])));
        }
        string_of(self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_that_of_serde_json() {
        let texts = [
            "null",
            "true",
            "tru",
            "-0",
            "-",
            "01",
            "1.",
            "1.5e+7",
            "1e400",
            "[]",
            "[1,]",
            "[1 2]",
            "{}",
            "{\"a\":1,}",
            "{\"a\" : [ {} ] }",
            "\"\\u12g4\"",
            "\"\\u1234\"",
            "\"\\x\"",
            "\"a\nb\"",
            "\"open",
            "{\"a\"}",
            "",
            " 1 ",
            "1 2",
            "{a:1}",
            "\"0123456789\\\"0123456789\"",
        ];
        for text in texts {
            let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(is_json(text), theirs, "{text}");
        }
    }

    #[test]
    fn one_byte_order_mark_is_ignored() {
        assert_eq!(json_in("\u{feff} {}"), Some(" {}"));
        assert_eq!(json_in("\u{feff}\u{feff}{}"), None);
        assert_eq!(json_in("\u{feff}"), None);
    }

    #[test]
    fn members_stand_as_written() {
        let mut members = Members::open(r#" {"a":[1.0, 2] , "b\u0063":"x\n"} "#, 9).unwrap();
        let (name, value) = members.next().unwrap().unwrap();
        assert_eq!((name.as_ref(), value.json), ("a", "[1.0, 2]"));
        assert!(value.text().is_none());
        let (name, value) = members.next().unwrap().unwrap();
        assert_eq!((name.as_ref(), value.json), ("bc", r#""x\n""#));
        assert_eq!(value.text().unwrap().unwrap(), "x\n");
        assert_eq!(members.next().unwrap(), None);
    }

    #[test]
    fn depth_has_an_end() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_json(&nested(126)));
        assert!(!is_json(&nested(127)));
    }

    #[test]
    fn errors_name_the_place() {
        let mut members = Members::open(r#"{"a":1,"b":x}"#, 9).unwrap();
        members.next().unwrap();
        let error = members.next().unwrap_err().to_string();
        assert_eq!(error, "not valid JSON: expected a value at byte 12");
    }
}
