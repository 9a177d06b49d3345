//! A topic of numbered records, and what a reader saw of it.

use std::{sync::Arc, time::Duration};

use protoflow::{
    event::Stored,
    transport::{ErrorKind, Settlement, SubscribeRequest, Subscription, TransportError, Verdict},
};
use test_support::kafka::records::Record;
use tokio::time::timeout;

use super::shelf::{Shelf, topic};

/// Together more than any client reads ahead.
pub(crate) const RECORDS: usize = 400;
pub(crate) const SIZE: usize = 100_000;
/// The first that retention leaves.
pub(crate) const LEFT: usize = 390;
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// What was read, and what was told of what could not be.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) numbers: Vec<usize>,
    pub(crate) gaps: Vec<String>,
}

impl Seen {
    pub(crate) fn note(&mut self, stored: &Stored) {
        let payload = stored.message.payload.as_ref().unwrap();
        let digits = payload.iter().take_while(|byte| byte.is_ascii_digit());
        let number = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        self.numbers.push(number);
    }

    pub(crate) fn miss(&mut self, failed: &TransportError) {
        if !failed.is_transient() {
            assert_eq!(failed.kind(), ErrorKind::Gap, "{failed}");
            self.gaps.push(failed.to_string());
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.numbers.last() == Some(&(RECORDS - 1))
    }

    /// Everything came that was there, and what did not is told.
    pub(crate) fn judge(self) {
        let before = self.numbers.iter().take_while(|number| **number < LEFT);
        let before = before.count();
        assert!(before < LEFT, "retention was faster than the reader");
        let all: Vec<usize> = (0..before).chain(LEFT..RECORDS).collect();
        assert_eq!(self.numbers, all);
        let missed = format!("retention removed {} records", LEFT - before);
        assert!(
            matches!(&self.gaps[..], [told] if told.contains(&missed)),
            "{missed}: {:?}",
            self.gaps
        );
    }
}

pub(crate) fn big(number: usize) -> Record {
    Record {
        payload: Some(format!("{number:03}{}", "x".repeat(SIZE)).into_bytes()),
        ..Record::default()
    }
}

pub(crate) async fn large() -> Shelf {
    let shelf = Shelf::new(1).await;
    shelf.make("order", &[]);
    let records: Vec<_> = (0..RECORDS).map(big).collect();
    shelf.raw.write(&shelf.name("order"), &records);
    shelf
}

pub(crate) fn remove(shelf: &Shelf) {
    let name = shelf.name("order");
    let left = i64::try_from(LEFT).unwrap();
    shelf.aside(|raw| raw.remove_before(&name, 0, left));
}

pub(crate) async fn handle(group: &dyn Subscription, seen: &mut Seen) {
    assert!(handle_more(group, seen).await, "it ended");
}

/// Handles what comes next; reports whether it has not ended.
pub(crate) async fn handle_more(group: &dyn Subscription, seen: &mut Seen) -> bool {
    let deliveries = match timeout(TIMEOUT, group.next(100)).await.unwrap() {
        Ok(deliveries) => deliveries,
        Err(failed) => {
            seen.miss(&failed);
            return true;
        }
    };
    let has_more = !deliveries.is_empty();
    let mut settlements = Vec::new();
    for delivery in deliveries {
        seen.note(&delivery.stored);
        let verdict = Verdict::Ack;
        settlements.push(Settlement { delivery, verdict });
    }
    let settled = group.settle(settlements).await;
    assert!(settled.iter().all(Result::is_ok));
    has_more
}

pub(crate) fn request(group: &str) -> SubscribeRequest {
    SubscribeRequest::new(group.parse().unwrap(), vec![topic("order").into()])
}

pub(crate) async fn join(shelf: &Shelf, group: &str) -> Arc<dyn Subscription> {
    shelf.transport.subscribe(request(group)).await.unwrap()
}

pub(crate) fn small(number: usize) -> Record {
    Record {
        payload: Some(format!("{number:03}").into_bytes()),
        ..Record::default()
    }
}
