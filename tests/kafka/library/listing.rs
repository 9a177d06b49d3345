//! Listing more of what waits than is kept at hand, or read at a time.

use std::time::{Duration, SystemTime};

use protoflow::{
    event::Message,
    transport::{Outgoing, Result},
};

use super::shelf::{Shelf, topic};

const COUNT: usize = 1500;
const SIZE: usize = 40_000;

#[tokio::test]
async fn nothing_is_left_out_of_what_waits_in_one_partition_of_many() {
    let shelf = Shelf::new(6).await;
    shelf.make("order", &[]);
    let start = SystemTime::now() + Duration::from_hours(2);
    let outgoing = |number: usize| Outgoing {
        message: Message {
            key: Some("the same".into()),
            ..Message::new(topic("order"), vec![b'x'; SIZE])
        },
        due: Some(start + Duration::from_secs((number * 7919 % COUNT) as u64)),
        dedup: false,
    };
    for first in (0..COUNT).step_by(50) {
        let batch = (first..first + 50).map(outgoing).collect();
        let stored = shelf.transport.publish(batch).await;
        assert!(stored.iter().all(Result::is_ok));
    }
    let mut scan = shelf.transport.schedules().scan().await.unwrap();
    let mut dues = Vec::new();
    loop {
        let some = scan.next(100).await.unwrap();
        if some.is_empty() {
            break;
        }
        dues.extend(some.into_iter().map(|schedule| schedule.due));
    }
    assert_eq!(dues.len(), COUNT);
    assert!(dues.is_sorted());
}
