//! Streams and consumers as they are found: used as they are, or refused with the mend.

use std::time::{Duration, SystemTime};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::{Message, Topic},
    transport::{DeadLetterKind, ErrorKind, JobAction, Outgoing, Resolution, Selection, Verdict},
};
use serde_json::json;
use test_support::nats::Broker;

use super::connect::Connect as _;

fn topic() -> Topic {
    "order.created".parse().expect("a topic")
}

fn later(delay: Duration) -> Outgoing {
    Outgoing {
        message: Message::new(topic(), "later"),
        due: Some(SystemTime::now() + delay),
        dedup: false,
    }
}

/// Makes a stream as the Go library does.
fn go_stream(broker: &Broker) {
    let config = json!({
        "name": "PROTOFLOW", "subjects": ["PROTOFLOW.>"], "retention": "limits", "storage": "file",
        "discard": "old", "num_replicas": 1, "max_age": 604_800_000_000_000_u64,
    });
    broker.ask("$JS.API.STREAM.CREATE.PROTOFLOW", &config);
}

#[tokio::test]
async fn a_missing_server_is_told_soon() {
    let broker = Broker::start();
    broker.kill();
    let start = std::time::Instant::now();
    let refused = broker
        .connect("", false)
        .await
        .expect_err("no server is there");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let broker = Broker::start_with(&["--user", "me", "--pass", "secret"]);
    let refused = broker.connect("", false).await.expect_err("no credentials");
    assert_eq!(refused.kind(), ErrorKind::Denied);
    let url = broker.url("").replace("nats://", "nats://me:secret@");
    let url = url.parse().expect("a URL");
    let registry = Registry::builtin();
    registry
        .open(&url, OpenOptions::default())
        .await
        .expect("it knows me");
}

#[tokio::test]
async fn nothing_is_made_unless_asked_for() {
    let broker = Broker::start();
    let transport = broker.connect("", false).await.expect("it opens");
    let message = Message::new(topic(), "x");
    let refused = transport.publish(vec![message.into()]).await.remove(0);
    let refused = refused.expect_err("there is no stream");
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(
        refused
            .advice()
            .is_some_and(|hint| hint.contains("--create"))
    );
    let refused = transport
        .publish(vec![later(Duration::from_secs(9))])
        .await
        .remove(0);
    assert_eq!(
        refused.expect_err("there is no stream").kind(),
        ErrorKind::NotFound
    );
    let findings = transport.diagnose().await.expect("it answers");
    assert!(
        findings
            .iter()
            .any(|finding| finding.name == "stream" && finding.fix.is_some())
    );
}

#[tokio::test]
async fn a_stream_of_the_go_library_is_used_and_mended_when_asked() {
    let broker = Broker::start();
    go_stream(&broker);
    let transport = broker
        .connect("?naming=protoflow", false)
        .await
        .expect("it opens");
    let able = transport.capabilities().await.expect("it answers");
    assert!(!able.delay.is_present());
    assert!(!able.exactly_once_replay.is_native());
    let refused = transport
        .publish(vec![later(Duration::from_secs(9))])
        .await
        .remove(0);
    let refused = refused.expect_err("it cannot be kept");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(
        refused
            .advice()
            .is_some_and(|hint| hint.contains("pf doctor --fix"))
    );
    for finding in ["subjects", "schedules", "atomic"] {
        transport.fix(finding).await.expect("it can be fixed");
    }
    let able = transport.capabilities().await.expect("it answers");
    assert!(able.delay.is_native() && able.exactly_once_replay.is_native());
    let kept = transport
        .publish(vec![later(Duration::from_secs(9))])
        .await
        .remove(0);
    assert!(kept.expect("it is kept").schedule.is_some());
    let refused = transport
        .publish(vec![later(Duration::from_hours(8 * 24))])
        .await
        .remove(0);
    assert_eq!(refused.expect_err("max_age").kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_consumer_that_drops_messages_is_refused() {
    let broker = Broker::start();
    go_stream(&broker);
    let config = json!({"stream_name": "PROTOFLOW", "config": {
        "durable_name": "consumer_order", "ack_policy": "explicit", "max_deliver": 3,
        "filter_subject": "PROTOFLOW.order.created",
    }});
    broker.ask("$JS.API.CONSUMER.CREATE.PROTOFLOW.consumer_order", &config);
    let transport = broker.connect("", false).await.expect("it opens");
    let request = |pattern: &str| {
        let group = "consumer_order".parse().expect("a group");
        let pattern = pattern.parse().expect("a pattern");
        protoflow::transport::SubscribeRequest::new(group, vec![pattern])
    };
    let refused = transport
        .subscribe(request("order.created"))
        .await
        .expect_err("3 is too few");
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(
        refused
            .advice()
            .is_some_and(|hint| hint.contains("--max-deliver=-1"))
    );
    let refused = transport
        .subscribe(request("order.*"))
        .await
        .expect_err("it reads less");
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    transport
        .fix("max-deliver.consumer_order")
        .await
        .expect("it can be fixed");
    transport
        .subscribe(request("order.created"))
        .await
        .expect("it joins");
}

#[tokio::test]
async fn a_replay_without_batches_happens_once_while_ids_are_known() {
    let broker = Broker::start();
    go_stream(&broker);
    let transport = broker.connect("", false).await.expect("it opens");
    for text in ["1", "2", "3"] {
        let message = Message::new(topic(), text);
        transport
            .publish(vec![message.into()])
            .await
            .remove(0)
            .expect("stored");
    }
    let group = "billing".parse().expect("a group");
    let request = protoflow::transport::SubscribeRequest::new(group, vec![topic().into()]);
    let subscription = transport.subscribe(request).await.expect("it joins");
    for _ in 0..3 {
        let one = subscription.next(1).await.expect("it reads").remove(0);
        let verdict = Verdict::DeadLetter {
            kind: DeadLetterKind::Permanent,
            failure: Box::new(protoflow::transport::Failure::crashed(1)),
        };
        subscription
            .settle(vec![one.conclude(verdict)])
            .await
            .remove(0)
            .expect("settled");
    }
    let letters = transport.dead_letters();
    let mut scan = letters.scan(&Selection::default()).await.expect("it scans");
    let found = scan.next(10).await.expect("it scans");
    assert_eq!(found.len(), 3);
    let action = JobAction::Replay { to: None };
    let job = letters.plan(action, "--all").await.expect("planned");
    letters.enlist(&job, &found).await.expect("enlisted");
    let lease = letters.lease(&job, "tester").await.expect("leased");
    let done = letters.advance(&lease, 10, None).await.expect("it goes on");
    assert!(done.iter().all(|(_, outcome)| *outcome == Resolution::Done));
    letters.release(lease, true).await.expect("ended");
    let mut texts = Vec::new();
    for _ in 0..3 {
        let one = subscription.next(1).await.expect("it reads").remove(0);
        texts.push(one.stored.message.bytes().to_vec());
    }
    assert_eq!(texts, [b"1", b"2", b"3"]);
}

#[tokio::test]
async fn messages_of_the_go_library_are_read() {
    let broker = Broker::start();
    go_stream(&broker);
    let transport = broker.connect("", false).await.expect("it opens");
    let payload = r#"{"data":{"n":9007199254740993,"f":1.0},"id":"01M80FJS9VRRG202J65T4N9H7T","pf_attempt":2,"pf_correlation_id":"req-1","source":"/bench","specversion":"1.0","time":"2026-11-22T01:57:54.107409358Z","type":"order.created"}"#;
    broker.publish_raw(
        "PROTOFLOW.order.created",
        &[
            ("ce_id", "01M80FJS9VRRG202J65T4N9H7T"),
            ("ce_type", "order.created"),
            ("pf_attempt", "2"),
        ],
        payload,
    );
    let group = "consumer_order".parse().expect("a group");
    let request = protoflow::transport::SubscribeRequest::new(group, vec![topic().into()]);
    let subscription = transport.subscribe(request).await.expect("it joins");
    let one = subscription.next(1).await.expect("it reads").remove(0);
    assert_eq!(
        one.attempts.attempt(),
        3,
        "attempts made elsewhere are spent"
    );
    assert_eq!(one.stored.message.bytes(), payload.as_bytes());
}

#[tokio::test]
async fn a_server_that_is_too_old_is_named() {
    let broker = Broker::start_old();
    let refused = broker.connect("", true).await.expect_err("it is too old");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let text = refused.to_string();
    assert!(text.contains("2.10.26") && text.contains("2.12"), "{text}");
}
