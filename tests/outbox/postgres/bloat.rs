//! Many rows go through an outbox, and reading it stays as quick as at the beginning.

use std::sync::Arc;

use protoflow::{outbox::RelayOptions, transport::Transport};
use test_support::programs;

use super::fixture::{Shop, count};
use crate::{
    harness::{drain_with, options, target},
    wrapped::{Fate, Sizes, Wrapped},
};

/// How much slower the last tenth may be read than the first.
const SLOWER: f64 = 1.5;

async fn insert(client: &tokio_postgres::Client, rows: u64) {
    let rows = format!(
        "INSERT INTO pf_outbox (topic, key, event) SELECT 'orders', 'k-' || g % 1000, \
         '{{\"specversion\":\"1.0\",\"id\":\"' || g || '\",\"source\":\"/shop\",\"type\":\"order.created\",\"data\":\"' \
         || repeat('x', 150) || '\"}}' FROM generate_series(1, {rows}) g"
    );
    client.batch_execute(&rows).await.unwrap();
}

/// Returns how long the server took for each claim that found rows, in milliseconds.
fn claims(shop: &Shop, batches: usize) -> Vec<f64> {
    let log = std::fs::read_to_string(shop.server.folder().join("log")).unwrap();
    let claims = log
        .lines()
        .filter(|line| line.contains("execute <unnamed>: (SELECT id, topic, key, event, due FROM"));
    let times = claims.map(|line| {
        let time = line.split("duration: ").nth(1).unwrap();
        time.split(' ').next().unwrap().parse::<f64>().unwrap()
    });
    times.take(batches).collect()
}

/// The middle one: what else runs on the machine slows some of them down.
fn middle(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Relays so many rows to a target that takes no time; returns the median claim of the first and of the last tenth.
async fn drained(rows: u64, with_snapshot: bool) -> (f64, f64) {
    let shop = Shop::open().await;
    let (client, foreign) = (shop.client().await, shop.client().await);
    insert(&client, rows).await;
    let log = "ALTER SYSTEM SET log_min_duration_statement = 0; ";
    client.batch_execute(log).await.unwrap();
    client
        .batch_execute("ALTER SYSTEM SET log_parameter_max_length = 0")
        .await
        .unwrap();
    client
        .batch_execute("SELECT pg_reload_conf()")
        .await
        .unwrap();
    if with_snapshot {
        let open = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
        foreign.batch_execute(open).await.unwrap();
    }
    let sizes = Sizes::default();
    let target: Arc<dyn Transport> = Arc::new(Wrapped {
        inner: target("memory:").await,
        judge: |_| Fate::Forgotten,
        sizes: Arc::clone(&sizes),
    });
    let start = std::time::Instant::now();
    assert_eq!(
        drain_with(&shop.outbox, &target, small_batches())
            .await
            .sent,
        rows
    );
    let time = start.elapsed();
    assert_eq!(count(&client, "pf_outbox").await, 0);
    let batches = sizes.lock().unwrap().len();
    let claims = claims(&shop, batches);
    assert_eq!(claims.len(), batches, "each claim is in the log");
    let tenth = batches / 10;
    let (first, last) = (middle(&claims[..tenth]), middle(&claims[batches - tenth..]));
    println!(
        "{rows} rows in {time:.1?}, snapshot {with_snapshot}: claim {first:.2} ms in the first tenth, {last:.2} in the last, ratio {:.2}, longest {:.1}",
        last / first,
        claims.iter().copied().fold(0.0, f64::max),
    );
    (first, last)
}

/// Many claims, also of fewer rows.
fn small_batches() -> RelayOptions {
    RelayOptions {
        batch: if programs::is_long() { 500 } else { 100 },
        ..options()
    }
}

/// Milliseconds that a busy machine may add to a claim.
const NOISE: f64 = 5.0;

fn assert_as_fast(first: f64, last: f64) {
    let is_noise = !programs::is_long() && last - first < NOISE;
    assert!(
        is_noise || last <= first * SLOWER,
        "{first} ms, then {last} ms"
    );
}

/// A million in `--long`.
fn rows() -> u64 {
    if programs::is_long() {
        1_000_000
    } else {
        60_000
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_rows_are_claimed_as_fast_as_the_first() {
    let (first, last) = drained(rows(), false).await;
    assert_as_fast(first, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_snapshot_does_not_slow_claims_down() {
    let (first, last) = drained(rows(), true).await;
    assert_as_fast(first, last);
}
