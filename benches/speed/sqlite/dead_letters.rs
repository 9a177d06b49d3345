//! Listing, counting, replaying and verifying dead letters.

use std::{
    path::Path,
    process::Stdio,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use protoflow::{
    event::{Message, Position},
    runtime::fingerprint,
    transport::{DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRecord, Failure, Origin},
};

use super::setup::{self, Setup};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::watch,
    raw,
    rounds::{Target, compare},
    triage::{self, EDIT, RATE, RATED, run},
};

/// The most that a command may hold, in MiB.
const LIMIT: f64 = 64.0;
/// Letters per transaction, as the product takes them.
const BATCH: usize = 1000;

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

pub fn memory(plan: &Plan) {
    let setup = Setup::new();
    let store = setup.empty_store("letters.db");
    bury(&store, plan.events * 5);
    for command in [
        &["dlq", "stats", "-o", "json"][..],
        &["dlq", "list", "-o", "json"],
        &["dlq", "check", "--max-age", "1d", "-o", "json"],
    ] {
        let mut pf = setup::pf(&store, command);
        let name = format!("memory of dlq {}", command[1]);
        watch(&name, LIMIT, pf.stdout(Stdio::null()).spawn().unwrap());
    }
}

pub fn replay(plan: &Plan) {
    let replay = ["dlq", "replay", "--all", "--yes"];
    beside_a_copy(plan, ("dlq replay", 0.5), &replay, None);
}

pub fn edit(plan: &Plan) {
    let replay = ["dlq", "replay", "--all", "--yes", "--edit", EDIT];
    let edit = Some(triage::edited as fn(&[u8]) -> Vec<u8>);
    beside_a_copy(plan, ("dlq replay --edit", 0.4), &replay, edit);
}

/// Replays letters beside a raw copy loop.
fn beside_a_copy(
    plan: &Plan,
    (name, target): (&str, f64),
    command: &[&str],
    edit: Option<crate::events::Edit>,
) {
    let count = plan.events / 2;
    let setup = Setup::new();
    let letters = setup.empty_store("letters.db");
    bury(&letters, count);
    let ours = |_| {
        let store = setup.copy(&letters, "ours.db");
        let time = run(setup::pf(&store, command));
        assert_eq!(raw::sqlite::read(&store), count);
        time
    };
    let raw = |_| {
        let store = setup.copy(&letters, "raw.db");
        let start = Instant::now();
        assert_eq!(raw::sqlite::replay(&store, BATCH, edit), count);
        let time = start.elapsed();
        assert_eq!(raw::sqlite::read(&store), count);
        time
    };
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn verify(plan: &Plan) {
    let count = plan.events / 2;
    let setup = Setup::new();
    let store = setup.empty_store("letters.db");
    bury(&store, count);
    run(setup::pf(&store, &["dlq", "replay", "--all", "--yes"]));
    let job = triage::last_job(setup::pf(&store, &["dlq", "log", "-o", "json"]));
    let ours = |_| {
        run(setup::pf(
            &store,
            &["dlq", "jobs", "show", &job, "--verify"],
        ))
    };
    let raw = |_| {
        let start = Instant::now();
        assert_eq!(raw::sqlite::read_for_proof(&store), count);
        start.elapsed()
    };
    compare(
        "dlq verify",
        Target::Speed(0.4),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn rate(_: &Plan) {
    let setup = Setup::new();
    let store = setup.empty_store("letters.db");
    bury(&store, RATED);
    let rate = RATE.to_string();
    run(setup::pf(
        &store,
        &["dlq", "replay", "--all", "--yes", "--rate", &rate],
    ));
    assert_eq!(raw::sqlite::read(&store), RATED);
    let (first, last) = raw::sqlite::span(&store);
    triage::judge_rate("dlq replay --rate", first, last);
}

fn letter(number: usize) -> DeadLetter {
    let mut message = Message::new(TOPIC.parse().unwrap(), events::event(number));
    let content_type = Some("application/cloudevents+json".into());
    message.headers.push("content-type", content_type);
    let class = format!("exit status {}", number % 20);
    let (reason, now) = ("card declined".to_owned(), SystemTime::now());
    let group = "bench".parse().unwrap();
    let position = Position::new(format!("{}", number + 1));
    let id = DeadLetterId::derive("bench", &position, &group, 0);
    DeadLetter {
        id,
        message,
        record: DeadLetterRecord {
            version: 1,
            origin: Origin {
                transport: "sqlite".to_owned(),
                store: "bench".to_owned(),
                topic: TOPIC.parse().unwrap(),
                position,
                time: now,
            },
            group,
            kind: DeadLetterKind::Exhausted,
            failure: Failure {
                fingerprint: fingerprint(&class, &reason),
                class,
                message: reason,
                detail: None,
                duration: None,
            },
            earlier: Vec::new(),
            attempts: 3,
            total_attempts: 3,
            crashes: 0,
            first_failed: now,
            dead_lettered_at: now,
            generation: 0,
            foreign: false,
            replay_of: None,
            edit_of: None,
            edit: None,
            event_id: Some(format!("event-{number}")),
            event_type: Some(TOPIC.to_owned()),
        },
        at: None,
        is_foreign: false,
    }
}

/// Fills a store with letters of 20 sorts, as the product stores them.
fn bury(store: &Path, count: usize) {
    let mut connection = raw::sqlite::open(store);
    connection
        .execute_batch("PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000;")
        .unwrap();
    let transaction = connection.transaction().unwrap();
    for sort in 0..20 {
        let failure = letter(sort).record.failure;
        transaction
            .execute(
                "INSERT INTO sorts(topic, group_name, kind, fingerprint, sample) VALUES('order.created', 'bench', 'exhausted', ?1, ?2)",
                [failure.fingerprint.0, failure.message],
            )
            .unwrap();
    }
    {
        let mut insert = transaction
            .prepare(
                "INSERT INTO dead_letters(id, sort, dead_since, position, event_type, total_attempts, reason, headers, payload, record)
                 VALUES(?1, 1 + ?2 % 20, ?3, ?2, 'order.created', 3, ?4, ?5, ?6, ?7)",
            )
            .unwrap();
        for number in 0..count {
            let DeadLetter {
                id,
                message,
                record,
                ..
            } = letter(number);
            let time = record.dead_lettered_at.duration_since(UNIX_EPOCH).unwrap();
            insert
                .execute(rusqlite::params![
                    id.as_str(),
                    number,
                    u64::try_from(time.as_nanos()).unwrap(),
                    record.failure.message,
                    raw::sqlite::HEADERS,
                    message.payload.as_deref(),
                    serde_json::to_string(&record).unwrap(),
                ])
                .unwrap();
        }
    }
    transaction.commit().unwrap();
    drop(connection);
    setup::settle(store);
}
