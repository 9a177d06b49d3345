//! Runs that wait in the handler beside those that it works on.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use protoflow::{
    runtime::{End, Handler, Outcome, Run},
    transport::Delivery,
};

use crate::harness::Bench;

type Seen = Arc<Mutex<Vec<String>>>;

/// A handler in which runs wait.
struct Booth {
    /// What came, in its order.
    seen: Seen,
    /// Whether it works on anything.
    open: bool,
}

#[async_trait]
impl Handler for Booth {
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        // A look at the event that takes long enough to count as work.
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(1) {}
        let position = delivery.stored.position.to_string();
        self.seen.lock().unwrap().push(position);
        if self.open {
            tokio::task::yield_now().await;
            return Outcome::Ack(Vec::new());
        }
        run.recalled.cancelled().await;
        Outcome::Return
    }

    fn ahead(&self) -> usize {
        4
    }
}

fn booth(open: bool) -> (Booth, Seen) {
    let seen = Seen::default();
    let booth = Booth {
        seen: Arc::clone(&seen),
        open,
    };
    (booth, seen)
}

#[tokio::test]
async fn they_come_to_it_in_the_order_of_the_topic() {
    let bench = Bench::with_events(200).await;
    let (booth, seen) = booth(true);
    let summary = bench.run(booth).await.unwrap();
    assert_eq!(summary.acked, 200);
    let seen = seen.lock().unwrap();
    let numbers: Vec<u64> = seen.iter().map(|at| at.parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[tokio::test]
async fn at_the_end_they_are_given_back_uncounted() {
    let mut bench = Bench::with_events(50).await;
    bench.options.jobs = 2;
    let (booth, seen) = booth(false);
    let stop = bench.stop.clone();
    let end = async {
        while seen.lock().unwrap().len() < 6 {
            tokio::task::yield_now().await;
        }
        stop.drain.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run(booth), end);
    let summary = summary.unwrap();
    assert_eq!(summary.end, Some(End::Drained));
    assert_eq!(
        seen.lock().unwrap().len(),
        6,
        "two at work and four that wait"
    );
    assert_eq!((summary.acked, summary.retried), (0, 0));
}

#[tokio::test]
async fn where_runs_have_a_time_limit_none_waits() {
    let mut bench = Bench::with_events(50).await;
    bench.options.jobs = 2;
    bench.options.handler_timeout = Some(Duration::from_mins(1));
    let (booth, seen) = booth(false);
    let stop = bench.stop.clone();
    let end = async {
        while seen.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
        stop.drain.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run(booth), end);
    assert_eq!(summary.unwrap().acked, 0);
    assert_eq!(seen.lock().unwrap().len(), 2);
}
