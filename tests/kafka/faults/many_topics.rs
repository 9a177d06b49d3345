//! A pattern over many topics, each with a topic of retries.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use test_support::{
    kafka::records::Record,
    programs::{Running, is_long},
    wait::until,
};

use super::world::World;

/// Bytes of retries that wait in all topics together, and of each: more than what is kept of them may take.
const WAITING: usize = 64 << 20;
const SIZE: usize = 1024;
/// How much more memory all topics may take than one.
const GROWTH: usize = 64 << 20;

/// Fails the first run of each event, and notes the second one.
const HANDLE: &str = r#"[ "$PF_DELIVERY_ATTEMPT" -gt 1 ] && echo "$PF_EVENT_ID" >> "$HANDLED""#;

fn count() -> usize {
    if is_long() { 300 } else { 40 }
}

fn topics() -> Vec<String> {
    (0..count())
        .map(|number| format!("many.{number}"))
        .collect()
}

fn publish(world: &World, start: &str) {
    let mut lines = String::new();
    for topic in topics() {
        let event = json!({
            "specversion": "1.0", "id": format!("{start}-{topic}"), "source": "/test", "type": topic, "data": {},
        });
        let _ = writeln!(lines, "{event}");
    }
    let input = world.programs.path(start);
    fs::write(&input, lines).unwrap();
    let mut command = world.pf(&["publish", "--ndjson", "-q"]);
    let status = command.stdin(fs::File::open(input).unwrap()).status();
    assert!(status.unwrap().success());
}

fn consumer(world: &World, pattern: &str) -> Command {
    let group = world.group();
    let mut command = world.pf(&["consume", pattern, "--group", &group, "-q", "--jobs", "4"]);
    command.args(["--backoff", "10ms", "--", "sh", "-c", HANDLE]);
    command
}

/// Returns the most memory that a program has had.
fn peak(running: &Running) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse::<usize>().unwrap() * 1024
}

/// Runs a consumer until so many events are handled; returns the most memory that it had.
fn handle(world: &World, pattern: &str, count: usize) -> usize {
    let start = Instant::now();
    let running = Running::start(&mut consumer(world, pattern));
    let handled = || world.handled().into_iter().collect::<BTreeSet<_>>().len();
    until("all are handled", || handled() >= count);
    let most = peak(&running);
    println!("{pattern}: {count} handled in {:?}", start.elapsed());
    running.drain();
    most
}

/// Stores retries that wait for an hour in every topic of retries.
fn put_off(world: &World) {
    let start = world.name(&format!("pf.{}.many.", world.group()));
    let mut retries = world.raw.topics();
    retries.retain(|name| name.starts_with(&start) && name.strip_suffix(".delay").is_some());
    assert_eq!(retries.len(), count());
    let now = std::time::SystemTime::now() + Duration::from_hours(1);
    let due = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let due = u64::try_from(due).unwrap();
    let writer = world.raw.writer();
    for retries in retries {
        let topic = retries
            .strip_prefix(&start)
            .unwrap()
            .split('.')
            .next()
            .unwrap();
        let topic = format!("many.{topic}");
        let record = |number: usize| Record {
            partition: Some(0),
            key: Some(format!("{topic}/0/{}", 1_000_000 + number).into_bytes()),
            headers: vec![(
                "pf-waiting".to_owned(),
                Some(json!({"due": due, "topic": topic}).to_string().into_bytes()),
            )],
            payload: Some(vec![b'x'; SIZE]),
        };
        writer.write(
            &retries,
            &(0..WAITING / SIZE / count())
                .map(record)
                .collect::<Vec<_>>(),
        );
    }
}

#[test]
fn many_topics_take_little_more_memory_than_one() {
    let world = World::new();
    let names: Vec<String> = topics().iter().map(|topic| world.name(topic)).collect();
    world.raw.make_all(&names);
    publish(&world, "one");
    let one = handle(&world, "many.0", 1);
    let all = handle(&world, "many.*", count());
    put_off(&world);
    publish(&world, "two");
    let waiting = handle(&world, "many.*", 2 * count());
    let mib = |bytes: usize| bytes >> 20;
    println!(
        "memory with one topic {} MiB, with {} {} MiB, with {} MiB of retries {} MiB",
        mib(one),
        count(),
        mib(all),
        mib(WAITING),
        mib(waiting)
    );
    assert!(all.max(waiting) < one + GROWTH);
}
