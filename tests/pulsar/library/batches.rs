//! Batches of other clients: the broker knows the entry alone, so it is acknowledged with the last of its messages.

use std::{collections::HashSet, time::Duration};

use protoflow::transport::{DeadLetterKind, Verdict};
use test_support::wait::until;

use super::shop::{Shop, failure, request, settle, take, text};

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:03}")).collect()
}

/// A crash after a part of a batch repeats the batch, and loses none of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_settled_in_part_comes_again_as_a_whole() {
    let shop = Shop::new().await;
    shop.create("order", "").await;
    shop.raw.batch("order", &numbered(10)).await;
    let transport = shop.connect("").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    for delivery in take(&*member, 9).await {
        settle(&*member, delivery, Verdict::Ack).await;
    }
    assert_eq!(shop.backlog("order", "g"), 1);
    member.close().await.unwrap();
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    let again = take(&*member, 10).await;
    let texts: HashSet<_> = again.iter().map(text).collect();
    assert_eq!(texts.len(), 10);
    for delivery in again {
        settle(&*member, delivery, Verdict::Ack).await;
    }
    until("the entry is acknowledged", || {
        shop.backlog("order", "g") == 0
    });
    member.close().await.unwrap();
}

/// Of a batch of 100, each third fails: those are retried, and nothing else comes again.
#[tokio::test(flavor = "multi_thread")]
async fn each_third_of_a_batch_may_fail() {
    const COUNT: usize = 100;
    let shop = Shop::new().await;
    shop.create("order", "").await;
    shop.raw.batch("order", &numbered(COUNT)).await;
    let transport = shop.connect("").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    let (mut seen, mut again, mut dead) = (0, 0, 0);
    while seen < COUNT || again < 33 {
        for delivery in member.next(7).await.unwrap() {
            let number: usize = text(&delivery).parse().unwrap();
            let attempt = delivery.attempts.attempt();
            let verdict = match (number % 3, attempt) {
                (1, 1) => Verdict::Retry {
                    after: Duration::from_millis(300),
                    failure: failure().into(),
                },
                (1, _) if number == 1 => Verdict::DeadLetter {
                    kind: DeadLetterKind::Exhausted,
                    failure: failure().into(),
                },
                _ => Verdict::Ack,
            };
            dead += usize::from(matches!(verdict, Verdict::DeadLetter { .. }));
            seen += usize::from(attempt == 1);
            again += usize::from(attempt == 2);
            assert!(attempt <= 2, "{number} came a third time");
            settle(&*member, delivery, verdict).await;
        }
    }
    until("the entry is acknowledged", || {
        shop.backlog("order", "g") == 0
    });
    until("the retries are", || {
        shop.backlog("order-g-RETRY", "g") == 0
    });
    member.close().await.unwrap();
    assert_eq!((seen, again, dead), (COUNT, 33, 1));
    assert_eq!(shop.raw.read("order-g-DLQ").await, [b"001"]);
    println!("each third of a batch of {COUNT} fails: lost 0, doubled 0");
}
