//! The description of a failure: class, one bounded line, bounded detail, and fingerprint.

use sha2::{Digest, Sha256};

use super::{Failure, Fingerprint, normalise::normalise};

/// The longest message, and the longest class, in bytes.
const MAX_MESSAGE: usize = 500;
/// The longest detail in bytes, of which the end is kept, so that all bookkeeping fits into 4 KiB.
const MAX_DETAIL: usize = 2048;

/// Returns the fingerprint of a failure: ids, numbers, hosts and paths in the message are ignored.
#[must_use]
pub fn fingerprint(class: &str, message: &str) -> Fingerprint {
    let mut hash = Sha256::new();
    hash.update((class.len() as u64).to_be_bytes());
    hash.update(class);
    hash.update(normalise(message));
    let text = data_encoding::BASE32_NOPAD.encode(&hash.finalize());
    Fingerprint(format!("1:{}", text[..12].to_ascii_lowercase()))
}

/// Describes a failed run: the message becomes one bounded line, the detail keeps its end.
#[must_use]
pub fn describe_failure(class: &str, message: &str, detail: Option<&str>) -> Failure {
    let class = head(class.trim(), MAX_MESSAGE);
    let message = one_line(message);
    Failure {
        fingerprint: fingerprint(&class, &message),
        class,
        message,
        detail: detail
            .map(str::trim_end)
            .filter(|detail| !detail.is_empty())
            .map(|detail| tail(detail, MAX_DETAIL)),
        duration: None,
    }
}

fn one_line(message: &str) -> String {
    let line: Vec<&str> = message.split_whitespace().take(MAX_MESSAGE).collect();
    head(&line.join(" "), MAX_MESSAGE)
}

fn head(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    format!(
        "{}…",
        &text[..text.floor_char_boundary(max - '…'.len_utf8())]
    )
}

fn tail(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let start = text.ceil_char_boundary(text.len() - max + '…'.len_utf8());
    format!("…{}", &text[start..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fingerprint_is_versioned_and_stable() {
        let name = fingerprint("exit 1", "no such order 17");
        assert_eq!(name, fingerprint("exit 1", "no such order 18"));
        assert_ne!(name, fingerprint("exit 2", "no such order 17"));
        assert_ne!(name, fingerprint("exit 1", "no such customer 17"));
        assert_eq!(name.0.len(), "1:".len() + 12);
        assert_eq!(name.0, "1:xotyplsrqg54");
    }

    #[test]
    fn long_details_keep_their_end() {
        let failure = describe_failure(
            "exit 1",
            "a\n  b",
            Some(&format!("{}end\n", "é".repeat(5000))),
        );
        assert_eq!(failure.message, "a b");
        let detail = failure.detail.unwrap();
        assert!(
            detail.starts_with('…') && detail.ends_with("éend"),
            "{detail}"
        );
        assert_eq!(describe_failure("exit 1", "x", Some(" \n")).detail, None);
    }

    proptest! {
        #[test]
        fn everything_is_bounded(class: String, message: String, detail in ".{0,4000}") {
            let failure = describe_failure(&class, &message, Some(&detail));
            prop_assert!(failure.class.len() <= MAX_MESSAGE);
            prop_assert!(failure.message.len() <= MAX_MESSAGE);
            prop_assert!(failure.detail.unwrap_or_default().len() <= MAX_DETAIL);
            prop_assert!(!failure.message.contains('\n'));
        }

        #[test]
        fn numbers_do_not_count(a: u64, b: i64, ratio: f32) {
            let message = |n: String| format!("order {n} of customer-{a} failed after {ratio}s");
            prop_assert_eq!(
                fingerprint("e", &message(a.to_string())),
                fingerprint("e", &message(b.to_string()))
            );
        }

        #[test]
        fn ids_hosts_paths_and_quotes_do_not_count(
            uuid in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            ulid in "[0-7][0-9A-HJKMNP-TV-Z]{25}",
            hex in "0x[0-9a-fA-F]{1,16}|[0-9a-f]{8,40}",
            ip in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(:[0-9]{2,5})?",
            host in "[a-z]{1,8}-[0-9]{1,3}\\.(eu|us)\\.example\\.com(:[0-9]{2,5})?",
            path in "(/[a-z0-9_.]{1,8}){1,5}",
            quoted in "'[a-z0-9 ]{0,12}'|\"[a-zA-Z0-9 /]{0,12}\"|`[a-z]{0,9}`",
        ) {
            let of = |text: &str| fingerprint("e", &format!("cannot reach {text}, gave up"));
            prop_assert_eq!(of(&uuid), of("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
            prop_assert_eq!(of(&ulid), of("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
            prop_assert_eq!(of(&hex), of("0xdeadbeef"));
            prop_assert_eq!(of(&ip), of("10.0.0.1:5432"));
            prop_assert_eq!(of(&host), of("db-1.eu.example.com"));
            prop_assert_eq!(of(&path), of("/var/lib/data"));
            prop_assert_eq!(of(&quoted), of("'x'"));
        }
    }
}
