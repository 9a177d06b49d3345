//! A writer of JSON into a buffer, without a tree and on one line.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::event::json::scanner::plain_len;

/// Appends a string in quotes.
pub(in crate::event) fn push_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let plain = plain_len(bytes);
    if plain == bytes.len() {
        out.extend_from_slice(bytes);
    } else {
        push_escaped(out, bytes, plain);
    }
    out.push(b'"');
}

/// Appends text of which the first `plain` bytes need no escape.
fn push_escaped(out: &mut Vec<u8>, mut rest: &[u8], mut plain: usize) {
    while let Some((before, [byte, behind @ ..])) = rest.split_at_checked(plain) {
        out.extend_from_slice(before);
        push_escape(out, *byte);
        rest = behind;
        plain = plain_len(rest);
    }
    out.extend_from_slice(rest);
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            return out.extend_from_slice(&digits);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Returns a string in quotes.
pub(in crate::event) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends bytes as a base64 string in quotes.
pub(in crate::event) fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    push_string(out, &to_base64(bytes));
}

/// Returns bytes as base64.
pub(in crate::event) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Returns the bytes that a base64 string stands for.
pub(in crate::event) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Appends valid JSON verbatim; if it has line breaks, without the white space between its tokens.
pub(in crate::event) fn push_line(out: &mut Vec<u8>, json: &str) {
    let bytes = json.as_bytes();
    if memchr::memchr2(b'\n', b'\r', bytes).is_none() {
        return out.extend_from_slice(bytes);
    }
    let (mut quoted, mut escaped) = (false, false);
    out.extend(bytes.iter().copied().filter(|byte| {
        let inside = quoted;
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
        inside || !byte.is_ascii_whitespace()
    }));
}

/// Appends members to an object that is being written.
#[derive(Debug)]
pub(in crate::event) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Begins an object.
    pub(in crate::event) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Appends a name and returns the buffer for its value.
    pub(in crate::event) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        push_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// Appends a member whose value is text.
    pub(in crate::event) fn text(&mut self, name: &str, value: &str) {
        push_string(self.name(name), value);
    }

    /// Appends a member whose value is JSON.
    pub(in crate::event) fn json(&mut self, name: &str, value: &str) {
        push_line(self.name(name), value);
    }

    /// Ends the object.
    pub(in crate::event) fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_serde_json() {
        for text in [
            "",
            "plain",
            "a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{7f}é😀",
            "01234567\"1234567\u{1f}",
        ] {
            assert_eq!(quoted(text), serde_json::to_string(text).unwrap());
        }
    }

    #[test]
    fn line_breaks_go_and_strings_stay() {
        let mut out = Vec::new();
        push_line(&mut out, "{\r\n \"a b\\\" \" : [1.0 ,\n 2] }");
        assert_eq!(out, b"{\"a b\\\" \":[1.0,2]}");
        out.clear();
        push_line(&mut out, "{ \"a\": 1 }");
        assert_eq!(out, b"{ \"a\": 1 }");
    }
}
