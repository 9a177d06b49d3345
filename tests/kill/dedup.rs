//! A publish that is killed and run again with `--dedup`: every event is stored once.

use test_support::{
    harness::Pf,
    nats::{Broker, Raw},
    programs::ids,
};

/// More than one batch.
const COUNT: usize = 2500;

fn publish_twice(pf: &Pf, point: &str) {
    let line = |id: String| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"order","data":{{}}}}"#
        ) + "\n"
    };
    let lines: String = ids("e", COUNT).into_iter().map(line).collect();
    pf.write("events.ndjson", &lines);
    let file = || std::fs::File::open(pf.path("events.ndjson")).unwrap();
    let publish = ["publish", "--ndjson", "--dedup", "--quiet"];
    let mut killed = pf.command(&publish);
    killed.stdin(file()).env("PF_FAILPOINT", point);
    assert!(!killed.status().unwrap().success(), "{point} is reached");
    let again = pf.command(&publish).stdin(file()).status().unwrap();
    assert!(again.success(), "{point}: {again}");
    let tail = ["tail", "order", "--until-end", "-o", "event"];
    let stored = pf.run(&tail).succeeded().json();
    let mut stored: Vec<_> = stored
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    stored.sort_unstable();
    assert_eq!(stored, ids("e", COUNT), "{point}");
}

#[test]
fn on_sqlite_the_key_is_stored_with_its_event() {
    for point in ["publish.before", "publish.after"] {
        for nth in [1, 2] {
            publish_twice(&Pf::new(), &format!("sqlite.{point}:{nth}"));
        }
    }
}

#[test]
fn on_nats_the_server_knows_what_it_stored() {
    for point in ["sent", "confirmed"] {
        let broker = Broker::start();
        let raw = Raw::new(&broker.url(""), "SHOP");
        raw.make(raw.prepared());
        let pf = Pf::bare().env("PF_URL", &broker.url("SHOP"));
        publish_twice(&pf, &format!("nats.{point}:1"));
    }
}
