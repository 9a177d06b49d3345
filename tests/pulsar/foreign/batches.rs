//! Batches that Python's client wrote.

use std::{collections::BTreeSet, time::Duration};

use protoflow::transport::{DeadLetterKind, Verdict};
use test_support::wait::until;

use super::client::{java, python, python_writes};
use crate::{
    cli,
    library::shop::{Shop, failure, request, settle, text},
};

const COMPRESSIONS: [&str; 5] = ["NONE", "LZ4", "ZLib", "ZSTD", "SNAPPY"];
const COUNT: usize = 90;

/// Batches of every compression are shown as the client wrote them, with key and properties.
#[test]
fn batches_of_every_compression_are_tailed() {
    let shop = cli::shop::Shop::with_orders("");
    for compression in COMPRESSIONS {
        let options = [
            "count=50",
            "batching=yes",
            &format!("compression={compression}"),
            &format!("prefix={compression}-"),
        ];
        python_writes(&shop, "order.created", &options);
    }
    let tail = [
        "tail",
        "order.created",
        "--last",
        "250",
        "--until-end",
        "-o",
        "json",
    ];
    let run = shop.pf.run(&tail).succeeded();
    let shown: BTreeSet<String> = run
        .json()
        .iter()
        .map(|record| {
            let message = &record["message"];
            let key = message["key"].as_str().unwrap();
            assert_eq!(message["payload"], key, "{record}");
            let number: usize = key.rsplit('-').next().unwrap().parse().unwrap();
            let property = format!(r#"["n","{number}"]"#);
            assert!(
                message["headers"].to_string().contains(&property),
                "{record}"
            );
            key.to_owned()
        })
        .collect();
    assert_eq!(shown.len(), 250);
    let last = [
        "tail",
        "order.created",
        "--last",
        "3",
        "--until-end",
        "-o",
        "data",
    ];
    let run = shop.pf.run(&last).succeeded();
    assert_eq!(run.stdout().lines().count(), 3, "{run}");
}

/// Java compresses with other libraries; it has none for Zstandard among the broker's jars.
#[test]
fn batches_of_java_are_tailed() {
    let shop = cli::shop::Shop::with_orders("");
    for compression in ["NONE", "LZ4", "ZLIB", "SNAPPY"] {
        let compression = format!("compression={compression}");
        java(
            &shop,
            "write",
            "order.created",
            &["count=200", &compression],
        );
    }
    let tail = [
        "tail",
        "order.created",
        "--last",
        "800",
        "--until-end",
        "-o",
        "data",
    ];
    let run = shop.pf.run(&tail).succeeded();
    let texts: Vec<&str> = run.stdout().lines().collect();
    let expected: Vec<String> = (0..800)
        .map(|number| format!("java-{}", number % 200))
        .collect();
    assert_eq!(texts, expected);
}

/// Of each batch a third is acknowledged, a third retried once, and a third dead-lettered. Nothing comes twice, and the
/// entries are acknowledged when all of their members are settled.
#[tokio::test(flavor = "multi_thread")]
async fn members_of_batches_are_settled_by_themselves() {
    let shop = Shop::new().await;
    let user = cli::shop::Shop::of(shop.namespace());
    shop.create("order", "").await;
    for compression in COMPRESSIONS {
        let compression = format!("compression={compression}");
        let options = [&format!("count={COUNT}"), "batching=yes", &compression];
        python_writes(&user, "order", &options);
    }
    let entries = shop.stats("order")["msgInCounter"].as_u64().unwrap();
    let transport = shop.connect("").await;
    let member = transport.subscribe(request("g", "order")).await.unwrap();
    let all = COMPRESSIONS.len() * COUNT;
    assert_eq!(entries, all as u64);
    let (mut first, mut again, mut dead) = (0, 0, 0);
    while first < all || again < all / 3 {
        for delivery in member.next(17).await.unwrap() {
            let number: usize = text(&delivery).parse().unwrap();
            let attempt = delivery.attempts.attempt();
            let verdict = match (number % 3, attempt) {
                (1, 1) => Verdict::Retry {
                    after: Duration::from_millis(200),
                    failure: failure().into(),
                },
                (2, 1) => Verdict::DeadLetter {
                    kind: DeadLetterKind::Permanent,
                    failure: failure().into(),
                },
                (1, 2) | (0, 1) => Verdict::Ack,
                other => panic!("{number} came again: {other:?}"),
            };
            dead += usize::from(matches!(verdict, Verdict::DeadLetter { .. }));
            first += usize::from(attempt == 1);
            again += usize::from(attempt == 2);
            settle(&*member, delivery, verdict).await;
        }
    }
    for topic in ["order", "order-g-RETRY"] {
        until("the entries are acknowledged", || {
            shop.backlog(topic, "g") == 0
        });
    }
    member.close().await.unwrap();
    assert_eq!((first, again, dead), (all, all / 3, all / 3));
    let letters = python(&user, "read", "order-g-DLQ", &[]);
    let texts: BTreeSet<_> = letters.iter().map(|one| one["text"].to_string()).collect();
    assert_eq!((letters.len(), texts.len()), (all / 3, COUNT / 3));
    println!("{all} members of batches, a third each: lost 0, doubled 0");
}
