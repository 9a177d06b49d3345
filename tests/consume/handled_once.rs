//! Copies of an event are handled once (`--dedup` of `pf consume`), whatever became of the first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use cloudevents::AttributesReader as _;
use protoflow::{
    Event, HandlerError, RetryPolicy,
    event::{Group, HandlingKey, encode, event},
    runtime::{ConsumeError, EventFilter, JobOptions, PlanRequest, Stop, Triage},
    transport::{
        Beginning, DeadLetterKind, Dedup, ErrorKind, Handling, JobAction, Mark, Outgoing,
        Selection, SubscribeRequest,
    },
};

use crate::{
    flaky::{Flaky, fail},
    harness::{Bench, TOPIC, accept},
};

/// How often each event was run, by its id.
#[derive(Clone, Default)]
struct Runs(Arc<Mutex<HashMap<String, u32>>>);

impl Runs {
    fn note(&self, event: &Event) -> u32 {
        let mut runs = self.0.lock().unwrap();
        let run = runs.entry(event.id().to_owned()).or_default();
        *run += 1;
        *run
    }

    fn of(&self, id: &str) -> u32 {
        self.0.lock().unwrap().get(id).copied().unwrap_or_default()
    }
}

/// Returns a store with two copies of each event.
async fn doubled(ids: &[&str], dedup: Dedup) -> Bench {
    let mut bench = Bench::new().await;
    bench.options.request.dedup = Some(dedup);
    bench.options.jobs = 4;
    for id in ids.iter().chain(ids) {
        publish(&bench, id).await;
    }
    bench
}

async fn publish(bench: &Bench, id: &str) {
    let event = event(TOPIC, "/shop").id(id).build().unwrap();
    bench.publish(event).await;
}

fn group() -> Group {
    "billing".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_acknowledged_and_counted() {
    for dedup in [Dedup::default(), Dedup::at_most_once(Dedup::WINDOW)] {
        let bench = doubled(&["a", "b", "c"], dedup).await;
        let runs = Runs::default();
        let handler = {
            let runs = runs.clone();
            move |event: Event| {
                let runs = runs.clone();
                async move {
                    runs.note(&event);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok::<(), HandlerError>(())
                }
            }
        };
        let summary = bench.run(handler.clone()).await.unwrap();
        assert_eq!((summary.acked, summary.duplicates), (3, 3), "{summary:?}");
        assert_eq!((runs.of("a"), runs.of("b"), runs.of("c")), (1, 1, 1));
        publish(&bench, "b").await;
        let summary = bench.run(handler).await.unwrap();
        assert_eq!((summary.acked, summary.duplicates), (0, 1), "a later run");
    }
}

#[tokio::test(start_paused = true)]
async fn without_it_copies_are_handled() {
    let mut bench = doubled(&["a"], Dedup::default()).await;
    bench.options.request.dedup = None;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn another_action_handles_them_again() {
    let mut bench = doubled(&["a"], Dedup::default()).await;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (1, 1));
    publish(&bench, "a").await;
    bench.options.action = Some("audit".parse().unwrap());
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_leaves_no_mark() {
    for dedup in [Dedup::default(), Dedup::at_most_once(Dedup::WINDOW)] {
        let bench = doubled(&["a"], dedup).await;
        let runs = Runs::default();
        let counted = runs.clone();
        let handler = move |event: Event| {
            let run = counted.note(&event);
            async move {
                match run {
                    1 => Err(HandlerError::retry("busy")),
                    _ => Ok(()),
                }
            }
        };
        let summary = bench.run(handler).await.unwrap();
        assert_eq!((summary.acked, summary.duplicates), (1, 1), "{summary:?}");
        assert_eq!(runs.of("a"), 2);
        assert_eq!(bench.letters().await.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_makes_no_second_letter_and_the_replay_is_handled() {
    let bench = doubled(&["a"], Dedup::default()).await;
    let refuse = |_: Event| async { Err::<(), _>(HandlerError::dead_letter("no")) };
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!((summary.dead_lettered, summary.duplicates), (1, 1));
    assert_eq!(bench.letters().await.len(), 1);
    for (acked, duplicates) in [(1, 0), (0, 1)] {
        if acked == 1 {
            replay_all(&bench).await;
        } else {
            publish(&bench, "a").await;
        }
        let summary = bench.run(accept).await.unwrap();
        assert_eq!((summary.acked, summary.duplicates), (acked, duplicates));
    }
}

async fn replay_all(bench: &Bench) {
    let triage = Triage::new(Arc::clone(&bench.transport));
    let action = JobAction::Replay { to: None };
    let plan = triage.plan(PlanRequest::new(action, Selection::default()));
    let (plan, stop) = (plan.await.unwrap(), Stop::default());
    let options = JobOptions::default();
    let report = triage
        .run(&plan, &options, &stop, &mut |_| {})
        .await
        .unwrap();
    assert!(report.complete);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_ended_is_not_repeated() {
    let mut bench = doubled(&["a"], Dedup::at_most_once(Dedup::WINDOW)).await;
    let member = bench.transport.subscribe(bench.options.request.clone());
    let member = member.await.unwrap();
    let taken = member.next(1).await.unwrap();
    let handling = Handling {
        key: HandlingKey::new(&group().into(), "/shop", "a"),
        beginning: Beginning {
            group: group(),
            position: taken[0].stored.position.clone(),
        },
        replay_of: None,
    };
    let marks = member.marks().unwrap();
    assert_eq!(marks.begin(&handling).await.unwrap(), None);
    drop(taken);
    member.close().await.unwrap();
    let summary = bench.run(accept).await.unwrap();
    assert_eq!(
        (summary.acked, summary.dead_lettered, summary.duplicates),
        (0, 1, 1),
        "{summary:?}"
    );
    let letters = bench.letters().await;
    assert_eq!(letters[0].record.kind, DeadLetterKind::Unknown);
    assert_eq!(letters[0].record.attempts, 0);
    bench.options.request.dedup = Some(Dedup::default());
    let found = marks.look_up(&[handling]).await.unwrap();
    assert_eq!(found, [Some(Mark::Dead(letters[0].id.clone()))]);
    replay_all(&bench).await;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (1, 0), "replayed");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_handled_leaves_no_mark() {
    let mut bench = doubled(&["a"], Dedup::default()).await;
    bench.options.filter = Some(EventFilter::new(|_| Ok(false)));
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.filtered, summary.duplicates), (2, 0));
    publish(&bench, "a").await;
    bench.options.filter = None;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_window_shorter_than_the_retries_is_refused() {
    let mut bench = doubled(&[], Dedup::settled(Duration::from_secs(2))).await;
    bench.options.policy = RetryPolicy {
        max_attempts: 3,
        ..RetryPolicy::default()
    };
    let refused = bench.run(accept).await.unwrap_err();
    assert!(matches!(refused, ConsumeError::ShortWindow { .. }));
    let text = "the window of 2s is shorter than the longest course of retries, 3s";
    assert_eq!(refused.to_string(), text);
    bench.options.request.dedup = Some(Dedup::settled(Duration::from_secs(3)));
    bench.run(accept).await.unwrap();
    bench.options.handler_timeout = Some(Duration::from_secs(1));
    let refused = bench.run(accept).await.unwrap_err();
    assert!(refused.to_string().ends_with(", 6s"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_takes_longer_than_the_lease_loses_nothing() {
    let bench = doubled(&["a", "b"], Dedup::default()).await;
    let mut slow = Flaky::new(&bench.transport);
    slow.slow_marks = bench.options.request.lease * 4;
    let runs = Runs::default();
    let counted = runs.clone();
    let handler = move |event: Event| {
        counted.note(&event);
        async { Ok::<(), HandlerError>(()) }
    };
    let summary = bench.run_on(Arc::new(slow), handler).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (2, 2), "{summary:?}");
    assert_eq!(bench.log.count("unsettled"), 0, "{:?}", bench.log.lines());
    assert_eq!((runs.of("a"), runs.of("b")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_was_looked_up_before_the_end_of_a_run_is_not_run_after_it() {
    let mut bench = doubled(&[], Dedup::default()).await;
    publish(&bench, "a").await;
    bench.options.request.until_end = false;
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.drain.cancel();
    });
    let mut slow = Flaky::new(&bench.transport);
    slow.late_marks = Duration::from_secs(2);
    let (transport, runs) = (Arc::clone(&bench.transport), Runs::default());
    let counted = runs.clone();
    let handler = move |event: Event| {
        let (transport, runs) = (Arc::clone(&transport), counted.clone());
        async move {
            if runs.note(&event) == 1 {
                let topic = TOPIC.parse().unwrap();
                let copy = encode(&event, topic, transport.encoding()).unwrap();
                let stored = transport.publish(vec![Outgoing::from(copy)]).await;
                assert!(stored[0].is_ok());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<(), HandlerError>(())
        }
    };
    let summary = bench.run_on(Arc::new(slow), handler).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (1, 1), "{summary:?}");
    assert_eq!(runs.of("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_made_at_most_once_that_is_cut_short_is_a_letter() {
    let mut bench = doubled(&["a"], Dedup::at_most_once(Dedup::WINDOW)).await;
    let stop = bench.stop.clone();
    let handler = move |_: Event| {
        let stop = stop.clone();
        async move {
            stop.abort.cancel();
            std::future::pending::<Result<(), HandlerError>>().await
        }
    };
    let summary = bench.run(handler).await.unwrap();
    assert_eq!((summary.acked, summary.returned), (0, 2), "{summary:?}");
    bench.stop = Stop::default();
    is_given_up(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_made_at_most_once_whose_responses_cannot_be_stored_is_a_letter() {
    let bench = doubled(&["a"], Dedup::at_most_once(Dedup::WINDOW)).await;
    let flaky = Flaky::new(&bench.transport);
    fail(&flaky.publish, [ErrorKind::Denied]);
    let respond = |event: Event| async { Ok::<_, HandlerError>(vec![event]) };
    let denied = bench.run_on(Arc::new(flaky), respond).await.unwrap_err();
    assert!(denied.to_string().contains("as asked for"), "{denied}");
    is_given_up(&bench).await;
}

/// Consumes the two copies of an event of which a run began that nobody knows the end of.
async fn is_given_up(bench: &Bench) {
    let summary = bench.run(accept).await.unwrap();
    assert_eq!(
        (summary.acked, summary.dead_lettered, summary.duplicates),
        (0, 1, 1),
        "{summary:?}"
    );
    let letters = bench.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].record.kind, DeadLetterKind::Unknown);
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_up_goes_back_when_the_consumer_ends() {
    let bench = doubled(&["a"], Dedup::default()).await;
    let mut slow = Flaky::new(&bench.transport);
    slow.slow_marks = Duration::from_hours(1);
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.drain.cancel();
    });
    let summary = bench.run_on(Arc::new(slow), accept).await.unwrap();
    assert_eq!((summary.acked, summary.returned), (0, 2), "{summary:?}");
    assert_eq!(bench.log.count("returned"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_outlasts_the_marks_is_reported() {
    let mut bench = doubled(&[], Dedup::settled(Duration::from_secs(5))).await;
    bench.options.policy.max_attempts = 1;
    for id in ["a", "b"] {
        let own = event(TOPIC, "/shop").id(id).max_attempts(2);
        bench.publish(own.build().unwrap()).await;
    }
    let handler = |event: Event| async move {
        let after = if event.id() == "a" { 6 } else { 4 };
        let after = Duration::from_secs(after);
        Err::<(), _>(HandlerError::retry_after(after, "busy"))
    };
    let summary = bench.run(handler).await.unwrap();
    assert_eq!((summary.retried, summary.dead_lettered), (2, 2));
    let lines = bench.log.lines();
    let warnings = lines
        .iter()
        .filter(|line| line.contains("retried for longer"));
    assert_eq!(warnings.count(), 1, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_crashes_its_consumers_leaves_a_mark() {
    let mut bench = doubled(&["a"], Dedup::default()).await;
    let request = SubscribeRequest {
        max_crashes: 1,
        ..bench.options.request.clone()
    };
    let member = bench.transport.subscribe(request).await.unwrap();
    let taken = member.next(1).await.unwrap();
    tokio::time::sleep(bench.options.request.lease * 2).await;
    drop((taken, member));
    bench.options.request.max_in_flight = 1;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.duplicates), (0, 1), "{summary:?}");
    let letters = bench.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].record.kind, DeadLetterKind::Crashed);
}
