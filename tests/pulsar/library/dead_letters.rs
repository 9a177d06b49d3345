//! Dead letters as other clients write and read them, and what the broker keeps of them.

use protoflow::transport::{
    DeadLetter, DeadLetterKind, JobAction, Resolution, Selection, Transport, Verdict,
};

use super::shop::{Shop, failure, message, publish, request, settle, take};

async fn letters(transport: &dyn Transport) -> Vec<DeadLetter> {
    let scan = transport.dead_letters().scan(&Selection::default()).await;
    let mut scan = scan.unwrap();
    let mut all = Vec::new();
    loop {
        let some = scan.next(100).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

async fn run(transport: &dyn Transport, action: JobAction, letters: &[DeadLetter]) {
    let store = transport.dead_letters();
    let job = store.plan(action, "--ids").await.unwrap();
    store.enlist(&job, letters).await.unwrap();
    let lease = store.lease(&job, "tester").await.unwrap();
    loop {
        let outcomes = store.advance(&lease, 100, None).await.unwrap();
        if outcomes.is_empty() {
            break;
        }
        for (id, outcome) in outcomes {
            assert_eq!(outcome, Resolution::Done, "{id}");
        }
    }
    store.release(lease, true).await.unwrap();
}

/// Dead-letters texts for the group `billing`.
async fn bury(transport: &dyn Transport, topic: &str, texts: &[&str]) {
    publish(transport, texts.iter().map(|text| message(topic, text))).await;
    let member = transport.subscribe(request("billing", topic)).await;
    let member = member.unwrap();
    for delivery in take(&*member, texts.len()).await {
        let verdict = Verdict::DeadLetter {
            kind: DeadLetterKind::Permanent,
            failure: failure().into(),
        };
        settle(&*member, delivery, verdict).await;
    }
    member.close().await.unwrap();
}

fn text(letter: &DeadLetter) -> String {
    String::from_utf8_lossy(letter.message.bytes()).into_owned()
}

#[tokio::test]
async fn dead_letters_of_a_java_client_are_read_and_replayed_to_their_topic() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    let origin = shop.raw.name("order");
    let properties = [
        ("mine", "1"),
        ("REAL_TOPIC", origin.as_str()),
        ("REAL_SUBSCRIPTION", "billing"),
        ("ORIGIN_MESSAGE_ID", "3:4:-1"),
        ("RECONSUMETIMES", "16"),
    ];
    let texts = ["a", "b", "c"].map(str::to_owned);
    shop.raw
        .batch_with("order-billing-DLQ", &texts, &properties)
        .await;
    let found = letters(&*transport).await;
    assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["a", "b", "c"]);
    let first = &found[0];
    assert!(first.is_foreign);
    assert_eq!(first.message.topic.as_str(), "order");
    assert_eq!(first.message.headers.len(), 1, "Java's own are left out");
    assert_eq!(first.record.group.as_str(), "billing");
    assert_eq!(first.record.attempts, 16);
    assert_eq!(first.record.origin.position.as_str(), "order/3:4:-1");
    run(&*transport, JobAction::Replay { to: None }, &found[..2]).await;
    let left = letters(&*transport).await;
    assert_eq!(left.iter().map(text).collect::<Vec<_>>(), ["c"]);
    assert_eq!(shop.raw.read("order").await, [b"a", b"b"]);
}

#[tokio::test]
async fn other_clients_find_what_java_writes_in_a_dead_letter() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    bury(&*transport, "order", &["a"]).await;
    let stored = shop.raw.read_with_properties("order-billing-DLQ").await;
    assert_eq!(stored.len(), 1);
    let (payload, properties) = &stored[0];
    assert_eq!(payload, b"a");
    assert_eq!(properties["REAL_TOPIC"], shop.raw.name("order"));
    assert_eq!(properties["REAL_SUBSCRIPTION"], "billing");
    assert_eq!(properties["RECONSUMETIMES"], "1");
    let position = letters(&*transport).await.remove(0).record.origin.position;
    let id = position.as_str().strip_prefix("order/").unwrap().to_owned();
    assert_eq!(properties["ORIGIN_MESSAGE_ID"], id);
}

#[tokio::test]
async fn resolved_letters_are_acknowledged_where_they_are_kept() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    bury(&*transport, "order", &["a", "b", "c"]).await;
    assert_eq!(shop.backlog("order-billing-DLQ", "pf-dlq"), 3);
    let found = letters(&*transport).await;
    run(&*transport, JobAction::Purge, &found[1..]).await;
    assert_eq!(shop.backlog("order-billing-DLQ", "pf-dlq"), 1);
    let left = letters(&*transport).await;
    assert_eq!(left.iter().map(text).collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn a_letter_that_is_imported_after_it_was_resolved_is_there_again() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    bury(&*transport, "order", &["a"]).await;
    for _ in 0..2 {
        let found = letters(&*transport).await;
        assert_eq!(found.len(), 1);
        run(&*transport, JobAction::Purge, &found).await;
        assert_eq!(letters(&*transport).await, []);
        for is_new in [true, false] {
            let imported = transport.dead_letters().import(found.clone()).await;
            let imported: Vec<_> = imported.into_iter().map(|one| one.unwrap()).collect();
            assert_eq!(imported, [is_new]);
        }
    }
    assert_eq!(letters(&*transport).await.len(), 1);
}
