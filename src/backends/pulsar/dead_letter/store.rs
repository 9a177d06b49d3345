//! A dead letter as a message of `<topic>-<group>-DLQ`: the original, behind its properties those that Java's clients write,
//! then the letter's id and metadata.

use crate::{
    backends::pulsar::{
        codec::{
            message::Outbound,
            properties::{ADDED, COPY, LETTER, LETTER_ID, Marks, TOPIC},
            retry::{ORIGIN_MESSAGE_ID, REAL_SUBSCRIPTION, REAL_TOPIC, RECONSUME_TIMES, json},
        },
        connection::{handle::Connection, names::Names, producer::Producer},
    },
    event::Message,
    transport::{DeadLetter, DeadLetterRecord, Result},
};

/// Stores a letter by a producer of its topic, and returns once that is confirmed. `copy` is how often it was imported after
/// it had been resolved.
pub(crate) async fn store(
    connection: &Connection,
    producer: &Producer,
    letter: &DeadLetter,
    copy: u32,
) -> Result<()> {
    let outbound = encode(&connection.config.names, letter, copy);
    producer.send(outbound).await.map(drop)
}

fn encode(names: &Names, letter: &DeadLetter, copy: u32) -> Outbound {
    let record = &letter.record;
    let mut message = letter.message.clone();
    let mut marks = Marks::default().with(ADDED, add_java(names, record, &mut message));
    if message.topic != record.origin.topic {
        marks = marks.with(TOPIC, message.topic.as_str());
    }
    if copy > 0 {
        marks = marks.with(COPY, copy.to_string());
    }
    let marks = marks
        .with(LETTER, json(&record.fit(DeadLetterRecord::MAX_LEN)))
        .with(LETTER_ID, letter.id.as_str());
    Outbound::internal(&message, &marks)
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
