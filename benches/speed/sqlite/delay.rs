//! How late what is due, and what is new, reaches a waiting handler in another process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};

use protoflow::{event::Message, transport::Outgoing};

use super::setup::{self, Setup};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::block_on,
    rounds::{median, report},
};

const SAMPLES: usize = 200;

pub fn lateness(plan: &Plan) {
    for pending in [0, plan.events * 5] {
        let setup = Setup::new();
        let store = setup.empty_store("delay.db");
        block_on(schedule_far(&store, pending));
        let due =
            |n: usize| Some(SystemTime::now() + Duration::from_millis(300 + 7 * (n as u64 % 40)));
        let late = measure(&store, due);
        let (middle, p99) = spread(late);
        let figure = format!("median {middle:.1?}, p99 {p99:.1?} with {pending} others pending");
        report(
            "delay, due to handled",
            &figure,
            "<= 20 ms",
            middle <= Duration::from_millis(20),
        );
    }
}

pub fn wake(_: &Plan) {
    let setup = Setup::new();
    let store = setup.empty_store("wake.db");
    let late = measure(&store, |_| None);
    let (middle, p99) = spread(late);
    let met = middle <= Duration::from_millis(20) && p99 <= Duration::from_millis(50);
    report(
        "wake, stored to handled",
        &format!("median {middle:.1?}, p99 {p99:.1?}"),
        "20/50 ms",
        met,
    );
    let share = idle_share(&store);
    report(
        "wake, idle processor share",
        &format!("{:.2} %", share * 100.0),
        "< 1 %",
        share < 0.01,
    );
}

pub fn spread(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (median(times.clone()), times[times.len() * 99 / 100])
}

/// Publishes one by one and returns how long after its time each reached a worker of another process.
fn measure(store: &Path, due: impl Fn(usize) -> Option<SystemTime>) -> Vec<Duration> {
    let (mut consumer, arrivals) = waiting_consumer(store);
    let late = block_on(async {
        let transport = setup::open(store).await;
        let mut late = Vec::new();
        for number in 0..SAMPLES {
            let message = Message::new(TOPIC.parse().unwrap(), events::event(number));
            let due = due(number);
            let results = transport
                .publish(vec![Outgoing {
                    message,
                    due,
                    dedup: false,
                }])
                .await;
            assert!(results.into_iter().all(|result| result.is_ok()));
            let reference = due.unwrap_or_else(SystemTime::now);
            let arrived: SystemTime = arrivals.recv_timeout(Duration::from_secs(10)).unwrap();
            late.push(arrived.duration_since(reference).unwrap_or_default());
        }
        transport.close().await.unwrap();
        late
    });
    consumer.kill().unwrap();
    consumer.wait().unwrap();
    late
}

/// Starts a consumer whose handler echoes, and a thread that notes when.
fn waiting_consumer(store: &Path) -> (Child, mpsc::Receiver<SystemTime>) {
    let arguments = ["consume", TOPIC, "--group", "bench", "--jobs", "8"];
    let mut consumer = setup::pf(store, &arguments)
        .args(["--", "sh", "-c", "echo x"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(consumer.stdout.take().unwrap()).lines();
    let (sender, arrivals) = mpsc::channel();
    thread::spawn(move || {
        for line in lines {
            if line.is_err() || sender.send(SystemTime::now()).is_err() {
                return;
            }
        }
    });
    let mut first = setup::pf(store, &["publish", TOPIC, "{}"]);
    assert!(first.stdout(Stdio::null()).status().unwrap().success());
    arrivals.recv_timeout(Duration::from_secs(10)).unwrap();
    (consumer, arrivals)
}

async fn schedule_far(store: &Path, count: usize) {
    let transport = setup::open(store).await;
    let due = Some(SystemTime::now() + Duration::from_hours(24));
    for start in (0..count).step_by(1000) {
        let batch = (start..start + 1000)
            .map(|number| Outgoing {
                message: Message::new(TOPIC.parse().unwrap(), events::event(number)),
                due,
                dedup: false,
            })
            .collect();
        assert!(
            transport
                .publish(batch)
                .await
                .into_iter()
                .all(|result| result.is_ok())
        );
    }
    transport.close().await.unwrap();
}

/// Returns the share of one processor that a waiting consumer takes.
fn idle_share(store: &Path) -> f64 {
    let (mut consumer, _arrivals) = waiting_consumer(store);
    let before = ticks(consumer.id());
    let pause = Duration::from_secs(5);
    thread::sleep(pause);
    let spent = ticks(consumer.id()) - before;
    consumer.kill().unwrap();
    consumer.wait().unwrap();
    std::io::stdout().flush().unwrap();
    spent / 100.0 / pause.as_secs_f64()
}

/// Returns hundredths of a second of processor time, as Linux counts them.
pub fn ticks(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let behind = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}
