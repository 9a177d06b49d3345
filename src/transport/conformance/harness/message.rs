//! Messages that cases publish, and how to recognise them again.

use bytes::Bytes;

use crate::{
    event::{Headers, Message, Topic},
    transport::Delivery,
};

/// Returns a message without a key.
pub(in crate::transport::conformance) fn message(topic: &Topic, text: &str) -> Message {
    Message::new(topic.clone(), text.to_owned())
}

/// Returns a message with a key.
pub(in crate::transport::conformance) fn keyed(topic: &Topic, key: &str, text: &str) -> Message {
    Message {
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        ..message(topic, text)
    }
}

/// Returns messages with these texts.
pub(in crate::transport::conformance) fn messages(topic: &Topic, texts: &[&str]) -> Vec<Message> {
    texts.iter().map(|text| message(topic, text)).collect()
}

/// Returns messages of one key with these texts.
pub(in crate::transport::conformance) fn keyed_messages(
    topic: &Topic,
    key: &str,
    texts: &[&str],
) -> Vec<Message> {
    texts.iter().map(|text| keyed(topic, key, text)).collect()
}

/// Returns the payload as text.
pub(in crate::transport::conformance) fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).into_owned()
}

/// Returns the payloads of deliveries as text.
pub(in crate::transport::conformance) fn texts(deliveries: &[Delivery]) -> Vec<String> {
    let messages = deliveries.iter().map(|delivery| &delivery.stored.message);
    messages.map(text).collect()
}

/// Returns an event, with everything that makes it hard to carry.
pub(in crate::transport::conformance) fn event(topic: &Topic) -> Message {
    let payload =
        r#"{"specversion":"1.0","id":"e-1","type":"order.created","source":"//test", "data":1.0}"#;
    let mut event = keyed(topic, "k", payload);
    event.headers = headers();
    event
}

/// Returns one message for each thing that a transport may spoil.
pub(in crate::transport::conformance) fn odd_messages(topic: &Topic) -> Vec<Message> {
    let base = message(topic, "{\"a\": 1.0 }\n");
    let raw = Bytes::from_static(b"\x00\xff\xfe\r\n");
    let null = Message {
        payload: None,
        ..base.clone()
    };
    let empty = Message {
        key: Some(Bytes::new()),
        payload: Some(Bytes::new()),
        ..base.clone()
    };
    let binary = Message {
        key: Some(raw.clone()),
        payload: Some(raw),
        ..base.clone()
    };
    let headed = Message {
        headers: headers(),
        ..base.clone()
    };
    vec![base, null, empty, binary, headed, event(topic)]
}

fn headers() -> Headers {
    let value = |bytes: &'static [u8]| Some(Bytes::from_static(bytes));
    let mut headers = Headers::new();
    headers.push("x-twice", value(b"first"));
    headers.push("X-Case", value(b"kept"));
    headers.push("x-twice", value(b"second"));
    headers.push("x-null", None);
    headers.push("x-empty", value(b""));
    headers.push("x-utf8", value("gr\u{fc}n".as_bytes()));
    headers
}
