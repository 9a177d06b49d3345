//! The events of every benchmark.

pub const TOPIC: &str = "order.created";

/// Returns a structured event of 280 bytes.
pub fn event(number: usize) -> Vec<u8> {
    let mut text = format!(
        r#"{{"specversion":"1.0","id":"01M80FJS9VRRG20{number:011}","source":"/shop/checkout","type":"{TOPIC}","time":"2026-11-22T01:57:54.107Z","datacontenttype":"application/json","data":{{"order":"{number:011}","total":129.5,"note":""#
    )
    .into_bytes();
    text.resize(280 - 3, b'x');
    text.extend_from_slice(br#""}}"#);
    text
}

/// Returns so many events.
pub fn events(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(event).collect()
}
