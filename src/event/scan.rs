//! Walks over JSON without building a tree: checks the grammar and hands out members as they stand.

use std::borrow::Cow;

use super::EventError;

/// How deep an event may be nested: as deep as common parsers go, with one level to spare for a record.
pub(super) const EVENT_DEPTH: u32 = 126;
/// How deep a line may be nested that holds an event.
pub(super) const LINE_DEPTH: u32 = EVENT_DEPTH + 1;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Counts the leading bytes that stand in a JSON string as they are.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        // What is below a byte borrows from it, and sets its top bit; above the first one the marks mean nothing.
        let control = word.wrapping_sub(ONES * 0x20);
        let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
        let special = (control | quote | backslash) & !word & HIGH;
        if special != 0 {
            return index * 8 + (special.trailing_zeros() / 8) as usize;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    bytes.len() - rest.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Returns the bytes as text.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, EventError> {
    std::str::from_utf8(bytes).map_err(|error| {
        EventError::Json(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1))
    })
}

/// Reports whether the text is one JSON value with nothing around it but white space.
pub(super) fn is_json(text: &str) -> bool {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    scanner.value(EVENT_DEPTH).is_ok() && {
        scanner.space();
        scanner.at == text.len()
    }
}

/// Returns the text of a JSON string, or `None` if the JSON is something else.
pub(super) fn string_of(json: &str) -> Option<Result<Cow<'_, str>, EventError>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(if plain_len(inner.as_bytes()) == inner.len() {
        Ok(Cow::Borrowed(inner))
    } else {
        serde_json::from_str(json)
            .map(Cow::Owned)
            .map_err(|error| EventError::Json(format!("{error} of the string {json}")))
    })
}

/// The members of one JSON object, in order, as they stand.
#[derive(Debug)]
pub(super) struct Members<'a> {
    scanner: Scanner<'a>,
    depth: u32,
    first: bool,
}

impl<'a> Members<'a> {
    /// Enters the object; `None` if the text begins with something else.
    pub(super) fn open(text: &'a str, depth: u32) -> Option<Self> {
        let mut scanner = Scanner { text, at: 0 };
        scanner.space();
        scanner.eat(b'{').then_some(Self {
            scanner,
            depth,
            first: true,
        })
    }

    /// Returns the next name and its value; none behind the last, if nothing follows the object.
    pub(super) fn next(&mut self) -> Result<Option<(Cow<'a, str>, Value<'a>)>, EventError> {
        let Some((name, value)) = self.step().map_err(EventError::from)? else {
            return Ok(None);
        };
        let name = name.text().unwrap_or(Ok(Cow::Borrowed(name.json)))?;
        Ok(Some((name, value)))
    }

    /// Returns the next name as it stands, and its value; none as [`next`](Self::next) does.
    #[inline]
    pub(super) fn step(&mut self) -> Scan<Option<(Value<'a>, Value<'a>)>> {
        let scanner = &mut self.scanner;
        if !scanner.another(b'}', std::mem::take(&mut self.first))? {
            scanner.space();
            return match scanner.peek() {
                None => Ok(None),
                Some(_) => scanner.fail("something follows the object"),
            };
        }
        let start = scanner.at;
        let plain = scanner.name()?;
        let name = scanner.since(start, plain);
        scanner.colon()?;
        let start = scanner.at;
        let plain = scanner.value(self.depth - 1)?;
        Ok(Some((name, scanner.since(start, plain))))
    }
}

/// A JSON value as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) json: &'a str,
    /// Whether it is a string without escapes.
    plain: bool,
}

impl<'a> Value<'a> {
    /// Returns the text of a string, or `None` if it is something else.
    pub(super) fn text(self) -> Option<Result<Cow<'a, str>, EventError>> {
        if let Some(text) = self.plain_text() {
            return Some(Ok(Cow::Borrowed(text)));
        }
        string_of(self.json)
    }

    /// Returns the text of a string that has no escapes.
    pub(super) fn plain_text(self) -> Option<&'a str> {
        self.plain.then(|| &self.json[1..self.json.len() - 1])
    }
}

pub(super) type Scan<T = ()> = Result<T, Syntax>;

/// Where the text stops being JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    at: usize,
    what: &'static str,
}

impl From<Syntax> for EventError {
    fn from(error: Syntax) -> Self {
        Self::Json(format!("{} at byte {}", error.what, error.at + 1))
    }
}

#[derive(Debug)]
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn since(&self, start: usize, plain: bool) -> Value<'a> {
        Value {
            json: &self.text[start..self.at],
            plain,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fail<T>(&self, what: &'static str) -> Scan<T> {
        Err(Syntax { at: self.at, what })
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Steps to the next item of an object or array; `false` behind its end.
    fn another(&mut self, end: u8, first: bool) -> Scan<bool> {
        self.space();
        if self.eat(end) {
            return Ok(false);
        }
        if !first {
            if !self.eat(b',') {
                return self.fail("expected `,` or the end of the object or array");
            }
            self.space();
        }
        Ok(true)
    }

    fn name(&mut self) -> Scan<bool> {
        if self.peek() == Some(b'"') {
            self.string()
        } else {
            self.fail("expected a name in quotes")
        }
    }

    fn colon(&mut self) -> Scan {
        self.space();
        if !self.eat(b':') {
            return self.fail("expected `:`");
        }
        self.space();
        Ok(())
    }

    /// Steps over a value; reports whether it is a string without escapes.
    fn value(&mut self, depth: u32) -> Scan<bool> {
        match self.peek() {
            Some(b'"') => return self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(_) => self.fail("expected a value"),
            None => self.fail("it ends too early"),
        }?;
        Ok(false)
    }

    fn object(&mut self, depth: u32) -> Scan {
        let mut first = self.enter(depth)?;
        while self.another(b'}', std::mem::take(&mut first))? {
            self.name()?;
            self.colon()?;
            self.value(depth - 1)?;
        }
        Ok(())
    }

    fn array(&mut self, depth: u32) -> Scan {
        let mut first = self.enter(depth)?;
        while self.another(b']', std::mem::take(&mut first))? {
            self.value(depth - 1)?;
        }
        Ok(())
    }

    fn enter(&mut self, depth: u32) -> Scan<bool> {
        if depth == 0 {
            return self.fail("it is nested too deeply");
        }
        self.at += 1;
        Ok(true)
    }

    fn string(&mut self) -> Scan<bool> {
        self.at += 1;
        let mut plain = true;
        loop {
            self.at += plain_len(&self.text.as_bytes()[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(plain);
                }
                Some(b'\\') => {
                    plain = false;
                    self.escape()?;
                }
                Some(_) => return self.fail("a control character stands in a string"),
                None => return self.fail("a string does not end"),
            }
        }
    }

    fn escape(&mut self) -> Scan {
        self.at += 1;
        let digits = match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return self.fail("invalid escape in a string"),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return self.fail("invalid escape in a string");
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Scan {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Scan {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return self.fail("expected a digit");
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Scan {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(())
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
