//! Inserting an event in the user's own transaction, beside the same row: both with a prepared statement, and both
//! without, as it must be behind many poolers.

use std::time::Instant;

use protoflow::outbox::{
    Entry,
    postgres::{enqueue, enqueue_prepared, prepare},
};

use tokio_postgres::types::{ToSql, Type};

use super::setup::{Setup, entry};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::block_on,
    rounds::{Target, compare},
};

pub fn single(plan: &Plan) {
    for is_prepared in [true, false] {
        beside_raw(plan, is_prepared);
    }
}

fn beside_raw(plan: &Plan, is_prepared: bool) {
    let setup = Setup::new();
    let count = plan.events.min(5000);
    let entries: Vec<Entry> = (0..count).map(entry).collect();
    let ours = |_| {
        block_on(async {
            let mut client = setup.client().await;
            let statement = prepare(&client).await.unwrap();
            let start = Instant::now();
            for entry in &entries {
                let transaction = client.transaction().await.unwrap();
                let inserted = if is_prepared {
                    enqueue_prepared(&transaction, &statement, entry).await
                } else {
                    enqueue(&transaction, entry).await
                };
                inserted.unwrap();
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
            let statement = client.prepare(insert).await.unwrap();
            let start = Instant::now();
            for (key, event) in &rows {
                let transaction = client.transaction().await.unwrap();
                let values: [&(dyn ToSql + Sync); 3] = [&TOPIC, key, event];
                if is_prepared {
                    transaction.execute(&statement, &values).await.unwrap();
                } else {
                    let typed = values.map(|value| (value, Type::TEXT));
                    transaction.execute_typed(insert, &typed).await.unwrap();
                }
                transaction.commit().await.unwrap();
            }
            start.elapsed()
        })
    };
    let how = if is_prepared {
        "prepared"
    } else {
        "unprepared"
    };
    compare(
        &format!("outbox enqueue, {how}"),
        Target::Speed(0.9),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
