//! What is taken out of outputs before they are compared.

use test_support::normalise::normalise;

#[test]
fn only_what_differs_is_replaced() {
    let text =
        "2026-11-22T21:00:00.123Z 01JD9Z6W4Q8X5V3T2R1P0N7M6K subscription abcdefgh2345 12ms 30s";
    assert_eq!(
        normalise(text),
        "[TIME] [ULID] subscription [LETTER] [MS] 30s"
    );
}
