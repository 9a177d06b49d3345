//! Servers that refuse, groups whose members go down, and connections that are cut.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::{Message, Topic},
    transport::{
        DeadLetterKind, Delivery, ErrorKind, Failure, Outgoing, Result, Selection,
        SubscribeRequest, Subscription, Transport, Verdict,
    },
};
use serde_json::json;
use test_support::nats::Broker;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::connect::Connect as _;

fn topic(name: &str) -> Topic {
    name.parse().expect("a topic")
}

fn request(topic: Topic) -> SubscribeRequest {
    SubscribeRequest {
        lease: Duration::from_secs(1),
        ..SubscribeRequest::new("billing".parse().expect("a group"), vec![topic.into()])
    }
}

async fn publish(transport: &dyn Transport, topic: &Topic, count: usize) {
    let message = |number: usize| Message::new(topic.clone(), number.to_string());
    let batch: Vec<Outgoing> = (0..count).map(|number| message(number).into()).collect();
    let results = transport.publish(batch).await;
    assert!(results.iter().all(Result::is_ok), "all are stored");
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(delivery.stored.message.bytes()).into_owned()
}

async fn settle(subscription: &dyn Subscription, taken: Vec<Delivery>, verdict: &Verdict) {
    let batch = taken.into_iter().map(|one| one.conclude(verdict.clone()));
    let results = subscription.settle(batch.collect()).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

fn dead() -> Verdict {
    Verdict::DeadLetter {
        kind: DeadLetterKind::Permanent,
        failure: Box::new(Failure::crashed(1)),
    }
}

#[tokio::test]
async fn a_full_stream_refuses_what_does_not_fit() {
    let broker = Broker::start();
    let config = json!({"name": "PROTOFLOW", "subjects": ["PROTOFLOW.>"], "retention": "limits",
        "storage": "file", "discard": "new", "max_msgs": 5, "num_replicas": 1});
    broker.ask("$JS.API.STREAM.CREATE.PROTOFLOW", &config);
    let transport = broker.connect("", false).await.expect("it opens");
    let message = |number: u32| Message::new(topic("a"), number.to_string());
    let batch = (0..8).map(|number| message(number).into()).collect();
    let results = transport.publish(batch).await;
    let (kept, refused) = results.split_at(5);
    assert!(kept.iter().all(Result::is_ok));
    for result in refused {
        let refused = result.as_ref().expect_err("it does not fit");
        assert_eq!(refused.kind(), ErrorKind::Full);
        assert!(refused.advice().is_some());
    }
}

#[tokio::test]
async fn what_may_not_be_published_is_denied() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.conf");
    let permissions = r#"{ publish: { deny: "PROTOFLOW.secret" } }"#;
    let text = format!(
        "authorization: {{ users: [{{ user: u, password: p, permissions: {permissions} }}] }}"
    );
    std::fs::write(&file, text).expect("it is written");
    let broker = Broker::start_with(&["-c", file.to_str().expect("text")]);
    let url = broker
        .url("")
        .replace("nats://", "nats://u:p@")
        .parse()
        .expect("a URL");
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    let transport = Registry::builtin()
        .open(&url, options)
        .await
        .expect("it opens");
    publish(&*transport, &topic("open"), 1).await;
    let refused = transport
        .publish(vec![Message::new(topic("secret"), "x").into()])
        .await
        .remove(0);
    assert_eq!(refused.expect_err("it may not").kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_letter_that_cannot_be_stored_leaves_its_message() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&*transport, &topic("a"), 2).await;
    let config = json!({"name": "PROTOFLOW_DLQ", "subjects": ["_pf.dlq.PROTOFLOW.>"],
        "retention": "limits", "storage": "file", "discard": "new", "max_msgs": 1,
        "num_replicas": 1, "allow_direct": true});
    broker.ask("$JS.API.STREAM.CREATE.PROTOFLOW_DLQ", &config);
    let subscription = transport
        .subscribe(request(topic("a")))
        .await
        .expect("it joins");
    let first = subscription.next(1).await.expect("it reads");
    settle(&*subscription, first, &dead()).await;
    let second = subscription.next(1).await.expect("it reads").remove(0);
    let name = text(&second);
    let refused = subscription
        .settle(vec![second.conclude(dead())])
        .await
        .remove(0);
    assert_eq!(
        refused.expect_err("there is no room").kind(),
        ErrorKind::Full
    );
    let again = subscription
        .next(1)
        .await
        .expect("it comes again")
        .remove(0);
    assert_eq!((text(&again), again.attempts.failed), (name, 0));
    settle(&*subscription, vec![again], &Verdict::Ack).await;
}

#[tokio::test]
async fn what_a_member_held_when_it_went_down_is_done_by_another() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&*transport, &topic("a"), 500).await;
    let doomed = transport
        .subscribe(request(topic("a")))
        .await
        .expect("it joins");
    let held = doomed.next(200).await.expect("it reads");
    assert!(!held.is_empty());
    drop(doomed);
    drop(held);
    let other = broker.connect("", false).await.expect("it opens");
    let member = other
        .subscribe(request(topic("a")))
        .await
        .expect("it joins");
    let mut seen: HashMap<String, usize> = HashMap::new();
    while seen.len() < 500 {
        let taken = member.next(100).await.expect("it reads");
        for one in &taken {
            *seen.entry(text(one)).or_default() += 1;
        }
        settle(&*member, taken, &Verdict::Ack).await;
    }
    assert!(seen.values().all(|count| *count == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_retries_hold_up_nothing() {
    const HELD: usize = 10_000;
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&*transport, &topic("a"), HELD).await;
    let patient = SubscribeRequest {
        lease: Duration::from_secs(30),
        ..request(topic("a"))
    };
    let subscription = transport.subscribe(patient).await.expect("it joins");
    let later = Verdict::Retry {
        after: Duration::from_mins(10),
        failure: Box::new(Failure::crashed(1)),
    };
    let mut held = 0;
    while held < HELD {
        let taken = subscription.next(500).await.expect("it reads");
        held += taken.len();
        settle(&*subscription, taken, &later).await;
    }
    let start = Instant::now();
    publish(&*transport, &topic("a"), 100).await;
    let mut flowed = 0;
    while flowed < 100 {
        let taken = subscription.next(100).await.expect("it reads");
        assert!(taken.iter().all(|one| one.attempts.failed == 0));
        flowed += taken.len();
        settle(&*subscription, taken, &Verdict::Ack).await;
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// Passes a connection on as long as it is let through.
async fn proxy(broker: &Broker) -> (u16, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (open, gate) = watch::channel(true);
    let server = broker.address();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut gate = gate.clone();
            tokio::spawn(async move {
                if !*gate.borrow() {
                    return;
                }
                let Ok(mut far) = TcpStream::connect(server).await else {
                    return;
                };
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = gate.wait_for(|open| !open) => {}
                }
            });
        }
    });
    (port, open)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_is_ridden_out() {
    const COUNT: usize = 3000;
    let broker = Broker::start();
    let (port, gate) = proxy(&broker).await;
    let url = format!("nats://127.0.0.1:{port}").parse().expect("a URL");
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    let transport: Arc<dyn Transport> = Registry::builtin()
        .open(&url, options)
        .await
        .expect("it opens");
    let subscription = transport
        .subscribe(request(topic("a")))
        .await
        .expect("it joins");
    let publishing = async {
        for _ in 0..COUNT / 100 {
            publish(&*transport, &topic("a"), 100).await;
        }
    };
    let consuming = async {
        let mut positions = std::collections::HashSet::new();
        while positions.len() < COUNT {
            let taken = subscription.next(100).await.expect("it goes on");
            positions.extend(taken.iter().map(|one| one.stored.position.clone()));
            let batch = taken.into_iter().map(|one| one.conclude(Verdict::Ack));
            subscription.settle(batch.collect()).await;
        }
    };
    tokio::join!(publishing, consuming, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        gate.send_replace(false);
        tokio::time::sleep(Duration::from_secs(3)).await;
        gate.send_replace(true);
    });
    subscription.close().await.expect("it closes");
    let direct = broker.connect("", false).await.expect("it opens");
    let rest = SubscribeRequest {
        until_end: true,
        ..request(topic("a"))
    };
    let rest = direct.subscribe(rest).await.expect("it joins");
    let left = rest.next(COUNT).await.expect("it ends");
    assert!(left.len() <= 100, "{} come again", left.len());
    let stored = broker.ask("$JS.API.STREAM.INFO.PROTOFLOW", &json!({}));
    let stored: serde_json::Value = serde_json::from_str(&stored).expect("an answer");
    assert_eq!(stored["state"]["messages"], COUNT, "nothing is doubled");
}

#[tokio::test]
async fn a_letter_without_room_refers_to_its_original() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    let limit = transport
        .capabilities()
        .await
        .expect("it answers")
        .limits
        .max_payload;
    let size = usize::try_from(limit.expect("there is a limit")).expect("it fits") - 300;
    let message = Message::new(topic("a"), vec![b'x'; size]);
    let stored = transport
        .publish(vec![message.clone().into()])
        .await
        .remove(0);
    stored.expect("it fits");
    let subscription = transport
        .subscribe(request(topic("a")))
        .await
        .expect("it joins");
    let taken = subscription.next(1).await.expect("it reads");
    settle(&*subscription, taken, &dead()).await;
    let letters = transport.dead_letters();
    let mut scan = letters.scan(&Selection::default()).await.expect("it scans");
    let found = scan.next(10).await.expect("it scans").remove(0);
    assert_eq!(found.message, message);
    assert_eq!(found.record.kind, DeadLetterKind::Permanent);
}

#[tokio::test]
async fn letters_of_batches_that_are_settled_at_once_keep_their_order() {
    // More than a task may send without a pause.
    const COUNT: usize = 400;
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&*transport, &topic("a"), COUNT).await;
    let subscription = transport
        .subscribe(request(topic("a")))
        .await
        .expect("it joins");
    let mut taken = Vec::new();
    while taken.len() < COUNT {
        taken.extend(subscription.next(COUNT).await.expect("it reads"));
    }
    let (later, verdict) = (taken.split_off(COUNT / 2), dead());
    tokio::join!(
        settle(&*subscription, taken, &verdict),
        settle(&*subscription, later, &verdict),
    );
    let letters = super::dead_letters::all(&*transport).await;
    let order: Vec<usize> = letters
        .iter()
        .map(|letter| String::from_utf8_lossy(letter.message.bytes()).parse())
        .collect::<Result<_, _>>()
        .expect("numbers");
    assert_eq!(order, (0..COUNT).collect::<Vec<_>>());
}
