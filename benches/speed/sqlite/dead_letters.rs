//! Counting a million dead letters.

use std::{path::Path, process::Stdio, time::Instant};

use super::setup::{self, Setup};
use crate::{
    Plan, events, raw,
    rounds::{Target, compare},
};

pub fn stats(plan: &Plan) {
    let setup = Setup::new();
    let store = setup.empty_store("letters.db");
    bury(&store, plan.events * 5);
    let ours = |_| {
        let start = Instant::now();
        let mut pf = setup::pf(&store, &["dlq", "stats", "-o", "json"]);
        assert!(pf.stdout(Stdio::null()).status().unwrap().success());
        start.elapsed()
    };
    let raw = |_| {
        let start = Instant::now();
        assert_eq!(raw::sqlite::count_letters(&store), plan.events as u64 * 5);
        start.elapsed()
    };
    compare(
        "dlq stats",
        Target::Time(3.0),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// Fills a store with letters of 20 sorts.
fn bury(store: &Path, count: usize) {
    let mut connection = raw::sqlite::open(store);
    let payload = events::event(1);
    let record = "x".repeat(600);
    let transaction = connection.transaction().unwrap();
    for sort in 0..20 {
        transaction
            .execute(
                "INSERT INTO sorts(topic, group_name, kind, fingerprint, sample) VALUES('order.created', 'g' || ?1, 'exhausted', '1:abc' || ?1, 'card declined')",
                [sort],
            )
            .unwrap();
    }
    {
        let mut insert = transaction
            .prepare(
                "INSERT INTO dead_letters(id, sort, dead_since, position, event_type, total_attempts, reason, payload, record)
                 VALUES(?1, 1 + ?1 % 20, ?1, ?1, 'order.created', 3, 'card declined', ?2, ?3)",
            )
            .unwrap();
        for number in 0..count {
            insert
                .execute(rusqlite::params![number, payload, record])
                .unwrap();
        }
    }
    transaction.commit().unwrap();
}
