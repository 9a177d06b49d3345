//! Inserting an event in the user's own transaction, beside the same row.

use std::time::Instant;

use protoflow::outbox::{Entry, postgres::enqueue};

use super::setup::{Setup, entry};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::block_on,
    rounds::{Target, compare},
};

pub fn single(plan: &Plan) {
    let setup = Setup::new();
    let count = plan.events.min(5000);
    let entries: Vec<Entry> = (0..count).map(entry).collect();
    let ours = |_| {
        block_on(async {
            let mut client = setup.client().await;
            let start = Instant::now();
            for entry in &entries {
                let transaction = client.transaction().await.unwrap();
                enqueue(&transaction, entry).await.unwrap();
                transaction.commit().await.unwrap();
            }
            start.elapsed()
        })
    };
    let rows: Vec<(String, String)> = (0..count)
        .map(|number| {
            let event = String::from_utf8(events::event(number)).unwrap();
            (format!("order-{}", number % 1000), event)
        })
        .collect();
    let raw = |_| {
        block_on(async {
            let mut client = setup.client().await;
            let insert = "INSERT INTO raw_outbox(topic, key, event) VALUES ($1, $2, $3)";
            let insert = client.prepare(insert).await.unwrap();
            let start = Instant::now();
            for (key, event) in &rows {
                let transaction = client.transaction().await.unwrap();
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&TOPIC, key, event];
                transaction.execute(&insert, &values).await.unwrap();
                transaction.commit().await.unwrap();
            }
            start.elapsed()
        })
    };
    compare(
        "outbox enqueue, one per transaction",
        Target::Speed(0.9),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
