//! Creating an outbox, keeping, delaying, and the state of it.

use std::time::{Duration, Instant, SystemTime};

use protoflow::{
    outbox::{
        Entry, RelayOptions,
        postgres::{enqueue, enqueue_all},
    },
    transport::ErrorKind,
};
use test_support::wait::until;

use super::fixture::{Shop, count};
use crate::harness::{
    FileTarget, Verdict, drain, drain_with, entry, judge, options, outbox, start, target,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_is_published_once_in_order() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let mut client = shop.client().await;
    let transaction = client.transaction().await.unwrap();
    enqueue(&transaction, &entry("gone", "a", 0)).await.unwrap();
    transaction.rollback().await.unwrap();
    let entries: Vec<Entry> = (0..1200)
        .map(|n| entry(&format!("a-{n}"), "a", n))
        .collect();
    let transaction = client.transaction().await.unwrap();
    enqueue_all(&transaction, &entries).await.unwrap();
    transaction.commit().await.unwrap();
    let target = target(&file.url()).await;
    assert_eq!(drain(&shop.outbox, &target).await.sent, 1200);
    assert_eq!(drain(&shop.outbox, &target).await.sent, 0);
    let committed: Vec<_> = (0..1200).map(|n| format!("a-{n}")).collect();
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
    assert_eq!(count(&client, "pf_outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_is_created_once_and_another_shape_is_refused() {
    let shop = Shop::without_outbox();
    let client = shop.client().await;
    let absent = shop.outbox.status().await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    client
        .batch_execute("CREATE TABLE pf_outbox(id bigint, topic text)")
        .await
        .unwrap();
    let refused = shop.outbox.create().await.unwrap_err();
    assert_eq!(
        refused.message(),
        "`public.pf_outbox` has no column `key`: it is not an outbox of this program"
    );
    client.batch_execute("DROP TABLE pf_outbox").await.unwrap();
    let (first, second) = (
        shop.outbox.create(),
        outbox(&shop.server.url("test", "postgres")),
    );
    let (first, second) = tokio::join!(first, second.create());
    assert!(first.unwrap() | second.unwrap(), "both may find it absent");
    assert!(!shop.outbox.create().await.unwrap());
    client
        .batch_execute("UPDATE pf_outbox_meta SET value = '2' WHERE name = 'version'")
        .await
        .unwrap();
    let refused = shop.outbox.status().await.unwrap_err();
    assert_eq!(
        refused.message(),
        "the outbox has version 2; this program knows version 1"
    );
    client.batch_execute("CREATE SCHEMA \"App\"").await.unwrap();
    let other = format!("{}&schema=App", shop.server.url("test", "postgres"));
    assert!(
        outbox(&other).create().await.unwrap(),
        "a schema has its own"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delayed_and_kept_rows() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let mut client = shop.client().await;
    let due = SystemTime::now() + Duration::from_secs(3);
    let transaction = client.transaction().await.unwrap();
    enqueue(&transaction, &entry("later", "a", 0).due(due))
        .await
        .unwrap();
    enqueue(
        &transaction,
        &entry("past", "a", 0).due(SystemTime::UNIX_EPOCH),
    )
    .await
    .unwrap();
    enqueue(&transaction, &entry("now", "a", 1)).await.unwrap();
    transaction.commit().await.unwrap();
    let keep = RelayOptions {
        keep: Some(Duration::from_hours(1)),
        ..options()
    };
    let target = target(&file.url()).await;
    assert_eq!(
        drain_with(&shop.outbox, &target, keep.clone()).await.sent,
        2
    );
    let status = shop.outbox.status().await.unwrap();
    assert_eq!((status.pending, status.delayed, status.kept), (0, 1, 2));
    let relay = start(&shop.outbox, &target, keep);
    until("the delayed event is published", || {
        file.stored().len() == 3
    });
    assert!(SystemTime::now() >= due);
    relay.end().await;
    assert_eq!(shop.outbox.clean(Duration::from_hours(1)).await.unwrap(), 0);
    assert_eq!(shop.outbox.clean(Duration::ZERO).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_transaction_that_holds_up_vacuum_is_named() {
    let shop = Shop::open().await;
    let client = shop.client().await;
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 'report' AS slow")
        .await
        .unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let status = shop.outbox.status().await.unwrap();
        if let Some(blocker) = status.vacuum_blocker {
            assert_eq!(blocker.state, "idle in transaction");
            assert!(blocker.query.contains("report"), "{}", blocker.query);
            break;
        }
        assert!(Instant::now() < end, "it is found after ten seconds");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
