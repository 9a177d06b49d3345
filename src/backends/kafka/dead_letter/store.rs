//! A dead letter as a record of `<topic>.dlq`: the original, and behind its headers the letter's id and metadata.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    backends::kafka::{
        codec::record::{self, ID, LETTER, ORIGINAL, OutgoingRecord, TOPIC},
        connection::{
            access::{self, Access},
            client::settings,
            config::Config,
            handle::Connection,
            producer::Producer,
        },
        error::error,
    },
    event::Message,
    transport::{DeadLetter, DeadLetterRecord, ErrorKind, Result},
};

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

/// Stores a letter and returns once it is confirmed. Its topic exists.
///
/// A letter that does not fit is stored without the detail of its failure, else as a reference to the original.
pub(crate) async fn store(connection: &Arc<Connection>, letter: &DeadLetter) -> Result<()> {
    let topic = connection
        .names()
        .dead_letter_topic(&letter.record.origin.topic)?;
    let partitions = connection.topics.partitions(&topic).await?;
    let partitions = partitions.ok_or_else(|| {
        let message = format!("topic `{topic}` for dead letters does not exist");
        error(ErrorKind::NotFound, message).hint("`pf consume` creates it when it starts")
    })?;
    let place = (&*topic, partition(letter, partitions));
    let mut alone = None;
    for form in FORMS {
        let Some(record) = encode(connection, place, letter, form).await? else {
            continue;
        };
        let config = &connection.config;
        let mut answer = send(config, connection.producer().await?, record.clone()).await;
        if is_too_large(&answer) {
            // A broker judges a whole batch, and other records may have been in it.
            if alone.is_none() {
                alone = Some(lone_producer(connection)?);
            }
            if let Some(producer) = &alone {
                answer = send(config, producer, record).await;
            }
        }
        if !is_too_large(&answer) {
            answer?;
            return Ok(());
        }
    }
    let message = format!("a dead letter does not fit `{topic}`, not even as a reference");
    Err(error(ErrorKind::TooLarge, message).hint("raise the topic's `max.message.bytes`"))
}

/// Returns the bytes of a batch with nothing but the record of a letter, at least: with as little metadata as it can have.
pub(crate) fn size(letter: &DeadLetter) -> Result<u64> {
    /// A batch's own, and what a record has besides names, values, key and payload.
    const OVERHEAD: usize = 61 + 8;
    /// The two lengths of a header.
    const LENGTHS: usize = 2;
    let message = &letter.message;
    let metadata = record::json(&letter.record.brief())?;
    let own = LETTER.len() + metadata.len() + ID.len() + letter.id.as_str().len() + 2 * LENGTHS;
    let headers = message.headers.iter();
    let part = |part: Option<&Bytes>| part.map_or(0, Bytes::len);
    let headers = headers.map(|(name, value)| name.len() + part(value) + LENGTHS);
    let (key, payload) = (part(message.key.as_ref()), part(message.payload.as_ref()));
    let size = key + payload + headers.sum::<usize>() + own + OVERHEAD;
    Ok(size as u64)
}

fn is_too_large(answer: &Result<()>) -> bool {
    matches!(answer, Err(failed) if failed.kind() == ErrorKind::TooLarge)
}

fn lone_producer(connection: &Connection) -> Result<Producer> {
    let mut settings = settings::one_shot(&connection.config, true);
    settings.set("batch.num.messages", "1");
    Producer::new(&settings)
}

async fn send(config: &Config, producer: &Producer, record: OutgoingRecord) -> Result<()> {
    let topic = record.topic.clone();
    let answer = producer.send_one(record).await;
    let access = Access::topic("Write", &topic);
    answer
        .map(drop)
        .map_err(|code| access::from_code(config, code, "storing a dead letter", access))
}

/// Letters keep the order of their originals: those of a partition are stored in one partition.
fn partition(letter: &DeadLetter, partitions: i32) -> Option<i32> {
    let original = record::parse_position(&letter.record.origin.position)?;
    Some(original.partition.rem_euclid(partitions.max(1)))
}

async fn encode(
    connection: &Arc<Connection>,
    (topic, partition): (&str, Option<i32>),
    letter: &DeadLetter,
    form: Form,
) -> Result<Option<OutgoingRecord>> {
    let metadata = record::json(&match form {
        Form::Whole => letter.record.fit(DeadLetterRecord::MAX_LEN),
        Form::WithoutDetail | Form::Reference => letter.record.brief(),
    })?;
    let original = &letter.record.origin.position;
    let mut headers: Vec<(&'static str, &[u8])> =
        vec![(LETTER, &metadata), (ID, letter.id.as_str().as_bytes())];
    if letter.message.topic != letter.record.origin.topic {
        headers.push((TOPIC, letter.message.topic.as_str().as_bytes()));
    }
    let mut record = OutgoingRecord {
        topic: topic.to_owned(),
        partition,
        key: letter.message.key.clone(),
        payload: letter.message.payload.clone(),
        headers: None,
    };
    if form == Form::Reference {
        if !is_here(connection, &letter.record).await? {
            return Ok(None);
        }
        headers.push((ORIGINAL, original.as_str().as_bytes()));
        let bare = Message::new(letter.message.topic.clone(), "");
        record.headers = Some(record::headers(&bare, &headers));
        (record.key, record.payload) = (None, None);
    } else {
        record.headers = Some(record::headers(&letter.message, &headers));
    }
    Ok(Some(record))
}

/// Reports whether the original is in this store, as far as its position shows.
async fn is_here(connection: &Arc<Connection>, record: &DeadLetterRecord) -> Result<bool> {
    let is_known = record::parse_position(&record.origin.position).is_some();
    Ok(is_known && record.origin.store == connection.store().await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backends::kafka::dead_letter::foreign, event::Position};

    #[test]
    fn letters_of_a_partition_stay_together() {
        let mut letter = foreign::sample();
        letter.record.origin.position = Position::new("order/7/3");
        assert_eq!(partition(&letter, 6), Some(1));
        letter.record.origin.position = Position::new("17");
        assert_eq!(partition(&letter, 6), None, "its key decides");
    }
}
