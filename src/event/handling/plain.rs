//! Messages that are not events, wrapped as events for handlers that ask for them (`--plain`, `--tombstones deliver`).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::event::{
    Data, Envelope, Form, Message, Stored, attributes::names, attributes::value::Extension,
    codec::binary, codec::media, codec::percent, codec::structured, json::write::quoted,
    time::format_time,
};

/// The type of a message that is not an event.
pub(in crate::event) const PLAIN: &str = "plain";
/// The key of a tombstone that is not text, in base64.
const KEY_BYTES: &str = "partitionkeybase64";

/// Wraps a message that is not an event (`--plain`): the type is `plain`, the source the topic, the id the position,
/// and the bytes are the data.
#[must_use]
pub fn wrap_plain(stored: &Stored) -> Message {
    wrap(stored, PLAIN, Vec::new())
}

/// Wraps a message whose payload is null (`--tombstones deliver`): the type is `tombstone`, the source the topic, the id the
/// position. Its key is `partitionkey`, or in base64 `partitionkeybase64` if it is not text. There are no data.
#[must_use]
pub fn wrap_tombstone(stored: &Stored) -> Message {
    let key = stored.message.key.as_deref().map(|key| {
        let (name, text) = match std::str::from_utf8(key) {
            Ok(text) if !text.contains(char::is_control) => (names::PARTITION_KEY, text.to_owned()),
            _ => (KEY_BYTES, STANDARD.encode(key)),
        };
        (Cow::Borrowed(name), Cow::Owned(quoted(&text)))
    });
    wrap(stored, "tombstone", key.into_iter().collect())
}

fn wrap(stored: &Stored, ty: &str, extensions: Vec<Extension<'_>>) -> Message {
    let mut message = stored.message.clone();
    let given = message.headers.text("content-type");
    let kind = given
        .filter(|kind| !media::is_event(kind))
        .map(ToOwned::to_owned);
    message
        .headers
        .retain(|name| !binary::is_event_header(name));
    let payload = stored.message.payload.as_deref();
    let source = format!("/{}", percent::encode(stored.message.topic.as_str()));
    let envelope = Envelope {
        id: Cow::Borrowed(stored.position.as_str()),
        source: Cow::Owned(source),
        ty: Cow::Borrowed(ty),
        subject: None,
        time: Some(Cow::Owned(format_time(stored.time))),
        datacontenttype: kind.map(Cow::Owned),
        dataschema: None,
        extensions,
        data: payload
            .filter(|_| ty != "tombstone")
            .map_or(Data::None, Data::Bytes),
        form: Form::Binary,
    };
    let mut out = Vec::with_capacity(256);
    // Only `data_base64` that is no base64 cannot be written, and there is none.
    let written = structured::write(&mut out, &envelope);
    debug_assert!(written.is_ok());
    message.payload = Some(out.into());
    message
}
