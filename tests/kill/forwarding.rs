//! Retries that an earlier version kept for all topics of a group together, moved to topics of their own by programs that
//! are killed at every step of that.

use std::{collections::BTreeSet, fs, process::Command};

use tempfile::TempDir;
use test_support::{kafka, wait::wait_while};

use crate::{kafka::Kafka, points::side_by_side, store::Store};

/// Where programs are killed; a partition after the other is moved.
const POINTS: [(&str, u32); 6] = [
    ("kafka.forwarding_begun", 1),
    ("kafka.forwarding_begun", 2),
    ("kafka.transaction_filled", 1),
    ("kafka.transaction_filled", 2),
    ("kafka.forwarded", 1),
    ("kafka.forwarded", 2),
];

fn ids(start: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("{start}{number}")).collect()
}

/// Prepares a consumer that notes the ids of what it handles.
fn consumer(store: &Store, topic: &str, folder: &TempDir) -> Command {
    let group = store.judge.group();
    let mut command = store.pf(&["consume", topic, "--group", &group, "--until-end"]);
    command
        .args(["--", "sh", "-c", r#"echo "$PF_EVENT_ID" >> "$HANDLED""#])
        .env("HANDLED", folder.path().join(topic));
    command
}

fn handled(folder: &TempDir, topic: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(folder.path().join(topic)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn retries_that_are_moved_are_neither_lost_nor_doubled_by_a_kill() {
    let broker = kafka::Broker::shared();
    side_by_side(&POINTS, |(point, nth)| {
        let name = format!("{point}-moved-{nth}");
        let topics = Kafka::new(broker, &name);
        topics.make_legacy();
        topics.put_off_as_earlier("order.created", &ids("order", 0..40));
        topics.put_off_as_earlier("payment.done", &ids("payment", 0..40));
        let store = Store::new(Box::new(Kafka::known(broker, &name)));
        let folder = TempDir::new().unwrap();

        let mut killed = consumer(&store, "order.created", &folder);
        let killed = killed
            .env("PF_FAILPOINT", format!("{point}:{nth}"))
            .status();
        assert!(!killed.unwrap().success(), "nothing reached {point}");
        // Members of the earlier version are still up.
        topics.put_off_as_earlier("order.created", &ids("order", 40..60));
        wait_while(|| {
            let is_left = topics.left_as_earlier() > 0;
            if is_left {
                let status = consumer(&store, "order.created", &folder).status();
                assert!(status.unwrap().success());
            }
            is_left
        });
        for (topic, start, count) in [
            ("order.created", "order", 60),
            ("payment.done", "payment", 40),
        ] {
            let status = consumer(&store, topic, &folder).status();
            assert!(status.unwrap().success());
            let wanted: BTreeSet<String> = ids(start, 0..count).into_iter().collect();
            assert_eq!(handled(&folder, topic), wanted, "{point}:{nth}, {topic}");
            let moved = topics.moved(topic);
            let doubled = moved.len() - moved.iter().collect::<BTreeSet<_>>().len();
            println!("{point}:{nth}, {topic}: {count} retries moved, lost 0, doubled {doubled}");
            assert_eq!(
                (moved.len(), doubled),
                (wanted.len(), 0),
                "{point}:{nth}, {topic}"
            );
        }
    });
}
