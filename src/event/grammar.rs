//! Grammars of attribute values. Each accepts what every official SDK accepts, which is less than the standards allow: the
//! Go SDK refuses a whole event because of a leap second, a lower-case `z` or a media type with a repeated parameter.

use std::net::Ipv6Addr;

use crate::event::{codec::percent, time::utc};

/// Reports whether text is a time that every SDK reads.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    // chrono takes a minus sign beyond ASCII.
    let is_odd = !text.is_ascii()
        || bytes.get(10) != Some(&b'T')
        || bytes.get(17..19) == Some(b"60")
        || bytes.starts_with(b"0000")
        || bytes.ends_with(b"z");
    !is_odd && utc(text).is_some()
}

/// Reports whether text is an absolute URI.
pub(super) fn is_absolute_uri(text: &str) -> bool {
    first_part(text).contains(':') && is_uri_reference(text) && url::Url::parse(text).is_ok()
}

/// Reports whether text is a URI reference (RFC 3986).
pub(super) fn is_uri_reference(text: &str) -> bool {
    let allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(byte);
    text.as_bytes().iter().all(allowed)
        && percent::is_well_formed(text)
        && has_no_broken_scheme(text)
        && has_its_delimiters_in_place(text)
}

fn first_part(text: &str) -> &str {
    text.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A colon before the first slash makes what is before it a scheme.
fn has_no_broken_scheme(text: &str) -> bool {
    first_part(text).split_once(':').is_none_or(|(scheme, _)| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(fits)
    })
}

/// There is one fragment; brackets stand around an address, a colon before a port.
fn has_its_delimiters_in_place(text: &str) -> bool {
    let scheme = first_part(text).find(':').map_or(0, |at| at + 1);
    let (authority, rest) = match text[scheme..].strip_prefix("//") {
        Some(behind) => behind.split_at(behind.find(['/', '?', '#']).unwrap_or(behind.len())),
        None => ("", &text[scheme..]),
    };
    !rest.contains(['[', ']'])
        && rest.bytes().filter(|byte| *byte == b'#').count() <= 1
        && is_authority(authority)
}

fn is_authority(text: &str) -> bool {
    let host = text.split_once('@').map_or(text, |(_, host)| host);
    let port = match host.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => port,
            _ => return false,
        },
        None => &host[host.find(':').unwrap_or(host.len())..],
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_port
        && (port.is_empty() || port.starts_with(':'))
        && !host[1.min(host.len())..].contains(['@', '['])
}

/// Reports whether text is a media type whose parameters, if it has any, are well-formed.
pub(super) fn is_media_type(text: &str) -> bool {
    if !text.is_ascii() {
        return false;
    }
    let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let halves = essence.trim_ascii().split_once('/');
    if !halves.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype)) {
        return false;
    }
    let mut names: Vec<&str> = Vec::new();
    loop {
        rest = rest.trim_ascii();
        if rest.is_empty() || rest == ";" {
            return true;
        }
        match parameter(rest) {
            Some((name, _)) if names.iter().any(|other| other.eq_ignore_ascii_case(name)) => {
                return false;
            }
            Some((name, behind)) => {
                names.push(name);
                rest = behind;
            }
            None => return false,
        }
    }
}

/// Returns the name of the parameter that text begins with, and what stands behind it.
fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix(';')?.trim_ascii_start().split_once('=')?;
    let end = match value.strip_prefix('"') {
        Some(quoted) => end_of_quoted(quoted)? + 1,
        None => value.find([';', ' ', '\t']).unwrap_or(value.len()),
    };
    let (value, behind) = value.split_at(end);
    let is_value = value.starts_with('"') || is_token(value);
    (is_token(name) && is_value).then_some((name, behind))
}

/// Returns where the text behind an opening quote continues after the closing one.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    });
    end.map(|end| end + 1)
}

fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(grammar: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(grammar(text), "{text} is fine");
        }
        for text in bad {
            assert!(!grammar(text), "{text} is not");
        }
    }

    #[test]
    fn timestamps() {
        let good = [
            "2026-01-01T00:00:00Z",
            "2026-12-31T23:59:59.123456789+14:00",
            "2026-01-01T00:00:00.1234567891-00:00",
        ];
        let bad = [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T23:59:60Z",
            "2026-01-01T24:00:00Z",
            "2026-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2026-01-01T00:00:00\u{2212}01:00",
            "2026-01-01T00:00:00+01:60",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60+00:00",
            "2026-01-01T00:00:00.60:00",
            "2026-01-01T00:00:00,5Z",
        ];
        check(is_timestamp, &good, &bad);
    }

    #[test]
    fn uri_references() {
        let good = [
            "/s",
            "//shop",
            "urn:a:b",
            "a",
            "mailto:me@example.org",
            "http://u:p@[::1]:80/a;b=c?d=e/f?g#h/i?j",
            "https://example.org:/",
            "#a",
            "a/b:c",
        ];
        let bad = [
            "a b",
            "%zz",
            "1a:b",
            "ü",
            "a^b",
            "a#b#c",
            "[a]",
            "a[b",
            "//a:x/",
            "http://[::1",
            "http://[x]/",
            "http://[::1]x/",
            "http://a@b@c/",
            "/a?[",
        ];
        check(is_uri_reference, &good, &bad);
        let bad = [
            "/x",
            "",
            "1",
            "a",
            ":",
            "1:b",
            "a:[b]",
            "http://a:b/",
            "http://a b/",
            "http://ü/",
            "urn:a|b",
            "http://x/%zz",
        ];
        check(
            is_absolute_uri,
            &["a:b", "https://example.org/schema.json", "urn:x"],
            &bad,
        );
    }

    #[test]
    fn media_types() {
        let good = [
            "text/plain",
            "Application/vnd.a+json",
            "text/plain; charset=utf-8",
            "text/plain ;charset=\"a;\\\"b\" ; x=y;",
        ];
        let bad = [
            "",
            "text",
            "/a",
            "a/",
            "a/b/c",
            "a b/c",
            "ä/b",
            "a/b; x",
            "a/b; =x",
            "a/b;x=",
            "a/b;x=y;X=z",
            "a/b;x=\"y",
            "a/b;x=y z",
            "a/b;x=\"\u{fc}\"",
            "a/b;;x=y",
        ];
        check(is_media_type, &good, &bad);
    }
}
