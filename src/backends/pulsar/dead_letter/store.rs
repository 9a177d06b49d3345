//! A dead letter as a message of `<topic>-<group>-DLQ`: the original, and behind its properties the letter's id and metadata,
//! then those that Java's clients write.

use crate::{
    backends::pulsar::codec::{
        message::Outbound,
        properties::{LETTER, LETTER_ID, Marks},
        retry::{ORIGIN_MESSAGE_ID, REAL_SUBSCRIPTION, REAL_TOPIC, json},
    },
    transport::{DeadLetter, DeadLetterRecord, Result},
};

/// Encodes a dead letter.
pub(crate) fn encode(letter: &DeadLetter) -> Result<Outbound> {
    let record = &letter.record;
    let origin = record.origin.position.as_str();
    let java = [
        (REAL_TOPIC, record.origin.topic.as_str()),
        (REAL_SUBSCRIPTION, record.group.as_str()),
        (
            ORIGIN_MESSAGE_ID,
            origin.rsplit('/').next().unwrap_or(origin),
        ),
    ];
    let mut message = letter.message.clone();
    for (name, value) in java {
        message
            .headers
            .push_known(name, Some(value.to_owned().into()));
    }
    let marks = Marks::default()
        .with(LETTER, json(&record.fit(DeadLetterRecord::MAX_LEN)))
        .with(LETTER_ID, letter.id.as_str());
    Ok(Outbound::internal(&message, &marks))
}
