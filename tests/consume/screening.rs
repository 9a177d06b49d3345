//! Events that are settled without a run: expired ones, tombstones, and those that a filter leaves out.

use std::time::Duration;

use bytes::Bytes;
use protoflow::{
    Event, EventExt, HandlerError, Service,
    event::{Message, event},
    runtime::{EventFilter, JobOptions, PlanRequest, Stop, Summary, Treatment},
    transport::{DeadLetterKind, JobAction, Selection},
};

use crate::harness::{Bench, TOPIC, accept, numbered, topic};

async fn publish_expired(bench: &Bench) {
    let event = event(TOPIC, "/shop").extension("expirytime", "1999-01-01T00:00:00Z");
    bench.publish(event.build().unwrap()).await;
}

fn tombstone(key: &'static [u8]) -> Message {
    Message {
        key: Some(Bytes::from_static(key)),
        payload: None,
        ..Message::new(topic(), "")
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_event_is_treated_as_chosen() {
    for (treatment, acked, skipped, letters) in [
        (Treatment::DeadLetter, 1, 0, 1),
        (Treatment::Skip, 1, 1, 0),
        (Treatment::Deliver, 2, 0, 0),
    ] {
        let mut bench = Bench::with_events(1).await;
        publish_expired(&bench).await;
        bench.options.expired = treatment;
        let summary = bench.run(accept).await.unwrap();
        assert_eq!(
            (summary.acked, summary.skipped, summary.dead_lettered),
            (acked, skipped, letters),
            "{treatment:?}"
        );
        assert_eq!(summary.expired, skipped + letters);
        let kinds: Vec<_> = bench.letters().await;
        assert!(
            kinds
                .iter()
                .all(|letter| letter.record.kind == DeadLetterKind::Expired)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_expires_while_it_waits_for_its_retry_is_not_run_again() {
    let mut bench = Bench::new().await;
    let expiry = std::time::SystemTime::now() + Duration::from_millis(300);
    let event = event(TOPIC, "/shop").extension(
        "expirytime",
        humantime::format_rfc3339_millis(expiry).to_string(),
    );
    bench.publish(event.build().unwrap()).await;
    bench.options.expired = Treatment::Skip;
    let refuse = move |_: Event| async move {
        // The system's clock is not that of the paused runtime.
        while std::time::SystemTime::now() <= expiry {
            std::thread::yield_now();
        }
        Err::<(), _>(HandlerError::retry("busy"))
    };
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!(
        (summary.retried, summary.skipped, summary.expired),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_replayed_event_is_handled_though_it_has_expired() {
    let service = Service::builder()
        .group("g")
        .connect("memory:")
        .await
        .unwrap();
    let event = service
        .event(TOPIC)
        .extension("expirytime", "1999-01-01T00:00:00Z");
    service.publish(event.build().unwrap()).await.unwrap();
    let summary = service.consume(TOPIC, accept).until_end().await.unwrap();
    assert_eq!((summary.dead_lettered, summary.expired), (1, 1));
    let triage = service.triage();
    let plan = PlanRequest::new(JobAction::Replay { to: None }, Selection::default());
    let plan = triage.plan(plan).await.unwrap();
    let options = JobOptions {
        holder: "a test".to_owned(),
        rate: None,
        stop_on_refail: None,
        ..JobOptions::default()
    };
    let (stop, progress) = (Stop::default(), &mut |_: &[_]| ());
    triage.run(&plan, &options, &stop, progress).await.unwrap();
    for treatment in [Treatment::Skip, Treatment::DeadLetter] {
        let consumer = service.consume(TOPIC, accept).expired(treatment);
        let summary = consumer.until_end().await.unwrap();
        let replayed = u64::from(treatment == Treatment::Skip);
        assert_eq!((summary.acked, summary.expired), (replayed, 0));
    }
}

fn even() -> EventFilter {
    EventFilter::new(|stored| {
        let text = String::from_utf8_lossy(stored.message.bytes()).into_owned();
        let number = text
            .split("\"subject\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        match number.ok_or("no subject")?.parse::<u32>() {
            Ok(7) => Err("it is seven".to_owned()),
            Ok(9) => panic!("nine"),
            Ok(number) => Ok(number % 2 == 0),
            Err(error) => Err(error.to_string()),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn what_the_filter_leaves_out_is_acknowledged_and_counted() {
    let mut bench = Bench::with_events(7).await;
    bench.options.filter = Some(even());
    let summary = bench.run(accept).await.unwrap();
    let expected = Summary {
        acked: 4,
        filtered: 3,
        end: summary.end.clone(),
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    bench.options.filter = None;
    assert_eq!(bench.run(accept).await.unwrap().acked, 0, "they are done");
}

#[tokio::test(start_paused = true)]
async fn an_event_on_which_the_filter_fails_is_dead_lettered() {
    let mut bench = Bench::with_events(10).await;
    bench.options.filter = Some(even());
    let summary = bench.run(accept).await.unwrap();
    assert_eq!(
        (summary.acked, summary.filtered, summary.dead_lettered),
        (5, 3, 2)
    );
    let letters = bench.letters().await;
    let told: Vec<_> = letters
        .iter()
        .map(|letter| &*letter.record.failure.message)
        .collect();
    assert_eq!(
        told,
        ["the filter failed: it is seven", "the filter failed: nine"]
    );
    assert!(
        letters.iter().all(|letter| letter.record.attempts == 0),
        "nothing ran"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_no_event_is_not_hidden_by_the_filter() {
    let mut bench = Bench::with_events(1).await;
    bench.publish_text("garbage").await;
    bench.options.filter = Some(EventFilter::new(|_| Ok(false)));
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.filtered, summary.dead_lettered), (1, 1));
    assert_eq!(bench.letters().await[0].record.kind, DeadLetterKind::Decode);

    bench.publish_text("garbage").await;
    bench.options.plain = true;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.filtered, summary.dead_lettered), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_count_is_of_events_that_the_filter_matches() {
    let mut bench = Bench::with_events(7).await;
    bench.options.filter = Some(even());
    bench.options.count = Some(2);
    let summary = bench.run(accept).await.unwrap();
    assert_eq!(summary.acked, 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_filter_leaves_out_says_nothing_about_the_handler() {
    let mut bench = Bench::with_events(100).await;
    bench.options.filter = Some(EventFilter::new(|stored| {
        Ok(stored.position.as_str().ends_with('0'))
    }));
    bench.options.breaker.in_a_row = 3;
    let fail = |_: Event| async { Err::<(), _>(HandlerError::dead_letter("no")) };
    let summary = bench.run(fail).await.unwrap();
    assert_eq!(summary.dead_lettered, 3, "{:?}", bench.log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_is_treated_as_chosen() {
    for (treatment, acked, skipped, letters) in [
        (Treatment::DeadLetter, 1, 0, 30),
        (Treatment::Skip, 1, 30, 0),
        (Treatment::Deliver, 31, 0, 0),
    ] {
        let mut bench = Bench::new().await;
        for _ in 0..30 {
            bench.publish_raw(tombstone(b"order-1")).await;
        }
        bench.publish(numbered(1)).await;
        bench.options.tombstones = Some(treatment);
        let summary = bench.run(accept).await.unwrap();
        assert_eq!(
            (summary.acked, summary.skipped, summary.dead_lettered),
            (acked, skipped, letters),
            "{treatment:?}"
        );
        assert_eq!(summary.tombstones, skipped);
        assert_eq!(bench.log.count("breaker"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivered_tombstone_says_what_was_deleted() {
    for (key, name, value) in [
        (&b"order-1"[..], "partitionkey", "order-1"),
        (&[0xff, 0], "partitionkeybase64", "/wA="),
    ] {
        let mut bench = Bench::new().await;
        bench.publish_raw(tombstone(key)).await;
        bench.options.tombstones = Some(Treatment::Deliver);
        let handler = move |event: Event| async move {
            assert_eq!(event.attempt(), 1);
            assert_eq!(
                protoflow::cloudevents::AttributesReader::ty(&event),
                "tombstone"
            );
            assert_eq!(event.extension(name).unwrap().to_string(), value);
            assert!(event.data().is_none());
            Ok(())
        };
        assert_eq!(
            bench.run(handler).await.unwrap().acked,
            1,
            "{:?}",
            bench.log.lines()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_without_data_in_binary_mode_is_no_tombstone() {
    let mut bench = Bench::new().await;
    let mut message = tombstone(b"order-1");
    for (name, value) in [
        ("specversion", "1.0"),
        ("id", "1"),
        ("source", "/shop"),
        ("type", TOPIC),
    ] {
        message
            .headers
            .push(format!("ce_{name}"), Some(value.into()));
    }
    bench.publish_raw(message).await;
    bench.options.tombstones = Some(Treatment::Skip);
    assert_eq!(bench.run(accept).await.unwrap().acked, 1);
}

#[cfg(feature = "filter")]
#[tokio::test]
async fn a_service_filters_by_jq() {
    let service = Service::builder()
        .group("g")
        .connect("memory:")
        .await
        .unwrap();
    for total in [10, 200] {
        let order = serde_json::json!({"total": total});
        service.publish_data(TOPIC, "shop", &order).await.unwrap();
    }
    let large = protoflow::runtime::Filter::compile(".event.data.total > 100").unwrap();
    let consumer = service
        .consume(TOPIC, accept)
        .filter(EventFilter::jq(large));
    let summary = consumer.until_end().await.unwrap();
    assert_eq!((summary.acked, summary.filtered), (1, 1));
}
