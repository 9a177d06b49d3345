//! Many writers and two relays at once.

use std::time::Duration;

use protoflow::outbox::postgres::enqueue;
use test_support::wait::until;
use tokio::time::sleep;

use super::fixture::{Shop, connect, count};
use crate::harness::{FileTarget, Verdict, entry, judge, options, outbox, start, target};

const WRITERS: u64 = 8;
const KEYS: u64 = 20;

/// When a writer inserts the event of a key.
#[derive(Clone, Copy)]
enum Order {
    LockFirst,
    InsertFirst,
}

/// Writes events of random keys, some of them rolled back; returns those that were committed.
async fn write(url: String, seed: u64, order: Order) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut client = connect(&url).await;
    let mut committed = Vec::new();
    for turn in 0..60 {
        let key = format!("k-{}", random.u64(0..KEYS));
        let id = format!("{seed}-{turn}");
        let transaction = client.transaction().await.unwrap();
        let update = "UPDATE keys SET n = n + 1 WHERE key = $1 RETURNING n";
        let lock = async || -> i64 { transaction.query_one(update, &[&key]).await.unwrap().get(0) };
        let jitter = Duration::from_micros(random.u64(0..3000));
        match order {
            Order::LockFirst => {
                let n = lock().await.unsigned_abs();
                sleep(jitter).await;
                enqueue(&transaction, &entry(&id, &key, n)).await.unwrap();
            }
            Order::InsertFirst => {
                enqueue(&transaction, &entry(&id, &key, 0)).await.unwrap();
                sleep(jitter).await;
                lock().await;
            }
        }
        sleep(jitter).await;
        if random.u32(0..50) == 0 {
            transaction.rollback().await.unwrap();
        } else {
            transaction.commit().await.unwrap();
            committed.push(id);
        }
    }
    committed
}

async fn all_writers(order: Order) -> Verdict {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let client = shop.client().await;
    let keys = "CREATE TABLE keys(key text PRIMARY KEY, n bigint NOT NULL DEFAULT 0); \
         INSERT INTO keys SELECT 'k-' || g FROM generate_series(0, 19) g";
    client.batch_execute(keys).await.unwrap();
    let url = shop.server.url("test", "postgres");
    let target = target(&file.url()).await;
    let relays = [0, 1].map(|_| start(&outbox(&url), &target, options()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|seed| tokio::spawn(write(url.clone(), seed, order)))
        .collect();
    let mut committed = Vec::new();
    for writer in writers {
        committed.extend(writer.await.unwrap());
    }
    until("all are published", || {
        file.stored().len() >= committed.len()
    });
    for relay in relays {
        relay.end().await;
    }
    assert_eq!(count(&client, "pf_outbox").await, 0);
    judge(&file.stored(), &committed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_that_lock_the_key_first_and_two_relays_keep_its_order() {
    assert_eq!(all_writers(Order::LockFirst).await, Verdict::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_insert_first_lose_nothing() {
    let verdict = all_writers(Order::InsertFirst).await;
    assert_eq!((verdict.lost, verdict.doubled, verdict.invented), (0, 0, 0));
}
