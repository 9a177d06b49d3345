//! Plain messages wrapped as events, for handlers that ask for them (`--plain`).

use std::borrow::Cow;

use crate::event::{
    Data, Envelope, Form, Message, Stored, codec::binary, codec::media, codec::percent,
    codec::structured, time::format_time,
};

/// Wraps a message that is not an event (`--plain`): the type is `plain`, the source the topic, the id the position,
/// and the bytes are the data.
#[must_use]
pub fn wrap_plain(stored: &Stored) -> Message {
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
        ty: Cow::Borrowed("plain"),
        subject: None,
        time: Some(Cow::Owned(format_time(stored.time))),
        datacontenttype: kind.map(Cow::Owned),
        dataschema: None,
        extensions: Vec::new(),
        data: payload.map_or(Data::None, Data::Bytes),
        form: Form::Binary,
    };
    let mut out = Vec::with_capacity(256);
    // Only `data_base64` that is no base64 cannot be written, and there is none.
    let written = structured::write(&mut out, &envelope);
    debug_assert!(written.is_ok());
    message.payload = Some(out.into());
    message
}
