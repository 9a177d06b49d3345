//! Headers as one blob: for each, the name's length and bytes, then the value's length + 1 (0 is null) and bytes.

use bytes::Bytes;

use crate::event::Headers;

/// Header and value of nearly every message: worth a static copy instead of an allocation.
const CONTENT_TYPE: &str = "content-type";
const STRUCTURED: &[u8] = b"application/cloudevents+json";

/// Packs headers; an empty list becomes `None`.
pub(crate) fn pack(headers: &Headers) -> Option<Vec<u8>> {
    if headers.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    for (name, value) in headers.iter() {
        write_length(&mut out, name.len());
        out.extend_from_slice(name.as_bytes());
        write_length(&mut out, value.map_or(0, |value| value.len() + 1));
        out.extend_from_slice(value.map_or(&[], |value| value));
    }
    Some(out)
}

/// Unpacks headers; `None` if the blob is damaged.
pub(crate) fn unpack(mut blob: &[u8]) -> Option<Headers> {
    // Most messages have one header.
    let mut headers = Headers::with_capacity(1);
    while !blob.is_empty() {
        let length = read_length(&mut blob)?;
        let name = take(&mut blob, length)?;
        let value = match read_length(&mut blob)? {
            0 => None,
            length => Some(value_of(take(&mut blob, length - 1)?)),
        };
        if name == CONTENT_TYPE.as_bytes() {
            headers.push_known(CONTENT_TYPE, value);
        } else {
            headers.push(std::str::from_utf8(name).ok()?, value);
        }
    }
    Some(headers)
}

fn value_of(bytes: &[u8]) -> Bytes {
    if bytes == STRUCTURED {
        Bytes::from_static(STRUCTURED)
    } else {
        Bytes::copy_from_slice(bytes)
    }
}

/// Writes seven bits per byte, the lowest first, with the top bit set on all bytes but the last.
fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(0x80 | (length & 0x7f).to_le_bytes()[0]);
        length >>= 7;
    }
    out.push(length.to_le_bytes()[0]);
}

fn read_length(blob: &mut &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = take(blob, 1)?[0];
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

fn take<'a>(blob: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = blob.split_at_checked(length)?;
    *blob = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive() {
        let mut headers = Headers::new();
        headers.push("a", Some(Bytes::from_static(b"1")));
        headers.push("a", None);
        headers.push("", Some(Bytes::new()));
        headers.push(CONTENT_TYPE, Some(Bytes::from_static(STRUCTURED)));
        headers.push(CONTENT_TYPE, None);
        headers.push("long", Some(Bytes::from(vec![7; 300])));
        assert_eq!(unpack(&pack(&headers).unwrap()), Some(headers));
        assert_eq!(pack(&Headers::new()), None);
    }

    #[test]
    fn damage_is_noticed() {
        assert_eq!(unpack(&[5, b'a']), None);
        assert_eq!(unpack(&[0xff; 12]), None);
    }
}
