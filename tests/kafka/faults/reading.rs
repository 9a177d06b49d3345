//! Reads that have an end, of a broker that goes away before it: they end too, soon, and say why.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
    time::{Duration, Instant},
};

use test_support::{
    kafka::{Broker, Raw, records::Record},
    programs::Programs,
};

/// Far more than a client reads ahead.
const RECORDS: usize = 160;
const SIZE: usize = 400_000;

/// Two times the `connect-timeout` of the URL, and time for a busy machine.
const SOON: Duration = Duration::from_secs(25);

/// Starts a command that prints a topic of large events, kills the broker behind the first line, and checks how it ends.
fn check(topic: &str, arguments: &[&str]) {
    let broker = Broker::start();
    let raw = Raw::new(broker.address());
    raw.make("order", 1, &[]);
    if topic != "order" {
        raw.make(topic, 1, &[]);
    }
    let text = "x".repeat(SIZE);
    let event =
        format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"order","data":"{text}"}}"#);
    let record = Record {
        payload: Some(event.into_bytes()),
        ..Record::default()
    };
    for records in vec![record; RECORDS].chunks(20) {
        raw.write(topic, records);
    }
    let programs = Programs::new(&[]);
    let url = broker.url("connect-timeout=2s");
    let mut command = programs.pf(&url, arguments);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().len() > SIZE);
    broker.kill();
    let killed = Instant::now();
    let rest = lines.map(Result::unwrap).count();
    let mut stderr = String::new();
    let mut errors = child.stderr.take().unwrap();
    errors.read_to_string(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    let took = killed.elapsed();
    assert_eq!(status.code(), Some(69), "{stderr}");
    assert!(rest + 1 < RECORDS, "it had read all of them before");
    let expected = format!("error: kafka: no broker answers at {}", broker.address());
    assert!(stderr.contains(&expected), "{stderr}");
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_tail_until_the_end_ends_with_its_broker() {
    check("order", &["tail", "order", "--until-end", "-o", "event"]);
}

#[test]
fn a_list_of_dead_letters_ends_with_its_broker() {
    check("order.dlq", &["dlq", "list", "-o", "json"]);
}
