//! The database restarts, the target does not answer.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use protoflow::{
    outbox::{RelayNotice, postgres::enqueue},
    transport::Transport,
};
use test_support::wait::until;

use super::fixture::{Shop, count};
use crate::harness::{FileTarget, Verdict, entry, judge, options, outbox, start, target};

async fn insert(shop: &Shop, numbers: std::ops::Range<u64>) -> Vec<String> {
    let mut client = shop.client().await;
    let transaction = client.transaction().await.unwrap();
    let mut ids = Vec::new();
    for n in numbers {
        ids.push(format!("a-{n}"));
        enqueue(&transaction, &entry(&ids[ids.len() - 1], "a", n))
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_is_ridden_out() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let relay = start(&shop.outbox, &target(&file.url()).await, options());
    let mut committed = insert(&shop, 0..50).await;
    until("the first rows are published", || file.stored().len() == 50);
    shop.server.kill();
    let outage = |notice: &RelayNotice| matches!(notice, RelayNotice::Outage(_));
    until("the outage is noticed", || relay.notices.count(outage) > 0);
    shop.server.launch();
    committed.extend(insert(&shop, 50..100).await);
    until("the others are published", || file.stored().len() >= 100);
    relay.end().await;
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
}

/// Returns the longest time in seconds for which a relay has had a transaction open.
async fn longest_transaction(client: &tokio_postgres::Client) -> f64 {
    let sql = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 \
         FROM pg_stat_activity WHERE application_name = 'pf outbox'";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transaction_is_open_while_the_target_is_silent() {
    let shop = Shop::open().await;
    insert(&shop, 0..10).await;
    // It accepts connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "nats://{}/SHOP?connect-timeout=2s",
        listener.local_addr().unwrap()
    );
    let target: std::sync::Arc<dyn Transport> = lazily(&url).await;
    let relay = start(&shop.outbox, &target, options());
    let client = shop.client().await;
    let mut looks = 0;
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    while tokio::time::Instant::now() < end {
        assert!(longest_transaction(&client).await < 1.0);
        looks += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(looks > 10);
    assert_eq!(count(&client, "pf_outbox").await, 10, "nothing is lost");
    relay.abort();
}

/// Opens a target that is reached when it is first used.
async fn lazily(url: &str) -> std::sync::Arc<dyn Transport> {
    use protoflow::backends::{OpenOptions, Registry};
    let opened = Registry::builtin()
        .open(&url.parse().unwrap(), OpenOptions::default())
        .await;
    match opened {
        Ok(transport) => transport,
        // Some connect at once: then a broker that is down stands in.
        Err(_) => Registry::builtin()
            .open(
                &"kafka://127.0.0.1:1/".parse().unwrap(),
                OpenOptions::default(),
            )
            .await
            .unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_in_transaction_mode_is_no_obstacle() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let Some(pooler) = test_support::postgres::Pooler::start(&shop.server) else {
        panic!("tests need pgbouncer: install it and try again");
    };
    let url = pooler.url("test", "postgres");
    let through = outbox(&url);
    let relay = start(&through, &target(&file.url()).await, options());
    let mut client = super::fixture::connect(&url).await;
    let mut committed = Vec::new();
    for n in 0..50 {
        let transaction = client.transaction().await.unwrap();
        committed.push(format!("a-{n}"));
        enqueue(
            &transaction,
            &entry(&committed[committed.len() - 1], "a", n),
        )
        .await
        .unwrap();
        transaction.commit().await.unwrap();
    }
    until("all are published", || file.stored().len() >= 50);
    assert_eq!(relay.end().await.sent, 50);
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_another_session_is_reported_soon_and_ridden_out() {
    let (shop, file) = (Shop::open().await, FileTarget::new());
    let committed = insert(&shop, 0..10).await;
    let mut client = shop.client().await;
    let holder = client.transaction().await.unwrap();
    let lock = "LOCK TABLE pf_outbox IN ACCESS EXCLUSIVE MODE";
    holder.batch_execute(lock).await.unwrap();
    let started = Instant::now();
    let error = shop.outbox.park(1).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(
        error.message(),
        "parking a row failed: another session holds a lock that it needs"
    );
    assert!(error.advice().unwrap().contains("pg_stat_activity"));
    let relay = start(&shop.outbox, &target(&file.url()).await, options());
    let outage = |notice: &RelayNotice| matches!(notice, RelayNotice::Outage(error) if error.message().contains("holds a lock"));
    until("it is reported", || relay.notices.count(outage) == 1);
    holder.rollback().await.unwrap();
    until("all are published", || file.stored().len() == 10);
    relay.end().await;
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
}
