//! Replaying and firing in transactions.

use std::thread;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::Consumer as _,
    message::Message as _,
    producer::{BaseRecord, Producer as _},
};

use super::{
    LOOK, Raw, TIMEOUT, assign, bounds_of,
    publish::{Confirmed, Producer, drain, send, structured},
};

/// Letters in a transaction, and events that are fired in one, as the product takes them.
const LETTERS: usize = 1000;
const FIRED: usize = 500;
/// What the product writes of a message that is replayed.
const REPLAYED: usize = 230;

impl Raw {
    fn transactional(&self, id: &str) -> Producer {
        let config = self.config(&[
            ("transactional.id", id),
            ("linger.ms", "0"),
            ("sticky.partitioning.linger.ms", "200"),
            ("retry.backoff.ms", "1"),
            ("queue.buffering.max.messages", "20000"),
            ("partitioner", "murmur2_random"),
        ]);
        let producer: Producer = config.create_with_context(Confirmed::default()).unwrap();
        producer.init_transactions(TIMEOUT).unwrap();
        producer
    }

    /// Lets letters wait again, with a receipt for each batch, in one transaction each; `edit` changes events on the way.
    pub fn replay(
        &self,
        letters: &str,
        (retries, state): (&str, &str),
        edit: Option<crate::events::Edit>,
    ) -> usize {
        let producer = self.transactional(&format!("{state}-owner"));
        let mut count = 0;
        self.scan(letters, |message| {
            if count % LETTERS == 0 {
                producer.begin_transaction().unwrap();
            }
            let key = format!("replay/{count}");
            let record = BaseRecord::to(retries)
                .key(&key)
                .headers(structured(&[REPLAYED]));
            let payload = message.payload().unwrap();
            match edit {
                Some(edit) => send(&producer, record.payload(&*edit(payload))),
                None => send(&producer, record.payload(payload)),
            }
            count += 1;
            if count % LETTERS == 0 {
                receipt(&producer, state, count);
            }
        });
        if count % LETTERS > 0 {
            receipt(&producer, state, count);
        }
        count
    }

    /// Publishes all that waits: events, the ends of what waited and the position, in one transaction each time.
    pub fn fire(&self, delays: &str, target: &str) {
        let bounds = bounds_of(&self.reader("read_uncommitted"), delays);
        thread::scope(|scope| {
            for (partition, low, high) in bounds {
                if low < high {
                    scope.spawn(move || self.fire_partition((delays, partition), high, target));
                }
            }
        });
    }

    fn fire_partition(&self, (delays, partition): (&str, i32), high: i64, target: &str) {
        let producer = self.transactional(&format!("{delays}-{partition}"));
        let consumer = self.reader("read_committed");
        assign(&consumer, delays, &[(partition, 0, high)]);
        let (mut open, mut next) = (0, 0);
        while next < high {
            let Some(polled) = consumer.poll(LOOK) else {
                continue;
            };
            let message = polled.unwrap();
            if open == 0 {
                producer.begin_transaction().unwrap();
            }
            let payload = message.payload().unwrap();
            let event = BaseRecord::<(), _>::to(target).headers(structured(&[]));
            send(&producer, event.payload(payload));
            let end = BaseRecord::<_, ()>::to(delays).partition(partition);
            send(&producer, end.key(message.key().unwrap()));
            (open, next) = (open + 1, message.offset() + 1);
            if open == FIRED || next == high {
                let mut moved = TopicPartitionList::new();
                let at = Offset::Offset(next);
                moved.add_partition_offset(delays, partition, at).unwrap();
                let group = consumer.group_metadata().unwrap();
                let sent = producer.send_offsets_to_transaction(&moved, &group, TIMEOUT);
                sent.unwrap();
                drain(&producer);
                producer.commit_transaction(TIMEOUT).unwrap();
                open = 0;
            }
        }
    }
}

fn receipt(producer: &Producer, state: &str, count: usize) {
    let key = format!("letter/{count}");
    let payload = vec![b'x'; LETTERS * 16];
    send(producer, BaseRecord::to(state).key(&key).payload(&payload));
    drain(producer);
    producer.commit_transaction(TIMEOUT).unwrap();
}
