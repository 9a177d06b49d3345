//! A server with an outbox and a table of the same shape, prepared outside what is measured.

use std::time::{Duration, Instant};

use protoflow::outbox::{Entry, Outbox, postgres::enqueue_all};
use test_support::postgres::Postgres;
use tokio_postgres::{Client, NoTls};

use crate::{
    events::{self, TOPIC},
    program::block_on,
};

/// The outbox, and the table beside it.
pub const OURS: &str = "pf_outbox";
pub const RAW: &str = "raw_outbox";

/// Rows of a batch, on both sides.
const BATCH: usize = 500;
/// Keys of the events.
const KEYS: usize = 1000;

/// A server for one benchmark.
pub struct Setup {
    server: Postgres,
}

impl Setup {
    /// Starts a server with an outbox, and `raw_outbox` beside it.
    pub fn new() -> Self {
        let setup = Self {
            server: Postgres::start(),
        };
        block_on(async {
            let outbox = Outbox::new(&setup.url().parse().unwrap()).unwrap();
            outbox.create().await.unwrap();
            let twin = "CREATE TABLE raw_outbox (LIKE pf_outbox INCLUDING ALL)";
            setup.client().await.batch_execute(twin).await.unwrap();
        });
        setup
    }

    /// Returns the URL of the outbox.
    pub fn url(&self) -> String {
        self.server.url("test", "postgres")
    }

    /// Connects with a client that knows nothing of ours.
    pub async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Fills the outbox, or the table beside it, with so many rows; nothing is left of earlier ones.
    pub fn fill(&self, table: &str, count: usize) {
        let entries: Vec<Entry> = (0..count).map(entry).collect();
        block_on(async {
            let mut client = self.client().await;
            client
                .batch_execute("TRUNCATE pf_outbox, raw_outbox")
                .await
                .unwrap();
            for entries in entries.chunks(5000) {
                let transaction = client.transaction().await.unwrap();
                enqueue_all(&transaction, entries).await.unwrap();
                transaction.commit().await.unwrap();
            }
            if table != OURS {
                let copy = "INSERT INTO raw_outbox (topic, key, event) SELECT topic, key, event FROM pf_outbox ORDER BY id; \
                     TRUNCATE pf_outbox";
                client.batch_execute(copy).await.unwrap();
            }
            client
                .batch_execute(&format!("VACUUM ANALYZE {table}"))
                .await
                .unwrap();
        });
    }

    /// Reads and deletes the rows of the other table, by 500; returns how long it took.
    pub fn drain(&self, count: usize) -> Duration {
        let drain = format!(
            "DELETE FROM raw_outbox USING (SELECT id AS first FROM raw_outbox ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED) f \
             WHERE id = first RETURNING id, topic, key, event"
        );
        block_on(async {
            let client = self.client().await;
            let drain = client.prepare(&drain).await.unwrap();
            let start = Instant::now();
            let mut drained = 0;
            loop {
                let rows = client.query(&drain, &[]).await.unwrap();
                if rows.is_empty() {
                    break;
                }
                drained += rows.len();
            }
            assert_eq!(drained, count);
            start.elapsed()
        })
    }
}

/// Returns the entry of an event.
pub fn entry(number: usize) -> Entry {
    let event: protoflow::Event = serde_json::from_slice(&events::event(number)).unwrap();
    let entry = Entry::new(&event).unwrap().topic(TOPIC.parse().unwrap());
    entry.key(format!("order-{}", number % KEYS))
}
