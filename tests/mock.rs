//! What the mock records, feeds and refuses.

use protoflow::{
    Event, HandlerError, Service, event,
    mock::Mock,
    transport::{DeadLetterKind, ErrorKind, Verdict},
};

fn order() -> Event {
    event("order.created", "shop").build().expect("an event")
}

fn service(mock: &Mock) -> Service {
    let service = Service::builder().group("billing").over(mock.transport());
    service.expect("a service over the mock")
}

#[tokio::test]
async fn publishes_are_recorded_with_their_time() {
    let mock = Mock::new();
    let service = service(&mock);
    let due = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
    service.publish(order()).await.unwrap();
    service.publish_at(order(), due).await.unwrap();
    let published = mock.published();
    assert_eq!(published[0].due, None);
    assert_eq!(published[1].due, Some(due));
    let sent = published[0].event().unwrap();
    assert_eq!(cloudevents::AttributesReader::ty(&sent), "order.created");
}

#[tokio::test]
async fn publishes_fail_when_told_to() {
    let mock = Mock::new();
    let service = service(&mock);
    mock.fail_next_publishes(1, ErrorKind::Full);
    assert!(service.publish(order()).await.is_err());
    service.publish(order()).await.unwrap();
    mock.fail_publishes(ErrorKind::Unavailable);
    assert!(service.publish(order()).await.is_err());
    mock.accept_publishes();
    service.publish(order()).await.unwrap();
    assert_eq!(mock.published().len(), 2);
}

#[tokio::test]
async fn every_run_of_a_fed_event_is_told() {
    let mock = Mock::new();
    mock.feed(&order()).await.unwrap();
    let always = |_: Event| async { Err::<(), _>(HandlerError::retry("no")) };
    let service = service(&mock);
    let consume = service.consume("order.created", always).until_end();
    consume.await.unwrap();
    let settled = mock.settled();
    let failed: Vec<_> = settled.iter().map(|run| run.attempts.failed).collect();
    assert_eq!(failed, [0, 1, 2], "the default policy allows three runs");
    let last = &settled[2].verdict;
    assert!(matches!(
        last,
        Verdict::DeadLetter {
            kind: DeadLetterKind::Exhausted,
            ..
        }
    ));
    assert_eq!(mock.published(), [], "what is fed was not published");
}

#[tokio::test]
async fn a_test_can_wait_for_what_is_settled() {
    let mock = Mock::new();
    let service = service(&mock);
    let consumer = tokio::spawn(async move {
        let nothing = |_: Event| async { Ok::<(), HandlerError>(()) };
        service.consume("order.created", nothing).count(2).await
    });
    mock.feed(&order()).await.unwrap();
    mock.feed(&order()).await.unwrap();
    let settled = mock.wait_settled(2).await;
    assert!(settled.iter().all(|run| run.verdict == Verdict::Ack));
    assert_eq!(consumer.await.unwrap().unwrap().acked, 2);
}
