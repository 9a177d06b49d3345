//! Attribute names: what a function is given, and what is stored when it publishes its event again.

use protoflow::{
    Event, EventExt, HandlerError, Service,
    event::{Envelope, Message, Naming, event},
    transport::{TailFrom, TailRequest, Transport},
};

use crate::harness::{Bench, Log, TOPIC};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Returns the extensions of an event in order.
fn extensions(event: &Event) -> String {
    let all = event.iter_extensions();
    let mut all: Vec<_> = all.map(|(name, value)| format!("{name}={value}")).collect();
    all.sort();
    all.join(" ")
}

/// An event with everything that has a name of ours.
fn full() -> Event {
    let event = event(TOPIC, "/shop")
        .correlation_id("req-1")
        .traceparent(TRACE)
        .event_version("2")
        .max_attempts(7);
    event.build().unwrap()
}

/// Notes what a handler is given.
async fn seen(bench: &Bench) -> String {
    let log = Log::default();
    let noting = log.clone();
    let note = move |event: Event| {
        noting.add(extensions(&event));
        async { Ok::<(), HandlerError>(()) }
    };
    assert_eq!(bench.run(note).await.unwrap().acked, 1);
    log.lines().concat()
}

async fn stored(transport: &dyn Transport, topic: &str) -> Message {
    let request = TailRequest {
        patterns: vec![topic.parse().unwrap()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = transport.tail(request).await.unwrap();
    tail.next(100).await.unwrap().remove(0).message
}

#[tokio::test(start_paused = true)]
async fn a_function_is_given_names_that_every_sdk_takes() {
    let bench = Bench::new().await;
    bench.publish(full()).await;
    let expected = format!(
        "correlationid=req-1 pfattempt=1 pfattemptlimit=7 pfeventversion=2 pfmaxattempts=7 traceparent={TRACE}"
    );
    assert_eq!(seen(&bench).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_function_may_be_given_the_names_of_the_go_library() {
    let mut bench = Bench::new().await;
    bench.options.handler_naming = Naming::Protoflow;
    bench.options.event_decides_attempts = false;
    bench.publish(full()).await;
    let expected = format!(
        "pf_attempt=1 pf_correlation_id=req-1 pf_event_version=2 pf_max_attempts=3 \
         pf_parent_id=00f067aa0ba902b7 pf_trace_id=4bf92f3577b34da6a3ce929d0e0e4736 pfmaxattempts=7 \
         traceparent={TRACE}"
    );
    assert_eq!(seen(&bench).await, expected);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_returned_leaves_its_delivery_behind_and_keeps_its_wish() {
    for naming in [Naming::CloudEvents, Naming::Protoflow] {
        for wish in [None, Some(7)] {
            let mut bench = Bench::new().await;
            bench.options.handler_naming = naming;
            bench.options.event_decides_attempts = false;
            bench.options.policy.max_attempts = 1;
            let order = event(TOPIC, "/shop");
            let order = match wish {
                Some(wish) => order.max_attempts(wish),
                None => order,
            };
            bench.publish(order.build().unwrap()).await;
            let pass_on = |mut event: Event| async {
                assert_eq!((event.attempt(), event.max_attempts()), (1, Some(1)));
                cloudevents::AttributesWriter::set_type(&mut event, "payment.done");
                Ok(event)
            };
            assert_eq!(bench.run(pass_on).await.unwrap().acked, 1);
            let passed_on = stored(&*bench.transport, "payment.done").await;
            let envelope = Envelope::read(&passed_on).unwrap();
            assert_eq!(envelope.max_attempts(), wish);
            let text = String::from_utf8_lossy(passed_on.bytes()).into_owned();
            assert!(
                !text.contains("pfattempt") && !text.contains("pf_"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_service_has_names_for_its_handlers_that_it_does_not_store() {
    let service = Service::builder()
        .group("billing")
        .handler_naming(Naming::Protoflow)
        .connect("memory:")
        .await
        .unwrap();
    service.publish(full()).await.unwrap();
    let message = stored(&**service.transport(), TOPIC).await;
    assert!(!String::from_utf8_lossy(message.bytes()).contains("pf_"));
    for (naming, name) in [
        (None, "pf_attempt"),
        (Some(Naming::CloudEvents), "pfattempt"),
    ] {
        let publisher = service.clone();
        let again = move |event: Event| {
            let service = publisher.clone();
            async move {
                if event.extension(name).is_none() {
                    return Err(HandlerError::dead_letter(extensions(&event)));
                }
                service.publish(event).await?;
                Ok(())
            }
        };
        let mut consume = service.consume(TOPIC, again).max_attempts(2).count(1);
        if let Some(naming) = naming {
            consume = consume.handler_naming(naming);
        }
        assert_eq!(consume.await.unwrap().acked, 1);
    }
    let mut tail = service
        .transport()
        .tail(TailRequest {
            patterns: vec![TOPIC.parse().unwrap()],
            from: TailFrom::Earliest,
            until_end: true,
        })
        .await
        .unwrap();
    let all = tail.next(100).await.unwrap();
    assert_eq!(all.len(), 3);
    for stored in all {
        let event = protoflow::event::decode(&stored.message).unwrap();
        assert_eq!(event.max_attempts(), Some(7), "{}", extensions(&event));
        assert_eq!(event.extension("pfattempt"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_sdks_refuse_is_reported_once() {
    let bench = Bench::new().await;
    for id in 0..3 {
        bench
            .publish_text(&format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","my_name":1.5}}"#
            ))
            .await;
    }
    let given = |event: Event| async move {
        assert_eq!(event.extension("my_name"), Some(&"1.5".into()));
        Ok::<(), HandlerError>(())
    };
    assert_eq!(bench.run(given).await.unwrap().acked, 3);
    assert_eq!(bench.log.count("RefusedAttribute"), 1);
    assert!(bench.log.lines().concat().contains("my_name"));
}
