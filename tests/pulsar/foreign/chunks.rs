//! Messages in chunks, as Java's client writes them, and as `pf` writes what is over the broker's limit.

use std::time::Duration;

use protoflow::{
    event::Message,
    transport::{DeadLetterKind, Verdict},
};
use test_support::wait::until;

use super::client::{java, python};
use crate::{
    cli,
    library::shop::{Shop, failure, message, publish, request, settle, take},
};

/// The size of a message of Java's, and its chunks.
const SIZE: usize = 300_000;
const CHUNKS: u64 = 3;

fn is_whole(payload: &[u8]) -> bool {
    let expected = (0..SIZE).map(|number| b'a' + u8::try_from(number % 23).unwrap());
    payload.iter().copied().eq(expected)
}

fn retry() -> Verdict {
    Verdict::Retry {
        after: Duration::from_millis(100),
        failure: failure().into(),
    }
}

fn letter() -> Verdict {
    Verdict::DeadLetter {
        kind: DeadLetterKind::Permanent,
        failure: failure().into(),
    }
}

#[test]
fn a_tail_shows_chunks_as_one_message() {
    let shop = cli::shop::Shop::with_orders("");
    for compression in ["NONE", "ZLIB"] {
        let compression = format!("compression={compression}");
        java(
            &shop,
            "write-chunks",
            "order.created",
            &["count=2", &compression],
        );
    }
    for last in 1..=4 {
        let last = last.to_string();
        let tail = [
            "tail",
            "order.created",
            "--last",
            &last,
            "--until-end",
            "-o",
            "json",
        ];
        let run = shop.pf.run(&tail).succeeded();
        let shown = run.json();
        assert_eq!(shown.len().to_string(), last);
        for record in &shown {
            assert!(is_whole(
                record["message"]["payload"].as_str().unwrap().as_bytes()
            ));
        }
    }
}

/// Retried, then dead-lettered: whole each time, and no entry of it stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_settled_together() {
    let shop = Shop::new().await;
    let user = cli::shop::Shop::of(shop.namespace());
    shop.create("order", "").await;
    java(
        &user,
        "write-chunks",
        "order",
        &["count=2", "compression=NONE"],
    );
    let transport = shop.connect("").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    for verdict in [retry(), letter()] {
        let first = take(&*member, 1).await.remove(0);
        assert!(is_whole(first.stored.message.bytes()));
        settle(&*member, first, verdict).await;
    }
    let again = take(&*member, 1).await.remove(0);
    assert_eq!(again.attempts.attempt(), 2);
    assert!(is_whole(again.stored.message.bytes()));
    settle(&*member, again, Verdict::Ack).await;
    for topic in ["order", "order-g-RETRY"] {
        until("all chunks are acknowledged", || {
            shop.backlog(topic, "g") == 0
        });
    }
    member.close().await.unwrap();
    assert_eq!(shop.stats("order")["msgInCounter"], 2 * CHUNKS);
    let letters = java(&user, "read", "order-g-DLQ", &[]);
    assert_eq!(letters.len(), 1);
}

/// A message that just fits its topic, and not its retry topic, where it has more properties: it is divided, retried and
/// dead-lettered whole. Both clients read the letter, and it is replayed.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_any_more_is_divided() {
    let shop = Shop::new().await;
    let user = cli::shop::Shop::of(shop.namespace());
    shop.create("order", "").await;
    let transport = shop.connect("").await;
    let large = Message {
        payload: Some(vec![b'x'; (5 << 20) - 700].into()),
        ..message("order", "k")
    };
    let stored = publish(&*transport, [large.clone()]).await;
    assert!(stored[0].is_ok(), "{stored:?}");
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    for attempt in 1..=3 {
        let delivery = take(&*member, 1).await.remove(0);
        assert_eq!(delivery.attempts.attempt(), attempt);
        assert_eq!(delivery.stored.message, large);
        let verdict = if attempt < 3 { retry() } else { letter() };
        settle(&*member, delivery, verdict).await;
    }
    let seen = python(&user, "read", "order-g-DLQ", &[]);
    assert_eq!(
        (seen.len(), &seen[0]["size"]),
        (1, &((5 << 20) - 700).into())
    );
    let seen = java(&user, "read", "order-g-DLQ", &[]);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].properties.contains("RECONSUMETIMES=3"), "{seen:?}");

    let replay = user
        .pf
        .run(&["dlq", "replay", "--all", "--yes"])
        .succeeded();
    assert!(replay.stdout().contains("replayed 1"), "{replay}");
    let replayed = take(&*member, 1).await.remove(0);
    assert_eq!(replayed.stored.message, large);
    settle(&*member, replayed, Verdict::Ack).await;
    for (topic, group) in [
        ("order", "g"),
        ("order-g-RETRY", "g"),
        ("order-g-DLQ", "pf-dlq"),
    ] {
        until("all entries are acknowledged", || {
            shop.backlog(topic, group) == 0
        });
    }
    member.close().await.unwrap();
    let list = user.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    assert_eq!(list.stdout(), "");
}
