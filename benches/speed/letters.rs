//! Counting a million dead letters.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    Plan, raw,
    rounds::{Target, compare},
    stage::{self, Stage},
};

pub fn stats(plan: &Plan) {
    let stage = Stage::new();
    let store = stage.empty_store("letters.db");
    bury(&store, plan.events * 5);
    let ours = |_| {
        let start = Instant::now();
        let mut pf = stage::pf(&store, &["dlq", "stats", "-o", "json"]);
        assert!(pf.stdout(Stdio::null()).status().unwrap().success());
        start.elapsed()
    };
    let raw = |_| {
        let start = Instant::now();
        let mut sqlite3 = Command::new("sqlite3");
        sqlite3.arg(&store).arg(
            "select s.topic, s.group_name, s.kind, s.fingerprint, count(*), min(d.dead_since), max(d.dead_since)
             from dead_letters d join sorts s on s.id = d.sort group by d.sort",
        );
        assert!(sqlite3.stdout(Stdio::null()).status().unwrap().success());
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
    let payload = stage::event(1);
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
