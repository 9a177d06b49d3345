//! Reading a message of any form as an event: structured, binary in every dialect, the Go library's and hexa-event's.

use crate::event::{
    EventError, Form, Message, attributes::draft::Draft, codec::binary, codec::envelope::Envelope,
    codec::hexa, codec::protobuf, codec::structured, json::walk,
};

impl<'a> TryFrom<&'a Message> for Envelope<'a> {
    type Error = EventError;

    fn try_from(message: &'a Message) -> Result<Self, EventError> {
        let (draft, form) = read_draft(message)?;
        draft.finish(form)
    }
}

/// Reads the attributes of a message of any form.
pub(in crate::event) fn read_draft(message: &Message) -> Result<(Draft<'_>, Form), EventError> {
    let marks = binary::Marks::of(&message.headers)?;
    if marks.is_batch() {
        let what = "a batch of events in one message".to_owned();
        return Err(EventError::NotAnEvent(what));
    }
    let mut draft = if marks.is_protobuf() {
        let mut draft = protobuf::read(message.bytes())?;
        marks.add_plain_headers(&message.headers, &mut draft)?;
        return Ok((draft, Form::Protobuf));
    } else if marks.is_structured() {
        structured(message)?
    } else if marks.is_hexa() {
        return Ok((hexa::read::record(message)?, Form::Hexa));
    } else if !marks.is_binary() {
        let text = walk::without_byte_order_mark(message.bytes());
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(no_event(message));
        }
        match (structured(message), hexa::read::envelope) {
            (Ok(draft), _) => draft,
            (Err(error), envelope) => {
                let draft = envelope(message).unwrap_or(Err(error))?;
                return Ok((draft, Form::Hexa));
            }
        }
    } else {
        // The Go library repeats the attributes of a structured event as headers, without a content type.
        match structured(message) {
            Ok(draft) if !marks.has_content_type() && marks.repeats(&draft) => draft,
            _ => return Ok((binary::read(message, &marks)?, Form::Binary)),
        }
    };
    marks.add_plain_headers(&message.headers, &mut draft)?;
    Ok((draft, Form::Structured))
}

fn structured(message: &Message) -> Result<Draft<'_>, EventError> {
    structured::read(walk::utf8(walk::without_byte_order_mark(message.bytes()))?)
}

fn no_event(message: &Message) -> EventError {
    let what = match message.payload.as_deref() {
        None => "a null payload without attributes in headers",
        Some([]) => "an empty payload without attributes in headers",
        Some(_) => "no JSON object in the payload and no attributes in headers",
    };
    EventError::NotAnEvent(what.to_owned())
}
