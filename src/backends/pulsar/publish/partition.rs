//! The partition of a message, chosen as the Java client chooses it by default, so that messages of one key from clients of
//! both kinds stay in order.

/// Returns the partition of a key among `count`: `String.hashCode()` without its sign.
pub(crate) fn of_key(key: &str, count: u32) -> u32 {
    let hash = key.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    (hash & i32::MAX).cast_unsigned() % count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Java 17 prints for `(key.hashCode() & Integer.MAX_VALUE) % 16`.
    #[test]
    fn keys_go_where_java_sends_them() {
        let hashes = [("", 0u32), ("a", 97), ("hello", 99_162_322)];
        for (key, hash) in hashes {
            assert_eq!(of_key(key, 1 << 31), hash, "{key}");
            assert_eq!(of_key(key, 16), hash % 16, "{key}");
        }
        // "polygenelubricants".hashCode() is Integer.MIN_VALUE.
        assert_eq!(of_key("polygenelubricants", 16), 0);
    }
}
