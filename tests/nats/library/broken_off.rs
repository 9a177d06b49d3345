//! Jobs of which a step is broken off, as a second Ctrl-C does.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use protoflow::transport::{
    DeadLetter, DeadLetterId, JobAction, JobId, JobLease, Resolution, Transport,
};
use serde_json::{Value, json};
use test_support::nats::Broker;
use tokio::time::{Instant, sleep_until, timeout};

use super::{connect::Connect as _, dead_letters};

type Outcomes = Vec<(DeadLetterId, Resolution)>;

const REPLAY: JobAction = JobAction::Replay { to: None };
/// Letters of a job.
const LETTERS: usize = 200;
/// More of them than one step takes, of two batches.
const STEPS: usize = 1200;

/// Makes a stream on which replay is not atomic, and which recognises a message for a while.
fn plain(broker: &Broker, window: Duration) {
    let config = settings(window);
    broker.ask("$JS.API.STREAM.CREATE.PROTOFLOW", &config);
}

fn settings(window: Duration) -> Value {
    json!({
        "name": "PROTOFLOW",
        "subjects": ["PROTOFLOW.>"],
        "storage": "file",
        "duplicate_window": u64::try_from(window.as_nanos()).unwrap(),
    })
}

async fn planned(transport: &dyn Transport, letters: &[DeadLetter]) -> JobId {
    let store = transport.dead_letters();
    let job = store.plan(REPLAY, "--all").await.unwrap();
    store.enlist(&job, letters).await.unwrap();
    job
}

/// Begins a step and drops it once it was looked at so often; returns what it came to if it had ended by then.
async fn begin(transport: &dyn Transport, lease: &JobLease, looks: usize) -> Option<Outcomes> {
    let mut step = pin!(transport.dead_letters().advance(lease, 1000, None));
    let mut left = looks;
    poll_fn(|context| {
        if let Poll::Ready(outcomes) = step.as_mut().poll(context) {
            return Poll::Ready(Some(outcomes.unwrap()));
        }
        left = left.saturating_sub(1);
        if left == 0 {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// Begins a step, drops it and gives the job back; reports whether the step had ended.
async fn break_off(transport: &dyn Transport, job: &JobId, looks: usize) -> bool {
    let store = transport.dead_letters();
    let lease = store.lease(job, "tester").await.unwrap();
    let ended = begin(transport, &lease, looks).await;
    store.release(lease, false).await.unwrap();
    ended.is_some()
}

/// Ends a job, and returns what became of the letters.
async fn finish(transport: &dyn Transport, job: &JobId) -> Vec<Resolution> {
    let lease = transport.dead_letters().lease(job, "tester").await.unwrap();
    go_on(transport, lease).await
}

async fn go_on(transport: &dyn Transport, lease: JobLease) -> Vec<Resolution> {
    let store = transport.dead_letters();
    let mut outcomes = Vec::new();
    loop {
        let step = store.advance(&lease, 50, None).await.unwrap();
        if step.is_empty() {
            store.release(lease, true).await.unwrap();
            return outcomes;
        }
        outcomes.extend(step.into_iter().map(|(_, outcome)| outcome));
    }
}

fn stored(broker: &Broker) -> usize {
    let question = json!({"subjects_filter": "PROTOFLOW.order"});
    let told = broker.ask("$JS.API.STREAM.INFO.PROTOFLOW", &question);
    let (_, count) = told.split_once(r#""PROTOFLOW.order":"#).unwrap();
    let digits = count.split(|c: char| !c.is_ascii_digit()).next();
    digits.unwrap().parse().unwrap()
}

/// Breaks a step off at one place after the other, then lets the job end: under the same lease, or a new one.
async fn break_off_everywhere(broker: &Broker, count: usize, goes_on: bool) {
    let transport = broker.connect("", true).await.unwrap();
    for looks in (1..).step_by(count / 100) {
        let filter = json!({"filter": "PROTOFLOW.order"});
        broker.ask("$JS.API.STREAM.PURGE.PROTOFLOW", &filter);
        let letters = dead_letters::bury(&*transport, count, 10).await;
        let job = planned(&*transport, &letters).await;
        let ended = if goes_on {
            let lease = transport
                .dead_letters()
                .lease(&job, "tester")
                .await
                .unwrap();
            let begun = begin(&*transport, &lease, looks).await;
            let told = begun.as_ref().map_or(0, Vec::len);
            let outcomes = go_on(&*transport, lease).await;
            let is_done = |outcome: &Resolution| *outcome == Resolution::Done;
            assert!(outcomes.iter().all(is_done), "{outcomes:?}");
            assert_eq!(told + outcomes.len(), count, "after {looks} looks");
            begun.is_some()
        } else {
            let ended = break_off(&*transport, &job, looks).await;
            finish(&*transport, &job).await;
            ended
        };
        let replayed = stored(broker) - count;
        assert_eq!(replayed, count, "broken off after {looks} looks");
        assert_eq!(dead_letters::all(&*transport).await, []);
        if ended {
            assert!(looks > 10, "a step ended at once");
            return;
        }
    }
}

#[tokio::test]
async fn each_letter_is_replayed_once_where_replay_is_atomic() {
    break_off_everywhere(&Broker::start(), LETTERS, false).await;
}

#[tokio::test]
async fn each_letter_is_told_of_once_where_replay_is_atomic() {
    break_off_everywhere(&Broker::start(), STEPS, true).await;
}

#[tokio::test]
async fn each_letter_is_told_of_once_where_the_server_recognises_it() {
    let broker = Broker::start();
    plain(&broker, Duration::from_mins(1));
    break_off_everywhere(&broker, LETTERS, true).await;
}

#[tokio::test]
async fn so_it_is_where_the_server_recognises_what_was_replayed() {
    let broker = Broker::start();
    plain(&broker, Duration::from_mins(1));
    break_off_everywhere(&broker, LETTERS, false).await;
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_left_to_a_person_also_after_another_job() {
    // Recognised for half of it.
    const WINDOW: Duration = Duration::from_secs(8);
    let broker = Broker::start();
    plain(&broker, WINDOW);
    let transport = broker.connect("", true).await.unwrap();
    let letters = dead_letters::bury(&*transport, 2 * LETTERS, 10).await;
    let (first, second) = letters.split_at(LETTERS);
    let job = planned(&*transport, first).await;
    let other = planned(&*transport, second).await;
    let replayed = break_off_within(&broker, &*transport, &job).await;
    let end = Instant::now() + WINDOW / 2;
    let done = vec![Resolution::Done; LETTERS];
    assert_eq!(finish(&*transport, &other).await, done);
    sleep_until(end).await;
    assert_unknown(&finish(&*transport, &job).await);
    assert_eq!(stored(&broker), 2 * LETTERS + replayed + LETTERS);
    assert_eq!(dead_letters::all(&*transport).await.len(), LETTERS);
}

/// Breaks a job off when some of its letters are replayed; returns how many.
async fn break_off_within(broker: &Broker, transport: &dyn Transport, job: &JobId) -> usize {
    let before = stored(broker);
    for looks in (1..).step_by(4) {
        let ended = break_off(transport, job, looks).await;
        assert!(!ended, "nothing was broken off");
        let replayed = stored(broker) - before;
        if replayed > 0 {
            assert!(replayed < LETTERS, "it was broken off too late");
            return replayed;
        }
    }
    0
}

fn assert_unknown(outcomes: &[Resolution]) {
    let is_unknown = |outcome: &Resolution| matches!(outcome, Resolution::Ambiguous { .. });
    assert_eq!(outcomes.len(), LETTERS);
    assert!(outcomes.iter().all(is_unknown), "{outcomes:?}");
}

#[tokio::test]
async fn what_was_in_doubt_when_the_stream_was_prepared_is_left_to_a_person_too() {
    let broker = Broker::start();
    plain(&broker, Duration::from_mins(1));
    let transport = broker.connect("", true).await.unwrap();
    let letters = dead_letters::bury(&*transport, LETTERS, 10).await;
    let job = planned(&*transport, &letters).await;
    let replayed = break_off_within(&broker, &*transport, &job).await;
    let mut config = settings(Duration::from_mins(1));
    config["subjects"] = json!(["PROTOFLOW.>", "_pf.in.PROTOFLOW.>"]);
    config["allow_atomic"] = json!(true);
    broker.ask("$JS.API.STREAM.UPDATE.PROTOFLOW", &config);
    let transport = broker.connect("", false).await.unwrap();
    assert_unknown(&finish(&*transport, &job).await);
    assert_eq!(stored(&broker), LETTERS + replayed);
    assert_eq!(dead_letters::all(&*transport).await.len(), LETTERS);
}

#[tokio::test]
async fn a_consumer_that_was_made_anew_holds_up_no_replay() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.unwrap();
    let letters = dead_letters::bury(&*transport, LETTERS, 10).await;
    broker.ask("$JS.API.CONSUMER.DELETE.PROTOFLOW.billing", &json!({}));
    let config = json!({"durable_name": "billing", "ack_policy": "explicit"});
    broker.ask(
        "$JS.API.CONSUMER.DURABLE.CREATE.PROTOFLOW.billing",
        &json!({"stream_name": "PROTOFLOW", "config": config}),
    );
    let job = planned(&*transport, &letters).await;
    let outcomes = timeout(Duration::from_secs(4), finish(&*transport, &job)).await;
    assert_eq!(outcomes.unwrap(), vec![Resolution::Done; LETTERS]);
}
