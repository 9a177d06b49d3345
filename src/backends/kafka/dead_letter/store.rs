//! A dead letter as a record of `<topic>.dlq`: the original, and behind its headers the letter's name and story.

use std::{collections::HashMap, sync::Arc};

use super::foreign;
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, ID, LETTER, ORIGINAL, OutgoingRecord, TOPIC},
            topic_partition::TopicPartition,
        },
        connection::{
            admin::TopicSpec, client::settings, handle::Connection, names::Names,
            producer::Producer,
        },
        error::{self, error},
        read::offset_fetcher::OffsetFetcher,
    },
    event::{Message, Position, Topic},
    transport::{DeadLetter, ErrorKind, LetterId, LetterRecord, Result, TransportError},
};

/// Letters are kept until they are dealt with, and find room beside the largest message that most topics take.
const KEPT: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("max.message.bytes", "8388608"),
];

/// How much of a letter is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// Without the detail of its failure.
    Brief,
    /// Without its message too, which stands in its topic.
    Reference,
}

const FORMS: [Form; 3] = [Form::Whole, Form::Brief, Form::Reference];

/// Returns the topic of the dead letters of a topic as it has to be made.
pub(crate) fn wanted(connection: &Connection, topic: &Topic, partitions: i32) -> Result<TopicSpec> {
    Ok(TopicSpec {
        name: connection.names().dead_letter_topic(topic)?,
        partitions,
        settings: KEPT.to_vec(),
    })
}

/// Stores a letter and returns once it is confirmed. Its topic was made before.
///
/// A letter that does not fit is stored without the detail of its failure, else as a reference to the original.
pub(crate) async fn store(connection: &Arc<Connection>, letter: &DeadLetter) -> Result<()> {
    let topic = connection
        .names()
        .dead_letter_topic(&letter.record.origin.topic)?;
    let partitions = connection.topics.partitions(&topic).await?;
    let partitions = partitions.ok_or_else(|| {
        let message = format!("there is no topic `{topic}` for dead letters");
        error(ErrorKind::NotFound, message).hint("`pf consume` makes it when it starts")
    })?;
    let place = (&*topic, partition(letter, partitions));
    let mut alone = None;
    for form in FORMS {
        let Some(record) = lay_out(connection, place, letter, form).await? else {
            continue;
        };
        let mut answer = send(connection.producer().await?, record.clone()).await;
        if is_too_large(&answer) {
            // A broker judges a whole batch, and others may have been in it.
            if alone.is_none() {
                alone = Some(lone_producer(connection)?);
            }
            if let Some(producer) = &alone {
                answer = send(producer, record).await;
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

fn is_too_large(answer: &Result<()>) -> bool {
    matches!(answer, Err(failed) if failed.kind() == ErrorKind::TooLarge)
}

fn lone_producer(connection: &Connection) -> Result<Producer> {
    let mut settings = settings::one_shot(&connection.config, true);
    settings.set("batch.num.messages", "1");
    Producer::new(&settings)
}

async fn send(producer: &Producer, record: OutgoingRecord) -> Result<()> {
    let answers = producer.send(vec![record]).await;
    match answers.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err(code)) => Err(error::from_code(code, "storing a dead letter")),
        None => Err(TransportError::unanswered(
            crate::backends::kafka::error::SCHEME,
        )),
    }
}

/// Letters keep the order of their originals: those of a partition stand in one partition.
fn partition(letter: &DeadLetter, partitions: i32) -> Option<i32> {
    let (_, partition, _) = record::parse_position(&letter.record.origin.position)?;
    Some(partition.rem_euclid(partitions.max(1)))
}

async fn lay_out(
    connection: &Arc<Connection>,
    (topic, partition): (&str, Option<i32>),
    letter: &DeadLetter,
    form: Form,
) -> Result<Option<OutgoingRecord>> {
    let story = record::json(&match form {
        Form::Whole => letter.record.fit(LetterRecord::MAX_LEN),
        Form::Brief | Form::Reference => letter.record.brief(),
    })?;
    let original = &letter.record.origin.position;
    let mut marks: Vec<(&'static str, &[u8])> =
        vec![(LETTER, &story), (ID, letter.id.as_str().as_bytes())];
    if letter.message.topic != letter.record.origin.topic {
        marks.push((TOPIC, letter.message.topic.as_str().as_bytes()));
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
        marks.push((ORIGINAL, original.as_str().as_bytes()));
        let bare = Message::new(letter.message.topic.clone(), "");
        record.headers = Some(record::headers(&bare, &marks));
        (record.key, record.payload) = (None, None);
    } else {
        record.headers = Some(record::headers(&letter.message, &marks));
    }
    Ok(Some(record))
}

/// Reports whether the original stands in this store, as far as its position tells.
async fn is_here(connection: &Arc<Connection>, record: &LetterRecord) -> Result<bool> {
    let is_known = record::parse_position(&record.origin.position).is_some();
    Ok(is_known && record.origin.store == connection.store().await?)
}

/// A letter as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) letter: DeadLetter,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Where the message stands that the letter had no room for.
    pub(crate) reference: Option<Position>,
    /// Stored by somebody else's consumer, which knows nothing of our groups.
    pub(crate) is_foreign: bool,
}

/// Reads letters of records.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    store: String,
    names: Names,
    topics: HashMap<Arc<str>, Topic>,
}

impl Opener {
    /// Prepares to read the letters of a cluster.
    pub(crate) async fn new(connection: &Arc<Connection>) -> Result<Self> {
        Ok(Self {
            store: connection.store().await?,
            names: connection.names().clone(),
            topics: HashMap::new(),
        })
    }

    /// Reads a letter; none if the record stands in no topic of dead letters.
    pub(crate) fn open(&mut self, read: FetchedRecord) -> Option<Found> {
        let topic = if let Some(topic) = self.topics.get(&read.topic) {
            topic.clone()
        } else {
            let topic = self.names.origin_of(&read.topic)?;
            self.topics.insert(Arc::clone(&read.topic), topic.clone());
            topic
        };
        let at = format!("{topic}.dlq/{}/{}", read.partition, read.offset);
        let at = Position::new(at);
        let (name, partition, offset) = (Arc::clone(&read.topic), read.partition, read.offset);
        let reference = read.marks.get(ORIGINAL).and_then(text).map(Position::new);
        let (mut letter, reference, is_foreign) = if let Some((id, record)) = ours(&read) {
            let topic = read.marks.get(TOPIC).and_then(text);
            let topic = topic.and_then(|topic| topic.parse().ok());
            let topic = topic.unwrap_or_else(|| record.origin.topic.clone());
            let letter = DeadLetter {
                id,
                record,
                message: read.message(topic),
                at: None,
            };
            (letter, reference, false)
        } else {
            let (letter, reference) =
                foreign::letter(&self.names, &self.store, (&topic, &at), read)?;
            (letter, reference, true)
        };
        letter.at = Some(at);
        Some(Found {
            letter,
            topic: name,
            partition,
            offset,
            reference,
            is_foreign,
        })
    }
}

fn text(bytes: &bytes::Bytes) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn ours(read: &FetchedRecord) -> Option<(LetterId, LetterRecord)> {
    let record: LetterRecord = serde_json::from_slice(read.marks.get(LETTER)?).ok()?;
    let id = read.marks.get(ID).and_then(text);
    let id = id.map_or_else(
        || {
            let origin = &record.origin;
            let (store, position) = (&origin.store, &origin.position);
            LetterId::derive(store, position, &record.group, record.generation)
        },
        LetterId::from_stored,
    );
    Some((id, record))
}

impl Found {
    /// Returns where it stands: Kafka's name of the topic, the partition and the offset.
    pub(crate) fn place(&self) -> (&str, i32, i64) {
        (&self.topic, self.partition, self.offset)
    }

    /// Puts the original in the place of a reference, if it is still there. Blocks.
    pub(crate) fn dereference(&mut self, names: &Names, fetcher: &OffsetFetcher) -> Result<()> {
        let place = self.reference.as_ref().and_then(record::parse_position);
        let Some((topic, partition, offset)) = place else {
            return Ok(());
        };
        let read = match fetcher.read(
            &TopicPartition::new(names.topic_name(&topic)?, partition),
            &[offset],
        ) {
            Ok(mut found) => found.pop(),
            Err(failed) if failed.kind() == ErrorKind::NotFound => None,
            Err(failed) => return Err(failed),
        };
        if let Some(read) = read {
            self.reference = None;
            self.letter.message = read.message(self.letter.message.topic.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_a_partition_stay_together() {
        let mut letter = foreign::sample();
        letter.record.origin.position = Position::new("order/7/3");
        assert_eq!(partition(&letter, 6), Some(1));
        letter.record.origin.position = Position::new("17");
        assert_eq!(partition(&letter, 6), None, "its key decides");
    }
}
