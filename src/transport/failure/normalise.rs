//! Takes out of an error message what differs from case to case.

use smallvec::SmallVec;

/// Only so much of a message tells failures apart.
const MAX_INPUT: usize = 2000;

/// Returns the message in lower case with every id, number, host, path and quotation replaced by a sign.
pub(super) fn normalise(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default();
    let mut rest = &line[..line.floor_char_boundary(MAX_INPUT)];
    let mut out = String::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        let taken = if let Some(quotation) = quotation(rest, out.chars().last()) {
            out.push('"');
            quotation
        } else if is_word(first) {
            let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
            push_word(&mut out, word);
            word.len()
        } else {
            push_other(&mut out, first);
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    out.truncate(out.trim_end().len());
    out
}

fn push_other(out: &mut String, other: char) {
    if !other.is_whitespace() {
        out.push(other);
    } else if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// Returns the length of the quotation at the start, if there is one; an apostrophe opens none.
fn quotation(rest: &str, before: Option<char>) -> Option<usize> {
    let quote = rest.chars().next()?;
    if !matches!(quote, '"' | '\'' | '`') || before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let inside = &rest[1..];
    let end = inside.match_indices(quote).find(|(at, _)| {
        let behind = inside[at + 1..].chars().next();
        quote != '\'' || !behind.is_some_and(char::is_alphanumeric)
    })?;
    Some(end.0 + 2)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '-' | '_' | '.' | ':' | '/' | '\\' | '@' | '+' | '%' | '~'
        )
}

fn push_word(out: &mut String, word: &str) {
    let body = word.trim_end_matches(['.', ':', '-']);
    let body = if body.is_empty() { word } else { body };
    if is_path(word) {
        // Whether a dot at its end is part of it cannot be known.
        out.push('/');
        return;
    }
    if is_address(body) {
        out.push('@');
    } else if is_one_id(body) {
        out.push('#');
    } else {
        push_segments(out, body);
    }
    out.push_str(&word[body.len()..]);
}

fn is_path(word: &str) -> bool {
    word.contains("://")
        || word.starts_with(['/', '~', '\\'])
        || word.starts_with("./")
        || word.starts_with("../")
        || word.matches('/').count() > 1
        || word.contains(":\\")
}

fn is_address(word: &str) -> bool {
    if word.contains('@') {
        return true;
    }
    if word.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let (host, port) = word
        .rsplit_once(':')
        .map_or((word, None), |(host, port)| (host, Some(port)));
    let has_port =
        port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if port.is_some() && !has_port {
        return false;
    }
    let labels: SmallVec<[&str; 4]> = host.split('.').collect();
    let all_labels = labels.iter().all(|label| is_label(label));
    let dotted_quad = labels.len() == 4 && labels.iter().all(|label| all_digits(label));
    dotted_quad || all_labels && (is_host(host, &labels) || has_port && !all_digits(host))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_host(host: &str, labels: &[&str]) -> bool {
    const ENDS: [&str; 15] = [
        "com",
        "net",
        "org",
        "io",
        "dev",
        "app",
        "cloud",
        "local",
        "internal",
        "svc",
        "lan",
        "test",
        "example",
        "localhost",
        "localdomain",
    ];
    let last = labels.last().copied().unwrap_or_default();
    host == "localhost"
        || labels.len() > 1
            && (ENDS.contains(&last)
                || last.bytes().all(|b| b.is_ascii_lowercase())
                    && host.bytes().any(|b| b.is_ascii_digit() || b == b'-'))
}

/// Reports whether the word as a whole is an id, a time or a number, with or without a unit.
fn is_one_id(word: &str) -> bool {
    let bare = word.strip_prefix("0x").unwrap_or(word);
    let hex = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_hexdigit());
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    let number = word.trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
    let unit = word.len() - number.len();
    hex && (bare.len() < word.len() || bare.len() >= 8 || has_digit)
        || is_uuid(word)
        || is_ulid(word)
        || unit <= 3 && number.parse::<f64>().is_ok()
        || has_digit
            && number
                .bytes()
                .all(|b| b.is_ascii_digit() || b"-:+.T".contains(&b))
        || word.parse::<f64>().is_ok()
}

fn is_uuid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn is_ulid(word: &str) -> bool {
    word.len() == 26
        && word
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_alphabetic())
        && word.starts_with(|c: char| ('0'..='7').contains(&c))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Replaces the parts of `order-1234`, `worker12` or `req_7f3a9c` that carry digits.
fn push_segments(out: &mut String, word: &str) {
    let separators = ['-', '_', '.', ':', '/', '+'];
    for part in word.split_inclusive(separators) {
        let body = part.trim_end_matches(separators);
        if body.bytes().any(|b| b.is_ascii_digit()) {
            push_numbered(out, body);
        } else {
            out.extend(body.chars().flat_map(char::to_lowercase));
        }
        out.push_str(&part[body.len()..]);
    }
}

fn push_numbered(out: &mut String, body: &str) {
    let stem = body.trim_end_matches(|c: char| c.is_ascii_digit());
    let short_stem = stem.len() < 6 && !stem.bytes().any(|b| b.is_ascii_digit());
    let worded = short_stem && body.len() < 8;
    if worded {
        out.extend(stem.chars().flat_map(char::to_lowercase));
    }
    out.push('#');
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn what_differs_is_taken_out() {
        for (message, normal) in [
            (
                "Connection to 10.0.0.1:5432 refused",
                "connection to @ refused",
            ),
            (
                "cannot open /var/lib/x.db: No such file",
                "cannot open / no such file",
            ),
            ("user 'bob' isn't known", "user \" isn't known"),
            ("timeout after 1.5s", "timeout after #"),
            ("order-1234 not found", "order-# not found"),
            (
                "GET https://api.example.com/v1/x?id=3: 503",
                "get /?id=#: #",
            ),
            ("dial tcp [::1]:80: refused", "dial tcp [@]#: refused"),
            ("at 2026-11-22T21:08:05Z", "at #"),
            (
                "java.lang.NullPointerException",
                "java.lang.nullpointerexception",
            ),
            ("invalid utf8 in  sha256", "invalid utf# in sha#"),
            ("a@b.example wrote", "@ wrote"),
            ("\n\nsecond line counts\nnot this", "second line counts"),
            ("", ""),
        ] {
            assert_eq!(normalise(message), normal, "{message}");
        }
    }
}
