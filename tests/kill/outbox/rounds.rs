//! Two relays and eight writers on PostgreSQL; the relays are killed at random moments.

use std::{
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use protoflow::outbox::{Outbox, postgres::enqueue};
use test_support::{
    dice::{self, Dice},
    kafka, nats,
    postgres::Postgres,
};
use tokio_postgres::{Client, NoTls};

use super::{entry, relay, target::Target};

/// Transactions of a writer in a round.
const TURNS: u64 = 40;

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Writes events of random keys, some of them rolled back. It takes the key's lock first.
async fn write(url: String, seed: u64) -> Vec<String> {
    let mut dice = Dice::new(seed + 1);
    let mut client = connect(&url).await;
    let mut committed = Vec::new();
    for turn in 0..TURNS {
        let key = format!("k-{}", dice.roll(20));
        let id = format!("{seed}-{turn}");
        let transaction = client.transaction().await.unwrap();
        let update = "UPDATE keys SET n = n + 1 WHERE key = $1 RETURNING n";
        let n: i64 = transaction.query_one(update, &[&key]).await.unwrap().get(0);
        tokio::time::sleep(Duration::from_micros(dice.roll(3000))).await;
        let entry = entry("orders", &id, &key, n.unsigned_abs());
        enqueue(&transaction, &entry).await.unwrap();
        if dice.roll(50) == 0 {
            transaction.rollback().await.unwrap();
        } else {
            transaction.commit().await.unwrap();
            committed.push(id);
        }
    }
    committed
}

/// Kills both relays now and then and starts them again, until it is over.
fn harass(from: &str, to: &str, seed: u64, is_over: &AtomicBool) -> u32 {
    let home = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(seed);
    let start = || relay(from, to, home.path()).spawn().unwrap();
    let end = |relay: &mut Child| {
        relay.kill().unwrap();
        relay.wait().unwrap();
    };
    let (mut relays, mut kills) = ([start(), start()], 0);
    while kills < 4 || !is_over.load(Ordering::Relaxed) {
        thread::park_timeout(Duration::from_millis(200 + dice.roll(1200)));
        let victim = &mut relays[dice.index(2)];
        end(victim);
        *victim = start();
        kills += 1;
    }
    relays.iter_mut().for_each(end);
    kills
}

fn round(server: &Postgres, target: &Target, seed: u64) {
    let url = server.url("test", "postgres");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (committed, kills) = runtime.block_on(async {
        let outbox = Outbox::new(&url.parse().unwrap()).unwrap();
        outbox.create().await.unwrap();
        let reset = "DROP TABLE IF EXISTS keys; CREATE TABLE keys(key text PRIMARY KEY, n bigint NOT NULL DEFAULT 0); \
             INSERT INTO keys SELECT 'k-' || g FROM generate_series(0, 19) g";
        connect(&url).await.batch_execute(reset).await.unwrap();
        let is_over = Arc::<AtomicBool>::default();
        let harassing = {
            let (from, to, is_over) = (url.clone(), target.url.clone(), Arc::clone(&is_over));
            thread::spawn(move || harass(&from, &to, seed, &is_over))
        };
        let writers: Vec<_> = (0..8)
            .map(|writer| tokio::spawn(write(url.clone(), seed * 8 + writer)))
            .collect();
        let mut committed = Vec::new();
        for writer in writers {
            committed.extend(writer.await.unwrap());
        }
        is_over.store(true, Ordering::Relaxed);
        (committed, harassing.join().unwrap())
    });
    let home = tempfile::tempdir().unwrap();
    let status = relay(&url, &target.url, home.path())
        .arg("--until-end")
        .status();
    assert!(status.unwrap().success(), "after {kills} kills");
    target.judge(&committed);
    println!("seed {seed}: {kills} kills, {} committed", committed.len());
}

#[test]
fn killed_at_random_relays_to_sqlite_keep_every_event_once_and_in_order() {
    let server = Postgres::start();
    for seed in dice::seeds(4, 80) {
        round(&server, &Target::sqlite(), seed);
    }
}

#[test]
fn killed_at_random_relays_to_kafka_keep_every_event_once_and_in_order() {
    let (server, broker) = (Postgres::start(), kafka::Broker::shared());
    for seed in dice::seeds(3, 60) {
        round(
            &server,
            &Target::kafka(broker, &format!("outbox-{seed}")),
            seed,
        );
    }
}

#[test]
fn killed_at_random_relays_to_nats_keep_every_event_once_and_in_order() {
    let (server, broker) = (Postgres::start(), nats::Broker::start());
    for seed in dice::seeds(3, 60) {
        round(
            &server,
            &Target::nats(&broker, &format!("outbox-{seed}")),
            seed,
        );
    }
}
