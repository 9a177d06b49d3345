//! The events of every benchmark.

/// What a replay makes of a payload.
pub type Edit = fn(&[u8]) -> Vec<u8>;

pub const TOPIC: &str = "order.created";

/// What stands before the number of an event.
const HEAD: &str = r#"{"specversion":"1.0","id":"01M80FJS9VRRG20"#;

/// Returns a structured event of 280 bytes.
pub fn event(number: usize) -> Vec<u8> {
    let mut text = format!(
        r#"{HEAD}{number:011}","source":"/shop/checkout","type":"{TOPIC}","time":"2026-11-22T01:57:54.107Z","datacontenttype":"application/json","data":{{"order":"{number:011}","total":129.5,"note":""#
    )
    .into_bytes();
    text.resize(280 - 3, b'x');
    text.extend_from_slice(br#""}}"#);
    text
}

/// Returns the number of an event, counted from one.
pub fn number(event: &[u8]) -> u64 {
    let digits = &event[HEAD.len()..][..11];
    let digit = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
    digits.iter().fold(0, digit) + 1
}

/// Returns so many events.
pub fn events(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(event).collect()
}
