//! Listing and replaying dead letters.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use protoflow::{runtime::Triage, transport::Selection};

use super::setup::{OUR_LETTERS, OURS, RAW, RAW_LETTERS, Setup, open, subject};
use crate::{
    Plan, events,
    program::block_on,
    raw::nats::{Parcel, Raw},
    rounds::{Target, compare},
};

pub fn list(plan: &Plan) {
    let count = plan.events / 2;
    let setup = Setup::filled(&events::events(count));
    setup.letters(count);
    let ours = |_| {
        block_on(async {
            let triage = Triage::new(open(&setup.url()).await);
            let start = Instant::now();
            let mut letters = triage.list(Selection::default()).await.unwrap();
            let mut seen = 0;
            loop {
                let page = letters.next(500).await.unwrap();
                if page.is_empty() {
                    break;
                }
                seen += page.len();
            }
            assert_eq!(seen, count);
            start.elapsed()
        })
    };
    let raw = |_| {
        setup.raw(async |raw| {
            let start = Instant::now();
            let mut seen = 0;
            raw.scan(OUR_LETTERS, ">", async |message| {
                seen += usize::from(!message.payload.is_empty());
            })
            .await;
            assert_eq!(seen, count);
            start.elapsed()
        })
    };
    compare(
        "nats dlq list",
        Target::Speed(0.7),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn replay(plan: &Plan) {
    let count = plan.events / 4;
    let setup = Setup::filled(&events::events(count));
    let letters = setup.letters(count);
    let ours = |_| {
        prepare(&setup, OUR_LETTERS, &letters, str::to_owned);
        let start = Instant::now();
        let mut pf = setup.pf(&["dlq", "replay", "--all", "--yes"]);
        // It warns that other groups see the events again.
        pf.stdout(Stdio::null()).stderr(Stdio::null());
        assert!(pf.status().unwrap().success());
        let time = start.elapsed();
        setup.raw(async |raw| check(raw, (OURS, OUR_LETTERS), count).await);
        time
    };
    let raw = |_| {
        prepare(&setup, RAW_LETTERS, &letters, |subject| {
            format!("{RAW_LETTERS}.{subject}")
        });
        setup.raw(async |raw| {
            let start = Instant::now();
            raw.replay(RAW, RAW_LETTERS, &subject(RAW)).await;
            let time: Duration = start.elapsed();
            check(raw, (RAW, RAW_LETTERS), count).await;
            time
        })
    };
    compare(
        "nats dlq replay",
        Target::Speed(0.8),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// Empties the streams of events and stores the letters again.
fn prepare(setup: &Setup, place: &str, letters: &[Parcel], subject: impl Fn(&str) -> String) {
    setup.raw(async |raw| {
        raw.empty(OURS).await;
        raw.empty(RAW).await;
        raw.empty(place).await;
        let letters = letters.iter().cloned();
        raw.store(letters.map(|(name, headers, payload)| (subject(&name), headers, payload)))
            .await;
    });
}

/// Makes sure that every letter is an event again and nothing else is left.
async fn check(raw: &Raw, (stream, place): (&str, &str), count: usize) {
    assert_eq!(raw.count_all(place).await, 0);
    assert_eq!(raw.count(stream, &subject(stream)).await, count as u64);
    assert_eq!(raw.count_all(stream).await, count as u64);
}
