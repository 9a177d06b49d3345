//! Runs that wait in the handler beside those that it works on.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use protoflow::{
    event::encode,
    runtime::{BreakerOptions, End, Handler, Outcome, Run, Summary, describe_failure},
    transport::{Delivery, Outgoing},
};
use tokio::sync::{Notify, oneshot};

use crate::harness::{Bench, numbered, topic};

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

    fn max_queued(&self) -> usize {
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

/// Drains a consumer as soon as its handler, which works on nothing, was given this many runs; returns how many it was given.
async fn drained_once_there_are(count: usize, bench: &Bench) -> (Summary, usize) {
    let (booth, seen) = booth(false);
    let end = async {
        while seen.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
        bench.stop.drain.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run(booth), end);
    let came = seen.lock().unwrap().len();
    (summary.unwrap(), came)
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
    let (summary, came) = drained_once_there_are(6, &bench).await;
    assert_eq!(summary.end, Some(End::Drained));
    assert_eq!(came, 6, "two at work and four that wait");
    assert_eq!((summary.acked, summary.retried), (0, 0));
}

#[tokio::test]
async fn where_runs_have_a_time_limit_none_waits() {
    let mut bench = Bench::with_events(50).await;
    bench.options.jobs = 2;
    bench.options.handler_timeout = Some(Duration::from_mins(1));
    let (summary, came) = drained_once_there_are(2, &bench).await;
    assert_eq!((summary.acked, came), (0, 2));
}

/// Gives up what comes first, once as much waits as may; everything else waits to be recalled.
struct Fussy {
    came: Arc<AtomicUsize>,
    inside: Arc<AtomicUsize>,
}

#[async_trait]
impl Handler for Fussy {
    async fn handle(&self, _: &Delivery, run: &Run) -> Outcome {
        let is_first = self.came.fetch_add(1, Ordering::SeqCst) == 0;
        self.inside.fetch_add(1, Ordering::SeqCst);
        if is_first {
            while self.came.load(Ordering::SeqCst) <= self.max_queued() {
                tokio::task::yield_now().await;
            }
        } else {
            run.recalled.cancelled().await;
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
        if is_first {
            Outcome::DeadLetter(describe_failure("test", "not this one", None))
        } else {
            Outcome::Return
        }
    }

    fn max_queued(&self) -> usize {
        4
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_breaker_opens_they_are_given_back() {
    let mut bench = Bench::with_events(50).await;
    bench.options.request.until_end = false;
    bench.options.breaker = BreakerOptions {
        in_a_row: 1,
        ..BreakerOptions::default()
    };
    let (came, inside) = (Arc::new(AtomicUsize::new(0)), Arc::default());
    let handler = Fussy {
        came: Arc::clone(&came),
        inside: Arc::clone(&inside),
    };
    let drain = bench.stop.drain.clone();
    let end = async {
        while came.load(Ordering::SeqCst) < 6 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(inside.load(Ordering::SeqCst), 1, "one, to see how it goes");
        drain.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run(handler), end);
    assert_eq!(summary.unwrap().dead_lettered, 1);
}

/// Makes every run wait, and works for a while on each; for too long on the first.
struct Late(AtomicUsize);

impl Late {
    const LIMIT: Duration = Duration::from_secs(4);
}

#[async_trait]
impl Handler for Late {
    async fn handle(&self, _: &Delivery, run: &Run) -> Outcome {
        let is_first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        tokio::time::sleep(Self::LIMIT * 5 / 2).await;
        run.start.mark();
        let quarters = if is_first { 7 } else { 3 };
        tokio::select! {
            () = tokio::time::sleep(Self::LIMIT * quarters / 4) => Outcome::Ack(Vec::new()),
            () = run.abort.cancelled() => Outcome::Return,
        }
    }

    fn max_queued(&self) -> usize {
        1
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_counts_from_when_a_run_begins() {
    let mut bench = Bench::with_events(3).await;
    bench.options.handler_timeout = Some(Late::LIMIT);
    let summary = bench.run(Late(AtomicUsize::new(0))).await.unwrap();
    assert_eq!((summary.acked, summary.retried), (3, 1));
    assert_eq!(bench.log.count("retry in 1s: took longer than 4s"), 1);
}

/// Begins with the first event alone. The third, which fails at once, sees the first two end: in that moment the consumer
/// has looked at the first and not yet at the second.
struct Relay {
    came: AtomicUsize,
    looks: Arc<AtomicUsize>,
    first: Mutex<Option<oneshot::Sender<()>>>,
    second: Mutex<Option<oneshot::Sender<()>>>,
}

impl Relay {
    async fn until_told(slot: &Mutex<Option<oneshot::Sender<()>>>, looks: Option<&AtomicUsize>) {
        let (tell, mut told) = oneshot::channel();
        *slot.lock().unwrap() = Some(tell);
        poll_fn(|context| {
            if let Some(looks) = looks {
                looks.fetch_add(1, Ordering::SeqCst);
            }
            Pin::new(&mut told).poll(context)
        })
        .await
        .unwrap();
    }

    fn tell(slot: &Mutex<Option<oneshot::Sender<()>>>) {
        slot.lock().unwrap().take().unwrap().send(()).unwrap();
    }
}

#[async_trait]
impl Handler for Relay {
    async fn handle(&self, _: &Delivery, _: &Run) -> Outcome {
        let number = self.came.fetch_add(1, Ordering::SeqCst);
        match number {
            0 => Self::until_told(&self.first, Some(&self.looks)).await,
            1 => Self::until_told(&self.second, None).await,
            _ => {
                Self::tell(&self.first);
                Self::tell(&self.second);
            }
        }
        Outcome::DeadLetter(describe_failure("test", &format!("run {number}"), None))
    }

    fn max_queued(&self) -> usize {
        2
    }
}

#[tokio::test(start_paused = true)]
async fn the_runs_of_one_job_are_settled_in_the_order_in_which_they_came() {
    let mut bench = Bench::with_events(1).await;
    bench.options.request.until_end = false;
    let looks = Arc::new(AtomicUsize::new(0));
    let handler = Relay {
        came: AtomicUsize::new(0),
        looks: Arc::clone(&looks),
        first: Mutex::default(),
        second: Mutex::default(),
    };
    let end = async {
        // Once where it was begun, once among those that run.
        while looks.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        let encode = |number| {
            let encoding = bench.transport.encoding();
            encode(&numbered(number), topic(), encoding).unwrap()
        };
        let both = [1, 2].map(encode).map(Outgoing::from);
        bench.transport.publish(both.into()).await;
        while bench.log.count("dead") < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bench.stop.drain.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run(handler), end);
    assert_eq!(summary.unwrap().dead_lettered, 3);
    let letters = bench.letters().await;
    let order: Vec<_> = letters
        .iter()
        .map(|letter| letter.record.failure.message.as_str())
        .collect();
    assert_eq!(order, ["run 0", "run 1", "run 2"]);
}

/// Handles the first run until it is released; later ones wait to be recalled.
struct Slow {
    came: Arc<AtomicUsize>,
    go_on: Arc<Notify>,
}

#[async_trait]
impl Handler for Slow {
    async fn handle(&self, _: &Delivery, run: &Run) -> Outcome {
        if self.came.fetch_add(1, Ordering::SeqCst) == 0 {
            self.go_on.notified().await;
            return Outcome::Ack(Vec::new());
        }
        run.recalled.cancelled().await;
        Outcome::Return
    }

    fn max_queued(&self) -> usize {
        1
    }
}

#[tokio::test(start_paused = true)]
async fn what_did_not_begin_is_given_back_before_the_run_at_work_ends() {
    let bench = Bench::with_events(2).await;
    let (came, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let handler = Slow {
        came: Arc::clone(&came),
        go_on: Arc::clone(&go_on),
    };
    let end = async {
        while came.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        bench.stop.drain.cancel();
        while bench.log.count("returned") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(bench.log.count("acked"), 0);
        go_on.notify_one();
    };
    let (summary, ()) = tokio::join!(bench.run(handler), end);
    let summary = summary.unwrap();
    assert_eq!((summary.acked, summary.returned), (1, 1));
}
