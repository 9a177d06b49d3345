//! What is refused of one topic, and holds up nothing of others.

use std::{
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use test_support::{harness::Run, kafka::records::Record, wait::wait_while};

use super::shop::Shop;

/// How long anything may take that is waited for.
const TIMEOUT: Duration = Duration::from_secs(40);

/// Ends a consumer, and returns what it said.
fn end(shop: &Shop, child: Child) -> Run {
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    shop.pf.finish(child)
}

/// Returns a retry of a topic as earlier versions stored it, due at a time in milliseconds since the epoch.
fn retry(topic: &str, number: u32, due: u64) -> Record {
    let story = format!(r#"{{"due":{due},"topic":"{topic}"}}"#);
    Record {
        partition: Some(0),
        key: Some(format!("{topic}/0/{number}").into_bytes()),
        headers: vec![("pf-waiting".to_owned(), Some(story.into_bytes()))],
        payload: Some(b"{}".to_vec()),
    }
}

#[test]
fn a_retry_of_an_earlier_version_that_cannot_be_moved_holds_up_no_other() {
    let shop = Shop::with_orders();
    let group = shop.name("mail");
    let legacy = shop.name(&format!("pf.{group}.delay"));
    shop.raw.make(&legacy, 1, &[("cleanup.policy", "compact")]);
    // Nobody can have a topic of that name; and the last one is due when nobody will wait any more.
    let later = 32_503_680_000_000;
    let retries = [
        retry("pf.x", 0, 1),
        retry("order.created", 1, 2),
        retry("order.created", 2, later),
    ];
    shop.raw.write(&legacy, &retries);
    let consume = ["consume", "order.created", "--group", &group, "--plain"];
    let child = shop.pf.spawn(&[&consume[..], &["--", "true"]].concat());
    let start = Instant::now();
    loop {
        let left = shop.raw.latest(&legacy);
        if left.len() == 1 {
            assert_eq!(left[0].key(), "pf.x/0/0");
            break;
        }
        assert!(start.elapsed() < TIMEOUT, "{left:?}");
    }
    let run = end(&shop, child);
    let said = run.stderr().matches("cannot be moved").count();
    assert_eq!(said, 1, "{run}");
}

#[test]
fn a_new_topic_that_cannot_be_read_is_reported_and_holds_up_no_other() {
    let shop = Shop::empty();
    shop.make("in.a", 1, &[]);
    let group = shop.name("mail");
    let consume = ["consume", "in.*", "--group", &group, "--count", "1"];
    let child = shop.pf.spawn(&[&consume[..], &["--", "cat"]].concat());
    wait_while(|| shop.raw.members(&group) == 0);
    // There is no room for the name of the topic of its dead letters.
    let long = format!("in.{}", "x".repeat(247 - shop.name("in.").len()));
    shop.make(&long, 1, &[]);
    shop.make("in.b", 1, &[]);
    let publish = ["publish", "order.created", "{}", "--topic", "in.b"];
    let _ = shop.pf.run(&publish).succeeded();
    let run = shop.pf.finish(child);
    assert!(run.stdout().contains("order.created"), "{run}");
    let warning = format!("the new topic `{long}` is not read");
    assert_eq!(run.stderr().matches(&warning).count(), 1, "{run}");
}

#[test]
fn a_letter_whose_topic_cannot_be_here_holds_up_no_other() {
    let shop = Shop::with_orders();
    let _ = shop.pf.run(&["publish", "order.created", "1"]).succeeded();
    let group = shop.name("mail");
    let consume = ["consume", "order.created", "--group", &group, "--until-end"];
    let handled = |script| {
        let handle = ["--stdin", "data", "--", "sh", "-c", script];
        shop.pf.run(&[&consume[..], &handle].concat())
    };
    assert_eq!(handled("exit 65").code(), Some(4));
    // Another letter, which says that its message goes to a topic with a name of ours.
    let letters = shop.name("order.created.dlq");
    let mut headers = shop.raw.topic(&letters).remove(0).headers;
    for (name, value) in &mut headers {
        if name == "pf-letter-id" {
            *value = Some(b"aaaabbbbcccc".to_vec());
        }
    }
    headers.push(("pf-topic".to_owned(), Some(b"pf.x".to_vec())));
    let other = Record {
        partition: Some(0),
        headers,
        payload: Some(b"{}".to_vec()),
        ..Record::default()
    };
    shop.raw.write(&letters, &[other]);
    let replayed = shop.pf.run(&["dlq", "replay", "--all", "--yes"]);
    assert_eq!(replayed.code(), Some(4), "{replayed}");
    assert!(
        replayed.stdout().contains("would be an internal topic"),
        "{replayed}"
    );
    assert_eq!(handled("cat").succeeded().stdout(), "1");
}
