//! What is for later: how fast it is fired, how late, and how soon after a start.

use std::{
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant, SystemTime},
};

use protoflow::{event::Message, transport::Outgoing};
use rdkafka::Message as _;

use super::setup::{Setup, ours, prefix};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::{block_on, open},
    rounds::{Target, compare, median, report},
};

/// Events that show that those who fire have read everything.
pub const PROBES: usize = 120;

/// Events in a call.
const BATCH: usize = 1000;

pub fn rate(plan: &Plan) {
    let setup = Setup::new();
    let raw = setup.raw();
    let payloads = events::events(plan.events);
    for round in 0..plan.rounds {
        if round > 0 {
            raw.make(&ours(round), &[]);
        }
        schedule(&setup, round, 0..plan.events, |_| Duration::from_millis(10));
        for topic in [format!("raw{round}.delay"), format!("raw{round}.fired")] {
            raw.make(&topic, &[]);
        }
        raw.enqueue(&format!("raw{round}.delay"), &payloads);
    }
    let ours = |round| {
        let start = Instant::now();
        let firing = firing(&setup, round);
        setup.raw().follow(&ours(round), plan.events, |_| {});
        let time = start.elapsed();
        end(firing);
        time
    };
    let raw = |round| {
        let (delays, target) = (format!("raw{round}.delay"), format!("raw{round}.fired"));
        let start = Instant::now();
        thread::scope(|scope| {
            let raw = setup.raw();
            let (from, to) = (&delays, &target);
            scope.spawn(move || raw.fire(from, to));
            setup.raw().follow(&target, plan.events, |_| {});
            start.elapsed()
        })
    };
    compare(
        "kafka firing what is due",
        Target::Speed(0.7),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// How late events come while others are being enqueued.
pub fn lateness(plan: &Plan) {
    let setup = Setup::new();
    let (mut middles, mut nearly_all, mut most) = (Vec::new(), Vec::new(), Duration::ZERO);
    for round in 0..plan.rounds {
        if round > 0 {
            setup.raw().make(&ours(round), &[]);
        }
        let mut late = late(&setup, round, plan.events);
        late.sort_unstable();
        nearly_all.push(late[late.len() * 99 / 100]);
        most = most.max(late[late.len() - 1]);
        middles.push(median(late));
    }
    let (middle, p99) = (median(middles), median(nearly_all));
    report(
        "kafka firing, lateness",
        &format!("median {middle:.1?}, p99 {p99:.1?}, most {most:.1?}"),
        "p99 <= 150 ms",
        p99 <= Duration::from_millis(150),
    );
}

/// Returns how late so many events come that are due one to eleven seconds after they were published.
fn late(setup: &Setup, round: usize, events: usize) -> Vec<Duration> {
    let due = |number: usize| Duration::from_millis(1000 + (number * 7919 % 10_000) as u64);
    // The first one only shows that somebody is there.
    schedule(setup, round, 0..1, |_| Duration::from_millis(1));
    let firing = firing(setup, round);
    setup.raw().follow(&ours(round), 1, |_| {});
    let dues = Mutex::new(vec![SystemTime::UNIX_EPOCH; events + 1]);
    let mut late = Vec::with_capacity(events + 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            schedule(setup, round, 1..events + 1, |number| {
                let due = due(number);
                dues.lock().unwrap()[number] = SystemTime::now() + due;
                due
            });
        });
        setup.raw().follow(&ours(round), events + 1, |message| {
            let number = events::number(message.payload().unwrap()) - 1;
            let due = dues.lock().unwrap()[usize::try_from(number).unwrap()];
            late.push(SystemTime::now().duration_since(due).unwrap_or_default());
        });
    });
    end(firing);
    late.remove(0);
    late
}

/// How soon what is due is fired after a start at which much more waits.
pub fn start(plan: &Plan) {
    let count = plan.events * 5;
    let setup = Setup::new();
    let delays = format!("{}pf.delay", prefix(0));
    schedule(&setup, 0, 0..count, |_| Duration::from_hours(24));
    let ours = |round| {
        // They are the last of every partition.
        schedule(&setup, 0, 0..PROBES, |_| Duration::from_millis(1));
        let start = Instant::now();
        let firing = firing(&setup, 0);
        setup.raw().follow(&ours(0), (round + 1) * PROBES, |_| {});
        let time = start.elapsed();
        end(firing);
        time
    };
    let raw = |_| {
        let start = Instant::now();
        assert!(setup.raw().count_records(&delays) >= count);
        start.elapsed()
    };
    let name = format!("kafka start with {count} that wait");
    compare(
        &name,
        Target::Time(3.0),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// Starts who fires.
pub fn firing(setup: &Setup, round: usize) -> Child {
    let mut pf = setup.pf(round, &["schedule", "run"]);
    pf.stdout(Stdio::null()).spawn().unwrap()
}

/// Lets it leave its group: the next one would wait until it is taken for dead.
fn end(mut firing: Child) {
    let id = firing.id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(told.success());
    firing.wait().unwrap();
}

/// Publishes events for later.
pub fn schedule(
    setup: &Setup,
    round: usize,
    numbers: std::ops::Range<usize>,
    after: impl Fn(usize) -> Duration,
) {
    let outgoing = |number| Outgoing {
        message: Message::new(TOPIC.parse().unwrap(), events::event(number)),
        due: Some(SystemTime::now() + after(number)),
        dedup: false,
    };
    block_on(async {
        let transport = open(&setup.url(round)).await;
        let mut at = numbers.start;
        while at < numbers.end {
            let to = (at + BATCH).min(numbers.end);
            let batch = (at..to).map(outgoing).collect();
            let results = transport.publish(batch).await;
            assert!(results.into_iter().all(|result| result.is_ok()));
            at = to;
        }
        transport.close().await.unwrap();
    });
}
