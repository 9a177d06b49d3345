//! Messages as the `JetStream` API writes them in JSON.

use std::{str::FromStr as _, time::SystemTime};

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    backends::nats::{delay::Last, error::error},
    transport::{ErrorKind, Result},
};

/// Reads the answer to `STREAM.MSG.GET`.
pub(crate) fn read(answer: &Value) -> Result<Last> {
    decode(answer).ok_or_else(|| error(ErrorKind::Other, "the server answered nonsense"))
}

fn decode(answer: &Value) -> Option<Last> {
    let message = answer.get("message")?;
    let bytes = |name: &str| match message.get(name).and_then(Value::as_str) {
        Some(text) => STANDARD.decode(text).ok(),
        None => Some(Vec::new()),
    };
    let time = message.get("time")?.as_str()?;
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?;
    Some(Last {
        subject: message.get("subject")?.as_str()?.to_owned(),
        number: message.get("seq")?.as_u64()?,
        headers: headers(&String::from_utf8(bytes("hdrs")?).ok()?),
        payload: bytes("data")?.into(),
        time: SystemTime::from(time),
    })
}

fn headers(text: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in text.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_str(name),
            HeaderValue::from_str(value.trim()),
        ) {
            map.append(name, value);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_line_by_line() {
        let map = headers("NATS/1.0\r\na: 1\r\na:2\r\nb: x:y\r\n\r\n");
        let values: Vec<_> = map.get_all("a").map(HeaderValue::as_str).collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!(map.get("b").map(HeaderValue::as_str), Some("x:y"));
    }
}
