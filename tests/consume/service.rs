//! The front door: what it assumes, and what it refuses to guess.

use std::time::Duration;

use protoflow::{
    Event, EventExt, HandlerError, RetryPolicy, Service, ServiceError,
    event::Message,
    runtime::{End, Stop},
    transport::Selection,
};

use crate::harness::{Log, accept, refuse};

async fn service() -> Service {
    Service::builder()
        .group("billing")
        .connect("memory:")
        .await
        .unwrap()
}

async fn publish(service: &Service, ty: &str) {
    service
        .publish(service.event(ty).build().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_group_is_never_guessed() {
    let service = Service::connect("memory:").await.unwrap();
    let error = service.consume("order.created", accept).until_end().await;
    assert!(matches!(error, Err(ServiceError::NoGroup)));
    let summary = service
        .consume("order.created", accept)
        .group("g")
        .until_end()
        .await;
    assert_eq!(summary.unwrap().end, Some(End::Reached));
}

#[tokio::test]
async fn what_is_no_name_is_refused() {
    let bad = Service::builder().group("a b").connect("memory:").await;
    assert!(matches!(bad, Err(ServiceError::Name(_))));
    let service = service().await;
    let error = service.consume("order..created", accept).await;
    assert!(matches!(error, Err(ServiceError::Name(_))));
    let error = service.consume(Vec::<String>::new(), accept).await;
    assert!(matches!(error, Err(ServiceError::NoTopic)));
    assert!(matches!(
        Service::connect("no url").await,
        Err(ServiceError::Url { .. })
    ));
    let error = Service::connect("amqp://x").await.unwrap_err();
    assert!(error.to_string().contains("amqp"), "{error}");
}

#[tokio::test]
async fn topics_come_alone_in_lists_and_as_patterns() {
    let service = service().await;
    for ty in ["order.created", "order.changed", "payment.done"] {
        publish(&service, ty).await;
    }
    let lists = service
        .consume(["order.created", "payment.done"], accept)
        .until_end();
    assert_eq!(lists.await.unwrap().acked, 2);
    let pattern = service.consume("order.*", accept).group("g").until_end();
    assert_eq!(pattern.await.unwrap().acked, 2);
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_kept() {
    let service = service().await;
    let hour = Duration::from_hours(1);
    let event = |id: &str| service.event("order.late").id(id).build().unwrap();
    service.publish_after(event("after"), hour).await.unwrap();
    let own = service.event("order.late").delay(hour).build().unwrap();
    assert!(service.publish(own).await.unwrap().schedule.is_some());
    let data = service
        .publish_data("order.late", "shop", &7)
        .after(hour)
        .await;
    assert!(data.unwrap().schedule.is_some());
    let too_long = service.publish_after(event("never"), Duration::MAX).await;
    assert!(matches!(too_long, Err(ServiceError::DelayTooLong(_))));

    let none = service
        .consume("order.late", accept)
        .timeout(hour / 2)
        .await
        .unwrap();
    assert_eq!((none.acked, none.end), (0, Some(End::TimedOut)));
    let all = service
        .consume("order.late", accept)
        .count(3)
        .await
        .unwrap();
    assert_eq!(all.acked, 3);
}

#[tokio::test]
async fn no_duplicate_is_published_if_asked() {
    let builder = Service::builder().group("billing").dedup();
    let service = builder.connect("memory:").await.unwrap();
    let order = service.event("order.created").id("7").build().unwrap();
    let first = service.publish(order.clone()).await.unwrap();
    let again = service.publish(order).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.position, again.position);
    let respond = |event: Event| async move {
        let done = event.respond("order.done", "/billing").id("done-7").build();
        Ok::<_, HandlerError>(vec![done.unwrap()])
    };
    for group in ["a", "b"] {
        let consumer = service.consume("order.created", respond).group(group);
        assert_eq!(consumer.until_end().await.unwrap().acked, 1);
    }
    let summary = service.consume("order.done", accept).until_end().await;
    assert_eq!(summary.unwrap().acked, 1);
}

#[tokio::test]
async fn many_events_are_published_at_once() {
    let service = service().await;
    let mut events: Vec<Event> = (0..5)
        .map(|number| {
            service
                .event("order.created")
                .id(number.to_string())
                .build()
                .unwrap()
        })
        .collect();
    cloudevents::AttributesWriter::set_type(&mut events[3], "no topic");
    let results = service.publish_all(events).await;
    let failed: Vec<usize> = (0..5).filter(|index| results[*index].is_err()).collect();
    assert_eq!((results.len(), failed), (5, vec![3]));
    let summary = service
        .consume("order.created", accept)
        .until_end()
        .await
        .unwrap();
    assert_eq!(summary.acked, 4);
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_consumer_beat_those_of_the_service() {
    let log = Log::default();
    let policy = RetryPolicy {
        max_attempts: 7,
        ..RetryPolicy::default()
    };
    let builder = Service::builder()
        .group("billing")
        .policy(policy)
        .observer(log.clone());
    let service = builder.jobs(3).connect("memory:").await.unwrap();
    publish(&service, "order.created").await;
    let run = service
        .consume("order.**", refuse)
        .backoff(Duration::from_millis(5));
    let summary = run.max_attempts(2).ordered().until_end().await.unwrap();
    assert_eq!((summary.retried, summary.dead_lettered), (1, 1));
    assert_eq!(log.count("dead (exhausted)"), 1);
    let letters = service
        .transport()
        .dead_letters()
        .stats(&Selection::default())
        .await;
    assert_eq!(letters.unwrap()[0].count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_stops_when_it_is_told_to() {
    let service = service().await;
    publish(&service, "order.created").await;
    let stop = Stop::default();
    let drain = stop.drain.clone();
    let handler = move |event: Message| {
        drain.cancel();
        async move {
            assert!(!event.bytes().is_empty());
            Ok::<(), HandlerError>(())
        }
    };
    let summary = service
        .consume("order.created", handler)
        .stop(stop)
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.end), (1, Some(End::Drained)));
    service.close().await.unwrap();
}

#[tokio::test]
async fn the_handler_sees_the_attempt() {
    let service = service().await;
    publish(&service, "order.created").await;
    let summary = service
        .consume("order.created", |event: Event| async move {
            match (event.attempt(), event.max_attempts()) {
                (2, Some(3)) => Ok(()),
                (1, _) => Err(HandlerError::retry_after(Duration::ZERO, "again")),
                other => Err(HandlerError::skip(format!("{other:?}"))),
            }
        })
        .until_end()
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.retried, summary.skipped), (1, 1, 0));
}
