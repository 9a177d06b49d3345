//! Percent-encoding of header values, as in the NATS binding.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

const RESERVED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Encodes spaces, quotes, percent signs, control characters and everything that is not ASCII.
pub(in crate::event) fn encode(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED).into()
}

/// Reports whether every percent sign is followed by two hexadecimal digits.
pub(in crate::event) fn is_well_formed(text: &str) -> bool {
    memchr::memchr_iter(b'%', text.as_bytes()).all(|at| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Decodes a value whose percent signs are all well-formed; any other is returned unchanged.
pub(in crate::event) fn decode(text: &str) -> Cow<'_, str> {
    if !is_well_formed(text) {
        return Cow::Borrowed(text);
    }
    percent_decode_str(text)
        .decode_utf8()
        .unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_encoded_is_decoded() {
        assert_eq!(encode("té x%\"/a"), "t%C3%A9%20x%25%22/a");
        assert_eq!(decode("t%C3%A9%20x%25%22/a"), "té x%\"/a");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("100% 20%20"), "100% 20%20");
        assert_eq!(decode("%FF"), "%FF");
    }
}
