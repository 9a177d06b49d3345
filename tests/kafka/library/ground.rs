//! What the other tests stand on: the broker, and the client that knows nothing of ours.

use std::time::Instant;

use test_support::kafka::{Broker, Raw, records::Record};

fn record(number: u8) -> Record {
    Record {
        key: (number > 0).then(|| vec![0xff, number]),
        headers: vec![
            ("a".to_owned(), Some(vec![number])),
            ("b".to_owned(), None),
            ("a".to_owned(), Some(Vec::new())),
        ],
        payload: (number != 1).then(|| vec![number]),
        ..Record::default()
    }
}

#[test]
fn records_survive_a_kill_byte_for_byte() {
    let start = Instant::now();
    let broker = Broker::start();
    println!("started in {:?}", start.elapsed());
    let raw = Raw::new(broker.address());
    raw.make("order", 1, &[]);
    let records: Vec<_> = (0..100).map(record).collect();
    raw.write("order", &records);
    broker.kill();
    let start = Instant::now();
    broker.restart();
    println!("started again in {:?}", start.elapsed());
    let found = raw.topic("order");
    assert_eq!(found.len(), records.len());
    for (found, wanted) in found.iter().zip(&records) {
        assert_eq!(found.key, wanted.key);
        assert_eq!(found.headers, wanted.headers);
        assert_eq!(found.payload, wanted.payload);
    }
}

#[test]
fn only_what_is_committed_is_read_as_committed() {
    let broker = Broker::shared();
    let raw = Raw::new(broker.address());
    raw.make("transactions", 2, &[]);
    for (number, is_committed) in [(0_u8, true), (1, false), (2, true), (3, false)] {
        let record = Record {
            partition: Some(0),
            payload: Some(vec![number]),
            ..Record::default()
        };
        raw.write_together("transactions", &[record], is_committed);
    }
    let payloads = |found: Vec<test_support::kafka::records::Stored>| -> Vec<_> {
        found.into_iter().filter_map(|one| one.payload).collect()
    };
    assert_eq!(payloads(raw.topic("transactions")), [[0], [2]]);
    let all = payloads(raw.uncommitted("transactions"));
    assert_eq!(all, [[0], [1], [2], [3]]);
    assert_eq!(raw.count("transactions"), 8, "four of them marks");
    assert_eq!(raw.topic("nothing.of.this.name"), []);
    assert_eq!(raw.commits("nobody", "transactions"), []);
    assert_eq!(raw.members("nobody"), 0);
}

#[test]
#[should_panic(expected = "broker.id")]
fn a_failed_start_tells_why() {
    drop(Broker::start_with(&["node.id=none"]));
}
