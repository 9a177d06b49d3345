//! Replays on Pulsar, killed with many letters in flight, or together with the broker: exactly once where topics recognise
//! duplicates; elsewhere letters of unknown outcome stay, and are named.

use std::{collections::HashMap, process::Stdio};

use test_support::{pulsar::Broker, wait::wait_while};

use crate::{judge::Judge as _, points::side_by_side, pulsar::Pulsar, store::Store};

/// Refuses every event.
const REFUSE: &str = r#"while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    echo "{\"id\":\"$id\",\"action\":\"dead_letter\",\"reason\":\"refused\"}"
done"#;

/// Returns a store with so many dead letters.
fn letters(namespace: &Pulsar, count: usize) -> Store {
    let mut store = Store::new(Box::new(namespace.clone()));
    assert!(store.publish(count, None, |_| {}).success());
    wait_while(|| namespace.not_due() > 0);
    let arguments = ["consume", "order.created", "--group", "payments"];
    let mut consume = store.pf(&arguments);
    consume.args([
        "--until-end",
        "--no-breaker",
        "--worker",
        "--",
        "sh",
        "-c",
        REFUSE,
    ]);
    store.run(consume);
    assert_eq!(namespace.read().dead.len(), count, "all are dead letters");
    store
}

/// Replays everything; returns what was printed, and whether it was killed.
fn replay(store: &mut Store, armed: Option<&str>) -> (String, bool) {
    let mut replay = store.pf(&["dlq", "replay", "--all", "--yes", "-o", "json"]);
    if let Some(armed) = armed {
        replay.env("PF_FAILPOINT", armed);
    }
    let output = replay.stdout(Stdio::piped()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed, output.status.code().is_none())
}

/// Counts the replays of each letter.
fn replays(namespace: &Pulsar) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for (_, letter) in namespace.read().replays {
        *counts.entry(letter).or_default() += 1;
    }
    counts
}

fn assert_each_once(namespace: &Pulsar, count: usize, what: &str) {
    let replays = replays(namespace);
    let doubled = replays.values().filter(|count| **count > 1).count();
    println!("{what}: {} replayed, {doubled} doubled", replays.len());
    assert_eq!((replays.len(), doubled), (count, 0), "{what}");
    assert_eq!(namespace.read().dead, [""; 0], "{what}");
}

#[test]
fn a_replay_in_flight_is_exact_where_duplicates_are_recognised() {
    let points = ["announced", "published", "committed"];
    side_by_side(&points, |point| {
        let namespace = Pulsar::new(Broker::shared(), true);
        let mut store = letters(&namespace, 300);
        let point = format!("pulsar.replay_{point}");
        assert!(replay(&mut store, Some(&point)).1, "{point} is reached");
        assert!(!replay(&mut store, None).1);
        assert_each_once(&namespace, 300, &point);
    });
}

#[test]
fn letters_of_unknown_outcome_stay_where_duplicates_are_not_recognised() {
    // How many letters are published when the program dies, and how many stay.
    let points = [
        ("announced", 0, 300),
        ("published", 300, 300),
        ("committed", 300, 0),
    ];
    side_by_side(&points, |(point, published, left)| {
        let namespace = Pulsar::new(Broker::shared(), false);
        let mut store = letters(&namespace, 300);
        let point = format!("pulsar.replay_{point}");
        assert!(replay(&mut store, Some(&point)).1, "{point} is reached");
        let (printed, killed) = replay(&mut store, None);
        assert!(!killed);
        let replays = replays(&namespace);
        assert!(replays.values().all(|count| *count == 1), "{point}");
        assert_eq!(replays.len(), *published, "{point}");
        assert_eq!(namespace.read().dead.len(), *left, "{point}");
        let named = printed.matches("\"outcome\":\"ambiguous\"").count();
        assert_eq!(named, *left, "{point}: {printed}");
    });
}

#[test]
fn a_replay_is_exact_while_the_broker_is_killed() {
    let broker: &'static Broker = Box::leak(Box::new(Broker::start()));
    let namespace = Pulsar::new(broker, true);
    let mut store = letters(&namespace, 2000);
    let mut child = store
        .pf(&["dlq", "replay", "--all", "--yes", "--rate", "400"])
        .spawn()
        .unwrap();
    wait_while(|| namespace.progress().0 == 0);
    broker.kill();
    broker.restart();
    let status = child.wait().unwrap();
    println!("the replay ended with {status}");
    for _ in 0..3 {
        replay(&mut store, None);
    }
    assert_each_once(&namespace, 2000, "the broker killed");
    broker.kill();
}
