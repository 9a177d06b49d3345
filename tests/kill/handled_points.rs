//! `pf consume --dedup` killed at each point between a run, its mark and its settlement: every event is handled or is a
//! letter, copies are neither run nor buried, and what is made at most once is not repeated.

use std::{collections::HashMap, fs, time::Duration};

use test_support::{
    harness::Pf,
    nats::{Broker, Raw},
};

use crate::points::side_by_side;

/// Points that both stores reach.
const SHARED: [&str; 4] = [
    "consume.looked_up",
    "consume.handled",
    "consume.before_settle",
    "consume.after_settle",
];
const SQLITE: [&str; 4] = [
    "sqlite.claim.before",
    "sqlite.claim.after",
    "sqlite.settle.before",
    "sqlite.settle.after",
];
const NATS: [&str; 7] = [
    "nats.marked",
    "nats.ack_sent",
    "nats.run_written",
    "nats.held",
    "nats.letter_stored",
    "nats.letter_marked",
    "nats.letter_acked",
];
/// Points that are reached only where each run begins with a mark.
const AT_MOST_ONCE: [&str; 1] = ["consume.begun"];
const NATS_AT_MOST_ONCE: [&str; 1] = ["nats.begun_freed"];

const EVENTS: [&str; 3] = ["done", "again", "dead"];

/// Fails once for one event, and for good for another.
const HANDLER: &str = r#"
echo "$PF_EVENT_ID" >> runs
case $PF_EVENT_ID in
again) [ "$(grep -c '^again$' runs)" -ge 2 ] ;;
dead) exit 65 ;;
esac
"#;

struct Round<'a> {
    pf: Pf,
    point: &'a str,
    is_once: bool,
}

impl Round<'_> {
    fn consume(&self) -> Vec<&str> {
        let mut consume = vec!["consume", "order", "--group", "g", "--until-end"];
        consume.extend(["--backoff", "50ms", "--dedup"]);
        if self.is_once {
            consume.extend(["--dedup-mode", "at-most-once"]);
        }
        consume.extend(["--", "sh", "-c", HANDLER]);
        consume
    }

    fn publish(&self) {
        let lines = EVENTS.map(|id| {
            format!(r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"order"}}"#) + "\n"
        });
        let publish = ["publish", "--ndjson", "--quiet", "--create"];
        let _ = self.pf.run_with(&publish, lines.concat()).succeeded();
    }

    fn runs(&self) -> HashMap<String, usize> {
        let text = fs::read_to_string(self.pf.path("runs")).unwrap_or_default();
        let mut runs = HashMap::new();
        for id in text.lines() {
            *runs.entry(id.to_owned()).or_default() += 1;
        }
        runs
    }

    /// Consumes until nothing is held by who was killed.
    fn finish(&self) {
        test_support::wait::wait_while(|| {
            let run = self.pf.run(&self.consume());
            assert!(matches!(run.code(), Some(0 | 4)), "{}: {run}", self.point);
            run.stderr().contains("held elsewhere")
        });
    }

    /// Kills a consumer at the point for the nth time, lets another one finish, and judges; reports whether it was reached.
    fn survives(&self, nth: u32) -> bool {
        let what = format!("{}:{nth}, at most once {}", self.point, self.is_once);
        self.publish();
        self.publish();
        let mut killed = self.pf.command(&self.consume());
        killed.env("PF_FAILPOINT", format!("{}:{nth}", self.point));
        let status = killed.output().unwrap().status;
        let is_reached = status.code().is_none();
        self.finish();
        let runs = self.runs();
        let letters = self.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
        let kinds: Vec<(String, String)> = letters
            .json()
            .iter()
            .map(|letter| {
                let record = &letter["dead_letter"];
                let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
                (text("event_id"), text("kind"))
            })
            .collect();
        for (id, least) in [("done", 1), ("again", 2), ("dead", 1)] {
            let count = runs.get(id).copied().unwrap_or_default();
            let its: Vec<&str> = kinds
                .iter()
                .filter(|(of, _)| of == id)
                .map(|(_, kind)| kind.as_str())
                .collect();
            let is_unknown = its == ["unknown"];
            if self.is_once {
                assert!(count <= least, "{what}: {id} ran {count} times");
                assert!(
                    count == least || is_unknown,
                    "{what}: {id} is lost, {kinds:?}"
                );
            } else {
                assert!(
                    (least..=least + 1).contains(&count),
                    "{what}: {id} ran {count} times"
                );
                assert!(!is_unknown, "{what}: {kinds:?}");
            }
            let must_be_dead = id == "dead" || is_unknown;
            assert_eq!(its.len(), usize::from(must_be_dead), "{what}: {kinds:?}");
        }
        self.publish();
        let copies = self.pf.run(&self.consume()).succeeded();
        assert!(
            copies.stderr().contains("0 handled, 3 duplicates"),
            "{what}: {copies}"
        );
        assert_eq!(self.runs(), runs, "{what}: copies were run");
        is_reached
    }
}

/// Returns each point with the modes in which it is reached.
fn rounds(own: &[&'static str], own_once: &[&'static str]) -> Vec<(&'static str, bool)> {
    let both = SHARED.iter().chain(own);
    let both = both.flat_map(|point| [(*point, false), (*point, true)]);
    let once = AT_MOST_ONCE.iter().chain(own_once);
    both.chain(once.map(|point| (*point, true))).collect()
}

/// Every point of handling an event once is in a list here.
pub const POINTS: [&str; 6] = [
    "consume.begun",
    "consume.looked_up",
    "kafka.marked",
    "nats.begun_freed",
    "nats.letter_marked",
    "nats.marked",
];

#[test]
fn on_sqlite_each_point_is_reached_and_survived() {
    for (point, is_once) in rounds(&SQLITE, &[]) {
        let reached = [1, 2].map(|nth| {
            let pf = Pf::bare();
            let store = format!("sqlite:{}", pf.path("store.db").display());
            let pf = pf.env("PF_URL", &store);
            Round { pf, point, is_once }.survives(nth)
        });
        assert!(reached.contains(&true), "{point} is not reached");
    }
}

#[test]
fn on_nats_each_point_is_reached_and_survived() {
    let broker = Broker::start();
    side_by_side(&rounds(&NATS, &NATS_AT_MOST_ONCE), |(point, is_once)| {
        let (point, is_once) = (*point, *is_once);
        let reached = [1, 2].map(|nth| {
            let stream = format!("{}-{is_once}-{nth}", point.replace('.', "-"));
            let raw = Raw::new(&broker.url(""), &stream);
            raw.make(raw.prepared());
            raw.make_group("g", "order", Duration::from_secs(2));
            let pf = Pf::bare().env("PF_URL", &broker.url(&stream));
            Round { pf, point, is_once }.survives(nth)
        });
        assert!(reached.contains(&true), "{point} is not reached");
    });
}
