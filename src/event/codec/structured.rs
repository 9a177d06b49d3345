//! Structured mode: the event as one JSON object.

use crate::event::{
    Data, Envelope, EventError, Form, Message, attributes::draft, attributes::draft::Draft,
    codec::binary::Marks, codec::content::Content, codec::media, json::walk::EVENT_DEPTH,
    json::write, json::write::ObjectWriter,
};

/// Reads the attributes of an event from a JSON object.
pub(in crate::event) fn read(text: &str) -> Result<Draft<'_>, EventError> {
    let draft = Draft::from_json(text, EVENT_DEPTH)?;
    if draft.specversion.is_none() && draft.id.is_none() && draft.ty.is_none() {
        let what = "a JSON object without `specversion`, `id` and `type`".to_owned();
        return Err(EventError::NotAnEvent(what));
    }
    Ok(draft)
}

/// Appends an event as one line of JSON; data and extensions keep every digit.
pub(in crate::event) fn write(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
) -> Result<(), EventError> {
    let mut object = begin(out, envelope);
    match &envelope.data {
        Data::None => {}
        Data::Json(raw) => object.json("data", raw),
        Data::Base64(text) if envelope.form != Form::Hexa => object.text("data_base64", text),
        Data::Base64(_) | Data::Bytes(_) => match envelope.content()? {
            Content::None => {}
            Content::Json(raw) => object.json("data", &raw),
            Content::Text(text) => {
                if envelope.datacontenttype.is_none() {
                    object.text("datacontenttype", media::TEXT);
                }
                object.text("data", &text);
            }
            Content::Bytes(bytes) => write::push_base64(object.name("data_base64"), &bytes),
        },
    }
    object.end();
    Ok(())
}

fn begin<'o>(out: &'o mut Vec<u8>, envelope: &Envelope<'_>) -> ObjectWriter<'o> {
    let mut object = ObjectWriter::begin(out);
    object.text("specversion", "1.0");
    object.text("id", &envelope.id);
    object.text("source", &envelope.source);
    object.text("type", &envelope.ty);
    let optional = [
        ("subject", &envelope.subject),
        ("time", &envelope.time),
        ("datacontenttype", &envelope.datacontenttype),
        ("dataschema", &envelope.dataschema),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            object.text(name, value);
        }
    }
    for (name, value) in &envelope.extensions {
        object.json(name, value);
    }
    object
}

/// Returns the payload of a structured event if it can be one line as it is.
pub(in crate::event) fn verbatim(message: &Message) -> Option<&[u8]> {
    let payload = message.payload.as_deref()?;
    let framed = payload.starts_with(b"{") && payload.ends_with(b"}");
    (framed && memchr::memchr2(b'\n', b'\r', payload).is_none()).then_some(payload)
}

/// Returns the payload if it is plainly an event and can be one line as it is.
pub(in crate::event) fn plain(message: &Message) -> Option<&[u8]> {
    let payload = verbatim(message)?;
    let marks = Marks::of(&message.headers).ok()?;
    (marks.leave_it_to_the_payload() && draft::is_plain_event(payload)).then_some(payload)
}

/// Appends the event of a message as one line of JSON, verbatim where that is possible.
///
/// # Errors
/// If the message is not an event.
pub fn write_event(out: &mut Vec<u8>, message: &Message) -> Result<(), EventError> {
    if let Some(text) = plain(message) {
        out.extend_from_slice(text);
        return Ok(());
    }
    let envelope = Envelope::read(message)?;
    match verbatim(message) {
        Some(text) if envelope.form == Form::Structured => {
            out.extend_from_slice(text);
            Ok(())
        }
        _ => write(out, &envelope),
    }
}
