//! Publishing.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{DeliveryResult, Header, OwnedHeaders, ToBytes},
    producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext},
};

use super::Raw;

/// Records between two looks at what was confirmed.
const TURN: usize = 256;
/// How long to rest where nothing was confirmed.
const REST: Duration = Duration::from_micros(100);
/// What the product writes of a message that waits.
const DELAYED: usize = 60;
/// The same of a letter.
pub(super) const LETTER: [usize; 2] = [520, 12];
const ROOM: [u8; 1024] = [b'x'; 1024];

/// Counts what is confirmed, and ends the benchmark at what is not.
#[derive(Default)]
pub(super) struct Confirmed(AtomicUsize);

impl ClientContext for Confirmed {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext<NoCustomPartitioner> for Confirmed {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) type Producer = BaseProducer<Confirmed>;

impl Raw {
    pub(super) fn stream(&self) -> Producer {
        let config = self.config(&[
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("linger.ms", "5"),
            ("queue.buffering.max.messages", "20000"),
            ("partitioner", "murmur2_random"),
        ]);
        config.create_with_context(Confirmed::default()).unwrap()
    }

    /// Stores events.
    pub fn publish(&self, topic: &str, payloads: &[Vec<u8>]) {
        self.store(topic, payloads, &[]);
    }

    /// Stores what looks like letters.
    pub fn bury(&self, letters: &str, payloads: &[Vec<u8>]) {
        self.store(letters, payloads, &LETTER);
    }

    fn store(&self, topic: &str, payloads: &[Vec<u8>], known: &[usize]) {
        let producer = self.stream();
        for (number, payload) in payloads.iter().enumerate() {
            let record = BaseRecord::<(), _>::to(topic).headers(structured(known));
            send(&producer, record.payload(payload));
            if number % TURN == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        drain(&producer);
        let confirmed = Producer::context(&producer).0.load(Ordering::Relaxed);
        assert_eq!(confirmed, payloads.len());
    }

    /// Stores one event the shortest way.
    pub fn publish_once(&self, topic: &str, payload: &str) {
        let config = self.config(&[
            ("acks", "all"),
            ("enable.idempotence", "false"),
            ("max.in.flight", "1"),
            ("linger.ms", "0"),
            ("allow.auto.create.topics", "false"),
        ]);
        let producer = config.create_with_context(Confirmed::default()).unwrap();
        let record = BaseRecord::<(), _>::to(topic).headers(structured(&[]));
        send(&producer, record.payload(payload));
        drain(&producer);
    }

    /// Stores events that are due.
    pub fn enqueue(&self, delays: &str, payloads: &[Vec<u8>]) {
        let producer = self.stream();
        for (number, payload) in payloads.iter().enumerate() {
            let key = format!("{number:026}");
            let record = BaseRecord::to(delays)
                .key(&key)
                .headers(structured(&[DELAYED]));
            send(&producer, record.payload(payload));
            if number % TURN == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        drain(&producer);
    }
}

/// Sends a record; a full queue holds the caller back.
pub(super) fn send<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(
    producer: &Producer,
    record: BaseRecord<'_, K, P>,
) {
    let mut record = Some(record);
    while let Some(next) = record.take() {
        match producer.send(next) {
            Ok(()) => {}
            Err((KafkaError::MessageProduction(Code::QueueFull), refused)) => {
                producer.poll(Duration::from_millis(1));
                record = Some(refused);
            }
            Err((failed, _)) => panic!("{failed}"),
        }
    }
}

pub(super) fn drain(producer: &Producer) {
    loop {
        let before = producer.in_flight_count();
        if before == 0 {
            return;
        }
        producer.poll(Duration::ZERO);
        // The client's own wait would keep a processor busy.
        if producer.in_flight_count() == before {
            thread::park_timeout(REST);
        }
    }
}

/// Returns the headers of an event, and behind them those of these lengths with what is known of it.
pub(super) fn structured(known: &[usize]) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new_with_capacity(1 + known.len()).insert(Header {
        key: "content-type",
        value: Some("application/cloudevents+json"),
    });
    for length in known {
        headers = headers.insert(Header {
            key: "pf-waiting",
            value: Some(&ROOM[..*length]),
        });
    }
    headers
}
