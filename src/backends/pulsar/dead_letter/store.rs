//! A dead letter as a message of `<topic>-<group>-DLQ`: the original, behind its properties those that Java's clients write,
//! then the letter's id and metadata.

use bytes::Bytes;

use crate::{
    backends::pulsar::{
        codec::{
            message::Outbound,
            message_id::parse_position,
            properties::{ADDED, COPY, LETTER, LETTER_ID, Marks, ORIGINAL, TOPIC},
            retry::{ORIGIN_MESSAGE_ID, REAL_SUBSCRIPTION, REAL_TOPIC, RECONSUME_TIMES, json},
        },
        connection::{handle::Connection, names::Names, producer::Producer},
        error::error,
    },
    event::{Headers, Message},
    transport::{DeadLetter, DeadLetterRecord, ErrorKind, Result},
};

/// What the producer adds to a message: its name, a number, a time.
const ENVELOPE: usize = 512;

/// How much of a letter is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// Without the detail of its failure.
    WithoutDetail,
    /// Without its message too, which is still in its topic.
    Reference,
}

const FORMS: [Form; 3] = [Form::Whole, Form::WithoutDetail, Form::Reference];

/// Stores a letter by a producer of its topic, and returns once that is confirmed. `copy` is how often it was imported after
/// it had been resolved.
///
/// A letter that does not fit is stored without the detail of its failure, else as a reference to the original.
pub(crate) async fn store(
    connection: &Connection,
    producer: &Producer,
    letter: &DeadLetter,
    copy: u32,
) -> Result<()> {
    let limit = connection.any().await?.max_message_size;
    let outbound = fit(&connection.config.names, letter, copy, limit)?;
    producer.send(outbound).await.map(drop)
}

fn fit(names: &Names, letter: &DeadLetter, copy: u32, limit: usize) -> Result<Outbound> {
    let forms = FORMS.into_iter();
    let mut forms = forms.filter_map(|form| encode(names, letter, copy, form));
    let fitting = forms.find(|outbound| outbound.size() + ENVELOPE <= limit);
    fitting.ok_or_else(|| {
        let message = "a dead letter is larger than a message may be, even as a reference";
        error(ErrorKind::TooLarge, message)
            .hint("`maxMessageSize` in the configuration of the brokers and bookies sets the limit")
    })
}

/// Encodes a letter; none if it has no such form.
fn encode(names: &Names, letter: &DeadLetter, copy: u32, form: Form) -> Option<Outbound> {
    let record = &letter.record;
    let metadata = json(&match form {
        Form::Whole => record.fit(DeadLetterRecord::MAX_LEN),
        Form::WithoutDetail | Form::Reference => record.brief(),
    });
    let position = &record.origin.position;
    let mut marks = Marks::default();
    let mut message = letter.message.clone();
    if form == Form::Reference {
        if !is_here(names, record) {
            return None;
        }
        marks = marks.with(ORIGINAL, position.as_str());
        (message.key, message.payload) = (None, Some(Bytes::new()));
        message.headers = Headers::new();
    }
    marks = marks.with(ADDED, add_java(names, record, &mut message));
    if message.topic != record.origin.topic {
        marks = marks.with(TOPIC, message.topic.as_str());
    }
    if copy > 0 {
        marks = marks.with(COPY, copy.to_string());
    }
    let marks = marks
        .with(LETTER, metadata)
        .with(LETTER_ID, letter.id.as_str());
    Some(Outbound::internal(&message, &marks))
}

/// Adds what Java's clients write, unless it is there; returns the names of what was added.
fn add_java(names: &Names, record: &DeadLetterRecord, message: &mut Message) -> String {
    let position = record.origin.position.as_str();
    let id = position.rsplit('/').next().unwrap_or(position);
    let java = [
        (REAL_TOPIC, names.full(record.origin.topic.as_str())),
        (REAL_SUBSCRIPTION, record.group.to_string()),
        (ORIGIN_MESSAGE_ID, id.to_owned()),
        (RECONSUME_TIMES, record.attempts.to_string()),
    ];
    let mut added = Vec::with_capacity(java.len());
    for (name, value) in java {
        if message.headers.iter().all(|(known, _)| known != name) {
            message.headers.push_known(name, Some(value.into()));
            added.push(name);
        }
    }
    added.join(" ")
}

/// Reports whether the original is in this store, as far as its position shows.
fn is_here(names: &Names, record: &DeadLetterRecord) -> bool {
    record.origin.store == names.namespace && parse_position(&record.origin.position).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::pulsar::dead_letter::foreign;

    fn names() -> Names {
        Names::new("public", "default").unwrap()
    }

    #[test]
    fn a_letter_that_does_not_fit_loses_its_detail_and_then_its_message() {
        let mut letter = foreign::sample();
        letter.record.failure.detail = Some("d".repeat(3_000));
        letter.message.payload = Some(Bytes::from(vec![b'x'; 10_000]));
        let size = |limit| fit(&names(), &letter, 0, limit).map(|outbound| outbound.size());
        assert!(size(20_000).unwrap() > 13_000);
        assert!(size(13_000).unwrap() < 12_500);
        assert!(size(3_000).unwrap() < 2_500);
        assert_eq!(size(600).unwrap_err().kind(), ErrorKind::TooLarge);
        letter.record.origin.store = "elsewhere".to_owned();
        let gone = fit(&names(), &letter, 0, 3_000);
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
