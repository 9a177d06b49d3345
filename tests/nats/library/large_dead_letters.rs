//! Letters that are too large to be held together.
#![expect(clippy::unwrap_used, reason = "a test")]

use protoflow::transport::{DeadLetter, JobAction, Resolution, Transport};

use serde_json::json;
use test_support::nats::Broker;

use super::{connect::Connect as _, dead_letters};

const LETTERS: usize = 60;
const SIZE: usize = 800_000;
/// Far more than one step of a job should hold, and room for the one that is one too many.
const STEP: usize = 20 << 20;

/// Deals with letters in their order; every step holds few of them.
async fn run(transport: &dyn Transport, action: JobAction, letters: &[DeadLetter]) {
    let store = transport.dead_letters();
    let job = store.plan(action, "--all").await.unwrap();
    store.enlist(&job, letters).await.unwrap();
    let lease = store.lease(&job, "tester").await.unwrap();
    let mut done = Vec::new();
    while done.len() < letters.len() {
        let step = store.advance(&lease, 1000, None).await.unwrap();
        assert!((1..=STEP / SIZE).contains(&step.len()), "{}", step.len());
        let is_done = |(_, outcome): &(_, Resolution)| *outcome == Resolution::Done;
        assert!(step.iter().all(is_done), "{step:?}");
        done.extend(step.into_iter().map(|(id, _)| id));
    }
    assert_eq!(store.advance(&lease, 1000, None).await.unwrap(), []);
    store.release(lease, true).await.unwrap();
    let wanted: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    assert_eq!(done, wanted);
}

#[tokio::test]
async fn they_are_replayed_in_steps_of_few_bytes() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.unwrap();
    let letters = dead_letters::bury(&*transport, LETTERS, SIZE).await;
    run(&*transport, JobAction::Replay { to: None }, &letters).await;
    let question = json!({"subjects_filter": "PROTOFLOW.order"});
    let told = broker.ask("$JS.API.STREAM.INFO.PROTOFLOW", &question);
    let all = format!(r#""PROTOFLOW.order":{}"#, 2 * LETTERS);
    assert!(told.contains(&all), "{told}");
}

#[tokio::test]
async fn so_are_those_that_are_not_in_order() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.unwrap();
    let mut letters = dead_letters::bury(&*transport, LETTERS, SIZE).await;
    letters.reverse();
    run(&*transport, JobAction::Purge, &letters).await;
    assert_eq!(dead_letters::all(&*transport).await, []);
}
