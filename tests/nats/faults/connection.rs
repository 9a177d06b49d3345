//! The connection is cut, or one side of it reads nothing.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use test_support::{
    nats::raw::Stored,
    programs::{count, ids},
    proxy::Proxy,
    wait::until,
};

use super::world::World;

/// How long the connection is cut; this is what is tested.
const CUT: Duration = Duration::from_secs(10);

#[test]
fn ten_seconds_without_a_connection_lose_nothing() {
    const COUNT: usize = 20_000;
    let mut world = World::new();
    let proxy = Proxy::to(&world.address());
    world.reach_by(proxy.address());
    let publishing = world.publish("e", COUNT, &["--rate", "5000"]);
    let limit = COUNT.to_string();
    let mut consumer = world.consumer(&["--count", &limit]).spawn().unwrap();
    until("some are handled", || world.handled().len() > COUNT / 10);
    proxy.cut();
    let end = Instant::now() + CUT;
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        thread::park_timeout(rest);
    }
    proxy.join();
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    let stored: Vec<_> = world.raw.topic("order").iter().map(Stored::id).collect();
    let outcome = count("publish, cut off for 10 s", &accepted, &stored);
    assert_eq!((accepted.len(), outcome), (COUNT, (0, 0)));
    assert!(consumer.wait().unwrap().success());
    let mut rest = world.consumer(&["--until-end"]);
    until("nothing is left", || {
        assert!(rest.status().unwrap().success());
        let group = world.raw.group("billing").unwrap();
        (group.num_pending, group.num_ack_pending) == (0, 0)
    });
    let outcome = count(
        "consume, cut off for 10 s",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= 1000, "{} doubled", outcome.1);
}

#[test]
fn a_tail_whose_reader_stands_still_misses_nothing() {
    const COUNT: usize = 50_000;
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "write_deadline: \"500ms\"\n").unwrap();
    let world = World::without_stream(&["-c", config.path().to_str().unwrap()]);
    world.raw.make(world.raw.prepared());
    let limit = COUNT.to_string();
    let mut tail = world.pf(&[
        "tail", "order", "--since", "1h", "--count", &limit, "-o", "event",
    ]);
    let mut tail = tail.stdout(Stdio::piped()).spawn().unwrap();
    // Nobody reads what it prints until all is published.
    world.fill("e", COUNT);
    let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let event = |line: String| -> serde_json::Value { serde_json::from_str(&line).unwrap() };
    let seen: Vec<String> = lines
        .map(|line| event(line.unwrap())["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(tail.wait().unwrap().success());
    let outcome = count("tail, its reader stands still", &ids("e", COUNT), &seen);
    assert_eq!(outcome, (0, 0));
    assert_eq!(seen, ids("e", COUNT), "the order");
}

#[test]
fn a_listing_ends_when_the_server_is_gone_for_good() {
    const COUNT: usize = 30_000;
    let world = World::new();
    world.fill("bad", COUNT);
    let status = world.consumer(&["--until-end"]).status().unwrap();
    assert_eq!(status.code(), Some(4), "some are letters now");
    let mut list = world.pf(&["dlq", "list", "-o", "json"]);
    let list = list.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut list = list.spawn().unwrap();
    let mut lines = BufReader::new(list.stdout.take().unwrap()).lines();
    // It cannot go on: what it reads ahead and what a pipe holds is less than there is.
    assert!(lines.next().unwrap().unwrap().contains("dead_letter"));
    world.broker.kill();
    assert!(
        lines.count() < 3 * COUNT / 10 - 1,
        "it was not in the middle"
    );
    let output = list.wait_with_output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{complaint}");
    assert!(complaint.contains("the server went away"), "{complaint}");
}
