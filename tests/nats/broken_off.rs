//! Jobs of which a step is broken off, as a second Ctrl-C does.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use protoflow::transport::{
    DeadLetter, JobAction, JobId, JobLease, LetterId, Resolution, Transport,
};
use serde_json::json;
use tokio::time::sleep;

use crate::{letters, server::Broker};

type Outcomes = Vec<(LetterId, Resolution)>;

const REPLAY: JobAction = JobAction::Replay { to: None };
/// Letters of a job.
const LETTERS: usize = 200;

/// Makes a stream on which replay is not atomic, and which recognises a message for a while.
fn plain(broker: &Broker, window: Duration) {
    let config = json!({
        "name": "PROTOFLOW",
        "subjects": ["PROTOFLOW.>"],
        "storage": "file",
        "duplicate_window": window.as_nanos(),
    });
    broker.ask("$JS.API.STREAM.CREATE.PROTOFLOW", &config);
}

async fn planned(transport: &dyn Transport, letters: &[DeadLetter]) -> JobId {
    let store = transport.dead_letters();
    let job = store.plan(REPLAY, "--all").await.unwrap();
    store.enlist(&job, letters).await.unwrap();
    job
}

/// Begins a step and drops it once it was looked at so often; returns what it came to if it had ended by then.
async fn begin(transport: &dyn Transport, lease: &JobLease, looks: usize) -> Option<Outcomes> {
    let mut step = pin!(transport.dead_letters().advance(lease, 1000));
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
        let step = store.advance(&lease, 50).await.unwrap();
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
async fn break_off_everywhere(broker: &Broker, goes_on: bool) {
    let transport = broker.connect("", true).await.unwrap();
    for looks in (1..).step_by(4) {
        let filter = json!({"filter": "PROTOFLOW.order"});
        broker.ask("$JS.API.STREAM.PURGE.PROTOFLOW", &filter);
        let letters = letters::bury(&*transport, LETTERS, 10).await;
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
            assert_eq!(told + outcomes.len(), LETTERS, "after {looks} looks");
            begun.is_some()
        } else {
            let ended = break_off(&*transport, &job, looks).await;
            finish(&*transport, &job).await;
            ended
        };
        let replayed = stored(broker) - LETTERS;
        assert_eq!(replayed, LETTERS, "broken off after {looks} looks");
        assert_eq!(letters::all(&*transport).await, []);
        if ended {
            assert!(looks > 10, "a step ended at once");
            return;
        }
    }
}

#[tokio::test]
async fn each_letter_is_replayed_once_where_replay_is_atomic() {
    break_off_everywhere(&Broker::start(), false).await;
}

#[tokio::test]
async fn each_letter_is_told_of_once_where_replay_is_atomic() {
    break_off_everywhere(&Broker::start(), true).await;
}

#[tokio::test]
async fn each_letter_is_told_of_once_where_the_server_recognises_it() {
    let broker = Broker::start();
    plain(&broker, Duration::from_mins(1));
    break_off_everywhere(&broker, true).await;
}

#[tokio::test]
async fn so_it_is_where_the_server_recognises_what_was_replayed() {
    let broker = Broker::start();
    plain(&broker, Duration::from_mins(1));
    break_off_everywhere(&broker, false).await;
}

#[tokio::test]
async fn what_the_server_has_forgotten_is_left_to_a_person_also_after_another_job() {
    const WINDOW: Duration = Duration::from_secs(4);
    let broker = Broker::start();
    plain(&broker, WINDOW);
    let transport = broker.connect("", true).await.unwrap();
    let letters = letters::bury(&*transport, 2 * LETTERS, 10).await;
    let (first, second) = letters.split_at(LETTERS);
    let (job, other) = (
        planned(&*transport, first).await,
        planned(&*transport, second).await,
    );
    let start = Instant::now();
    let mut looks = 1;
    while stored(&broker) == 2 * LETTERS {
        assert!(
            !break_off(&*transport, &job, looks).await,
            "nothing was broken off"
        );
        looks += 4;
    }
    let replayed = stored(&broker) - 2 * LETTERS;
    assert!(replayed < LETTERS, "it was broken off too late");
    let done = vec![Resolution::Done; LETTERS];
    assert_eq!(finish(&*transport, &other).await, done);
    sleep(WINDOW.saturating_sub(start.elapsed())).await;
    let outcomes = finish(&*transport, &job).await;
    let is_unknown = |outcome: &Resolution| matches!(outcome, Resolution::Ambiguous { .. });
    assert!(outcomes.iter().all(is_unknown), "{outcomes:?}");
    assert_eq!(stored(&broker), 2 * LETTERS + replayed + LETTERS);
    assert_eq!(letters::all(&*transport).await.len(), LETTERS);
}
