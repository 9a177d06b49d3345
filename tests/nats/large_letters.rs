//! Letters that are too large to be held together.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use protoflow::{
    event::Message,
    transport::{
        DeadLetter, Failure, JobAction, LetterKind, Resolution, Result, Selection,
        SubscribeRequest, Transport, Verdict,
    },
};

use serde_json::json;

use crate::server::Broker;

const LETTERS: usize = 60;
const SIZE: usize = 800_000;
/// Far more than one step of a job should hold, and room for the one that is one too many.
const STEP: usize = 20 << 20;

/// Stores messages and buries each of them.
async fn buried(broker: &Broker) -> (Arc<dyn Transport>, Vec<DeadLetter>) {
    let transport = broker.connect("", true).await.unwrap();
    let message = |_| Message::new("order".parse().unwrap(), vec![b'x'; SIZE]).into();
    let stored = transport.publish((0..LETTERS).map(message).collect()).await;
    assert!(stored.iter().all(Result::is_ok));
    let topics = vec!["order".parse().unwrap()];
    let request = SubscribeRequest::new("billing".parse().unwrap(), topics);
    let group = transport.subscribe(request).await.unwrap();
    for _ in 0..LETTERS {
        let one = group.next(1).await.unwrap().remove(0);
        let verdict = Verdict::DeadLetter {
            kind: LetterKind::Permanent,
            failure: Failure::crashed(1),
        };
        let settled = group.settle(vec![one.conclude(verdict)]).await;
        assert!(settled.iter().all(Result::is_ok));
    }
    group.close().await.unwrap();
    let mut letters = Vec::new();
    let store = transport.dead_letters();
    let mut scan = store.scan(&Selection::default()).await.unwrap();
    while letters.len() < LETTERS {
        letters.extend(scan.next(10).await.unwrap());
    }
    (transport, letters)
}

/// Deals with letters in their order; every step holds few of them.
async fn run(transport: &dyn Transport, action: JobAction, letters: &[DeadLetter]) {
    let store = transport.dead_letters();
    let job = store.plan(action, "--all").await.unwrap();
    store.enlist(&job, letters).await.unwrap();
    let lease = store.lease(&job, "tester").await.unwrap();
    let mut done = Vec::new();
    while done.len() < letters.len() {
        let step = store.advance(&lease, 1000).await.unwrap();
        assert!((1..=STEP / SIZE).contains(&step.len()), "{}", step.len());
        let is_done = |(_, outcome): &(_, Resolution)| *outcome == Resolution::Done;
        assert!(step.iter().all(is_done), "{step:?}");
        done.extend(step.into_iter().map(|(id, _)| id));
    }
    assert_eq!(store.advance(&lease, 1000).await.unwrap(), []);
    store.release(lease, true).await.unwrap();
    let wanted: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    assert_eq!(done, wanted);
}

#[tokio::test]
async fn they_are_replayed_in_steps_of_few_bytes() {
    let broker = Broker::start();
    let (transport, letters) = buried(&broker).await;
    run(&*transport, JobAction::Replay { to: None }, &letters).await;
    let question = json!({"subjects_filter": "PROTOFLOW.order"});
    let told = broker.ask("$JS.API.STREAM.INFO.PROTOFLOW", &question);
    let all = format!(r#""PROTOFLOW.order":{}"#, 2 * LETTERS);
    assert!(told.contains(&all), "{told}");
}

#[tokio::test]
async fn so_are_those_that_are_not_in_order() {
    let broker = Broker::start();
    let (transport, mut letters) = buried(&broker).await;
    letters.reverse();
    run(&*transport, JobAction::Purge, &letters).await;
    let store = transport.dead_letters();
    let mut scan = store.scan(&Selection::default()).await.unwrap();
    assert_eq!(scan.next(1).await.unwrap(), []);
}
