//! Reading without a group.

use std::time::{Duration, Instant};

use rdkafka::{
    Offset,
    consumer::Consumer as _,
    message::{BorrowedMessage, Message as _},
};

use super::{LOOK, Raw, TIMEOUT, assign, bounds_of, header_bytes};

impl Raw {
    /// Reads what a topic holds now.
    pub fn scan(&self, topic: &str, mut take: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer = self.reader("read_committed");
        let mut spans = bounds_of(&consumer, topic);
        spans.retain(|(_, low, high)| low < high);
        assign(&consumer, topic, &spans);
        let mut left: Vec<Option<i64>> = vec![None; 6];
        for (partition, _, high) in spans {
            left[usize::try_from(partition).unwrap()] = Some(high);
        }
        while left.iter().any(Option::is_some) {
            if let Some(polled) = consumer.poll(LOOK) {
                let message = polled.unwrap();
                let high = &mut left[usize::try_from(message.partition()).unwrap()];
                if high.is_some_and(|high| message.offset() < high) {
                    take(&message);
                    high.take_if(|high| message.offset() + 1 >= *high);
                }
                continue;
            }
            for at in consumer.position().unwrap().elements() {
                let high = &mut left[usize::try_from(at.partition()).unwrap()];
                high.take_if(|high| matches!(at.offset(), Offset::Offset(next) if next >= *high));
            }
        }
    }

    /// Shows so many messages of a topic as they come.
    pub fn follow(&self, topic: &str, count: usize, mut take: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer = self.reader("read_committed");
        let spans: Vec<_> = (0..6).map(|partition| (partition, 0, 0)).collect();
        assign(&consumer, topic, &spans);
        let (mut seen, mut heard) = (0, Instant::now());
        while seen < count {
            if let Some(polled) = consumer.poll(LOOK) {
                take(&polled.unwrap());
                (seen, heard) = (seen + 1, Instant::now());
            }
            assert!(heard.elapsed() < TIMEOUT, "{seen} of {count} came");
        }
    }

    /// Reads what a topic holds with all headers and payloads, and counts it.
    pub fn count_records(&self, topic: &str) -> usize {
        let mut count = 0;
        self.scan(topic, |message| {
            let payload = message.payload().unwrap_or_default();
            let sum = payload
                .iter()
                .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
            std::hint::black_box((header_bytes(message), sum));
            count += 1;
        });
        count
    }

    /// Returns when the first and the last record of a topic were stored.
    pub fn span(&self, topic: &str) -> (Duration, Duration) {
        let mut times = Vec::new();
        self.scan(topic, |message| {
            let millis = message.timestamp().to_millis().unwrap();
            times.push(Duration::from_millis(millis.unsigned_abs()));
        });
        (*times.iter().min().unwrap(), *times.iter().max().unwrap())
    }
}
