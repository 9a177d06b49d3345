//! Consuming in a group.

use std::time::{Duration, Instant};

use rdkafka::{
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, Message as _},
    producer::BaseRecord,
};

use super::{
    Raw, header_bytes,
    publish::{LETTER, Producer, drain, send, structured},
};
use crate::{events, raw::Fate};

/// How often a position is committed.
const COMMIT: Duration = Duration::from_secs(1);
/// What the product writes of a message that is to be tried again.
const RETRIED: usize = 160;

/// Where a group works.
pub struct Shop<'a> {
    pub group: &'a str,
    pub topic: &'a str,
    pub letters: &'a str,
    pub retries: &'a str,
    pub fates: fn(u64, bool) -> Fate,
}

impl Raw {
    /// Consumes so many messages. What is to be tried again, and letters, are confirmed before the position moves.
    pub fn consume(&self, shop: &Shop<'_>, events: usize) {
        let config = self.config(&[
            ("group.id", shop.group),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("fetch.queue.backoff.ms", "5"),
            ("heartbeat.interval.ms", "500"),
            ("session.timeout.ms", "6000"),
            ("partition.assignment.strategy", "cooperative-sticky"),
        ]);
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[shop.topic, shop.retries]).unwrap();
        let producer = self.stream();
        let mut settled = 0;
        let mut commit_at = Instant::now() + COMMIT;
        while settled < events {
            let Some(polled) = consumer.poll(Duration::from_millis(1)) else {
                producer.poll(Duration::ZERO);
                continue;
            };
            settled += usize::from(handle(&producer, shop, &polled.unwrap()));
            if Instant::now() > commit_at {
                drain(&producer);
                commit(&consumer, CommitMode::Async);
                commit_at = Instant::now() + COMMIT;
            }
        }
        drain(&producer);
        commit(&consumer, CommitMode::Sync);
    }
}

/// Does what is to be done about a message; reports whether that was the last of it.
fn handle(producer: &Producer, shop: &Shop<'_>, message: &BorrowedMessage<'_>) -> bool {
    std::hint::black_box(header_bytes(message));
    let Some(payload) = message.payload() else {
        return false;
    };
    let again = message.topic() == shop.retries;
    match (shop.fates)(events::number(payload), again) {
        Fate::Ack if again => {
            let end = BaseRecord::<_, ()>::to(shop.retries).partition(message.partition());
            send(producer, end.key(message.key().unwrap()));
            true
        }
        Fate::Ack => true,
        Fate::Retry => {
            let key = format!(
                "{}/{}/{}",
                shop.topic,
                message.partition(),
                message.offset()
            );
            let record = BaseRecord::to(shop.retries).key(&key);
            send(
                producer,
                record.headers(structured(&[RETRIED])).payload(payload),
            );
            producer.poll(Duration::ZERO);
            false
        }
        Fate::Dead => {
            let letter = BaseRecord::<(), _>::to(shop.letters).partition(message.partition());
            send(
                producer,
                letter.headers(structured(&LETTER)).payload(payload),
            );
            producer.poll(Duration::ZERO);
            true
        }
    }
}

/// Commits what was handed out; that nothing new was is no failure.
fn commit(consumer: &BaseConsumer, mode: CommitMode) {
    match consumer.commit_consumer_state(mode) {
        Ok(()) | Err(KafkaError::ConsumerCommit(Code::NoOffset)) => {}
        Err(failed) => panic!("{failed}"),
    }
}
