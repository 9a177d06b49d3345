//! Topics that are deleted while they are in use.

use std::time::Duration;

use protoflow::transport::{DeadLetterKind, ErrorKind, NoteName, Subscription, Verdict};

use super::shop::{Shop, failure, message, publish, request, settle, take, text};

fn dead_letter() -> Verdict {
    Verdict::DeadLetter {
        kind: DeadLetterKind::Permanent,
        failure: failure().into(),
    }
}

/// Takes an event and settles it.
async fn take_one(member: &dyn Subscription, verdict: Verdict) {
    let taken = take(member, 1).await.remove(0);
    settle(member, taken, verdict).await;
}

/// Its producer creates the topic again; a letter counts as stored only with the subscription that keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_kept_in_a_topic_that_was_deleted() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    publish(&*transport, ["1", "2"].map(|text| message("order", text))).await;
    take_one(&*member, dead_letter()).await;
    shop.delete("order-g-DLQ");
    take_one(&*member, dead_letter()).await;
    assert_eq!(shop.backlog("order-g-DLQ", "pf-dlq"), 1);
    shop.unload("order-g-DLQ");
    assert_eq!(shop.backlog("order-g-DLQ", "pf-dlq"), 1);
    assert_eq!(shop.raw.read("order-g-DLQ").await, [b"2"]);
    member.close().await.unwrap();
}

/// The group subscribes to its retries again, and gets what is stored after the deletion.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_comes_from_a_topic_that_was_deleted() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    publish(&*transport, ["1", "2"].map(|text| message("order", text))).await;
    let retry = || Verdict::Retry {
        after: Duration::ZERO,
        failure: failure().into(),
    };
    take_one(&*member, retry()).await;
    let taken = take(&*member, 2).await;
    shop.delete("order-g-RETRY");
    for delivery in taken {
        settle(&*member, delivery, retry()).await;
    }
    let mut again: Vec<_> = take(&*member, 2).await.iter().map(text).collect();
    again.sort();
    assert_eq!(again, ["1", "2"]);
}

/// Notes are kept as dead letters are.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_kept_in_a_topic_that_was_deleted() {
    let shop = Shop::new().await;
    let transport = shop.connect("").await;
    let store = transport.dead_letters();
    let name: NoteName = "policy.a".parse().unwrap();
    store.put_note(&name, Some("1".to_owned())).await.unwrap();
    shop.delete("pf.notes");
    store.put_note(&name, Some("2".to_owned())).await.unwrap();
    shop.unload("pf.notes");
    assert_eq!(shop.backlog("pf.notes", "pf-dlq"), 1);
    let notes = store.notes(&name).await.unwrap();
    assert_eq!(notes[0].value, "2");
}

/// A user's topic is created only on request.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_a_user_stays_deleted() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    publish(&*transport, [message("order", "1")]).await;
    shop.delete("order");
    let refused = publish(&*transport, [message("order", "2")])
        .await
        .remove(0);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!shop.exists("order"));
    shop.create("order", "").await;
    let stored = publish(&*transport, [message("order", "3")])
        .await
        .remove(0);
    stored.unwrap();
}
