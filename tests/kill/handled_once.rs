//! `pf consume --dedup` under random `kill -9`: an event that is stored twice is handled once, but for what was in flight at a
//! kill, and an effect that uses the inbox is made once.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    process::Stdio,
    thread,
    time::Duration,
};

use rusqlite::Connection;
use test_support::{
    dice::Dice,
    harness::{Pf, Run},
    kafka,
    nats::{Broker, Raw},
    programs::{ids, is_long},
};

/// Handles an event: notes its run, and makes its effect in the transaction of the inbox.
const WORKER: &str = r#"
import fcntl, json, os, sqlite3, sys
database = sqlite3.connect(os.environ["APP"], isolation_level=None, timeout=30)
runs = open(os.environ["RUNS"], "a", buffering=1)
fcntl.flock(runs, fcntl.LOCK_SH)
for line in sys.stdin:
    event = json.loads(line)
    database.execute("BEGIN IMMEDIATE")
    new = database.execute(
        "INSERT INTO pf_inbox(key) VALUES (?) ON CONFLICT DO NOTHING", [event["pfdedupkey"]]).rowcount
    if new:
        database.execute("INSERT INTO effects(id) VALUES (?)", [event["id"]])
    database.execute("COMMIT")
    runs.write(event["id"] + "\n")
    print(json.dumps({"id": event["id"], "action": "ack"}), flush=True)
"#;

/// Kills of consumers in a round.
const KILLS: u32 = 6;

fn line(id: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"order","data":{{}}}}"#)
        + "\n"
}

/// Returns how often each event was run.
fn runs(pf: &Pf) -> HashMap<String, u64> {
    let text = fs::read_to_string(pf.path("runs")).unwrap_or_default();
    let mut runs = HashMap::new();
    for id in text.lines() {
        *runs.entry(id.to_owned()).or_default() += 1;
    }
    runs
}

/// A store with events that are in it twice, and the database of their effects.
struct Shop {
    pf: Pf,
    database: Connection,
    count: usize,
    worker: String,
}

impl Shop {
    fn new(mut pf: Pf) -> Self {
        let count = if is_long() { 10_000 } else { 2_000 };
        pf.write("worker.py", WORKER);
        for name in ["APP", "RUNS"] {
            let path = pf.path(&name.to_ascii_lowercase());
            pf = pf.env(name, path.to_str().unwrap());
        }
        let database = Connection::open(pf.path("app")).unwrap();
        let tables =
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE effects(id TEXT)";
        database.execute_batch(tables).unwrap();
        let url = format!("sqlite:{}", pf.path("app").display());
        let _ = pf.run(&["inbox", "create", "--in", &url]).succeeded();
        let lines: String = ids("e", count).iter().map(|id| line(id)).collect();
        for _ in 0..2 {
            let publish = ["publish", "--ndjson", "--quiet", "--create"];
            let _ = pf.run_with(&publish, lines.clone()).succeeded();
        }
        let worker = pf.path("worker.py").to_str().unwrap().to_owned();
        Self {
            pf,
            database,
            count,
            worker,
        }
    }

    fn consume(&self) -> Vec<&str> {
        let mut arguments = vec!["consume", "order", "--group", "g", "--until-end", "--dedup"];
        arguments.extend(["--worker", "--", "python3", &self.worker]);
        arguments
    }

    /// Kills a consumer after some runs, and a little later.
    fn kill(&self, dice: &mut Dice) {
        let mut command = self.pf.command(&self.consume());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let until = runs(&self.pf).len() + dice.index(self.count / 8);
        test_support::wait::wait_while(|| {
            runs(&self.pf).len() <= until && child.try_wait().unwrap().is_none()
        });
        thread::sleep(Duration::from_micros(dice.roll(20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        // A worker outlives its consumer by the event that it is at.
        let runs = File::options().append(true).open(self.pf.path("runs"));
        runs.unwrap().lock().unwrap();
    }

    /// Handles what is left. What killed consumers held comes when their leases have ended.
    fn finish(&self) {
        let mut duplicates = 0;
        test_support::wait::wait_while(|| {
            let run = self.pf.run(&self.consume()).succeeded();
            duplicates += u32::from(run.stderr().contains("duplicate"));
            run.stderr().contains("held elsewhere")
        });
        assert!(duplicates > 0, "copies were met");
    }
}

/// Kills consumers at random moments until all is handled, and counts. `marked` says how many events the store knows as
/// handled.
fn judge(pf: Pf, seed: u64, marked: impl Fn(&Pf) -> u64) {
    let shop = Shop::new(pf);
    let mut dice = Dice::new(seed);
    let (mut in_flight, mut hits) = (0, 0);
    for _ in 0..KILLS {
        shop.kill(&mut dice);
        let handled = runs(&shop.pf).len();
        in_flight += (handled as u64).saturating_sub(marked(&shop.pf));
        hits += u32::from(handled < shop.count);
    }
    shop.finish();
    let runs = runs(&shop.pf);
    let repeats: u64 = runs.values().map(|runs| runs - 1).sum();
    let effects: u64 = shop
        .database
        .query_row("SELECT count(*) FROM effects", [], |row| row.get(0))
        .unwrap();
    println!(
        "seed {seed}: {hits} kills, {repeats} runs repeated of {in_flight} in flight, {effects} effects"
    );
    assert!(hits > 0, "no kill hit anything");
    assert_eq!(runs.len(), shop.count, "every event was handled");
    assert!(
        repeats <= in_flight,
        "{repeats} repeated, {in_flight} in flight"
    );
    assert_eq!(effects, shop.count as u64, "every effect was made once");
}

/// Returns how many events the store knows as handled.
fn marked(pf: &Pf) -> u64 {
    let store = Connection::open(pf.path("store.db")).unwrap();
    let sql = "SELECT (SELECT count(*) FROM marks WHERE begun IS NULL) \
         + (SELECT coalesce(sum(length(keys) / 16), 0) FROM mark_batches)";
    store.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

#[test]
fn on_sqlite_only_what_was_in_flight_is_repeated() {
    for seed in test_support::dice::seeds(2, 10) {
        let pf = Pf::bare();
        let store = format!("sqlite:{}", pf.path("store.db").display());
        judge(pf.env("PF_URL", &store), seed, marked);
    }
}

#[test]
fn on_nats_only_what_was_in_flight_is_repeated() {
    let broker = Broker::start();
    for seed in test_support::dice::seeds(2, 10) {
        let stream = format!("SEED{seed}");
        let raw = Raw::new(&broker.url(""), &stream);
        raw.make(raw.prepared());
        // Of one that is killed, the others get what it held after this.
        raw.make_group("g", "order", Duration::from_secs(2));
        let pf = Pf::bare().env("PF_URL", &broker.url(&stream));
        let marked = |_: &Pf| {
            let batches = raw.marks("g");
            // A byte that says what they are, then the keys.
            let batches = batches.iter();
            let batches = batches.map(|batch| batch.payload[1..].chunks_exact(16));
            let keys: HashSet<&[u8]> = batches.flatten().collect();
            keys.len() as u64
        };
        judge(pf, seed, marked);
    }
}

#[test]
fn on_kafka_only_what_was_in_flight_is_repeated() {
    let broker = kafka::Broker::shared();
    for seed in test_support::dice::seeds(1, 10) {
        let (url, raw, marks) = topics(broker, &format!("handled{seed}"));
        raw.make(&format!("handled{seed}.order"), 2, &[]);
        let marked = |_: &Pf| {
            let is_known = raw.topics().contains(&marks);
            let records = if is_known {
                raw.topic(&marks)
            } else {
                Vec::new()
            };
            let keys: HashSet<_> = records.into_iter().map(|record| record.key).collect();
            keys.len() as u64
        };
        judge(Pf::bare().env("PF_URL", &url), seed, marked);
    }
}

/// Returns the URL of topics with a prefix, of which members are missed soon, and the name of the topic of marks.
fn topics(broker: &kafka::Broker, name: &str) -> (String, kafka::Raw, String) {
    let soon = "session.timeout.ms=3000&heartbeat.interval.ms=300";
    let url = broker.url(&format!("prefix={name}.&partitions=2&{soon}"));
    let raw = kafka::Raw::new(broker.address());
    (url, raw, format!("{name}.pf.g.marks"))
}

/// Dies between the mark and what passes the event; returns what the next consumer did.
fn dies_marked(pf: &Pf, point: &str, timeout: &[&str]) -> Run {
    let publish = ["publish", "--ndjson", "--create"];
    let _ = pf.run_with(&publish, line("1") + &line("2")).succeeded();
    let consume = ["consume", "order", "--group", "g", "--dedup"];
    let command = ["--", "sh", "-c", "echo $PF_EVENT_ID >> runs"];
    let count = ["--count", "2", "--timeout", "60s"];
    let mut killed = pf.command(&[&consume[..], &count, &command].concat());
    killed.env("PF_FAILPOINT", format!("{point}:1"));
    assert!(!killed.status().unwrap().success(), "the point is reached");
    let handled = fs::read_to_string(pf.path("runs")).unwrap();
    let again = pf.run(&[&consume[..], timeout, &command].concat());
    assert!(again.stderr().contains("duplicate"), "{again}");
    let all = fs::read_to_string(pf.path("runs")).unwrap();
    let mut ids: Vec<&str> = all.lines().collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2"], "{handled} before");
    again
}

#[test]
fn on_nats_a_mark_without_its_acknowledgement_repeats_nothing() {
    let broker = Broker::start();
    let pf = Pf::bare().env("PF_URL", &broker.url("MARKED"));
    let again = dies_marked(&pf, "nats.marked", &["--timeout", "45s"]);
    assert_eq!(
        again.code(),
        Some(3),
        "it waits for the lease of the killed one: {again}"
    );
}

#[test]
fn on_kafka_a_mark_without_its_offset_repeats_nothing() {
    let (url, ..) = topics(kafka::Broker::shared(), "marked");
    let pf = Pf::bare().env("PF_URL", &url);
    let _ = dies_marked(&pf, "kafka.marked", &["--until-end"]).succeeded();
}

#[test]
fn on_kafka_at_most_once_a_run_that_was_killed_is_a_letter() {
    let broker = kafka::Broker::shared();
    let (url, raw, _) = topics(broker, "begun");
    raw.make("begun.order", 1, &[]);
    is_a_letter(&Pf::bare().env("PF_URL", &url));
}

#[test]
fn at_most_once_a_run_that_was_killed_is_a_letter() {
    is_a_letter(&Pf::new());
}

/// Kills a run that began, and looks what the next consumer does of it and of a copy.
fn is_a_letter(pf: &Pf) {
    let _ = pf
        .run_with(
            &["publish", "--ndjson"],
            line("1") + &line("2") + &line("1"),
        )
        .succeeded();
    let consume = [
        "consume",
        "order",
        "--group",
        "g",
        "--until-end",
        "--dedup",
        "--dedup-mode",
        "at-most-once",
        "--",
        "sh",
        "-c",
        "echo $PF_EVENT_ID",
    ];
    let mut killed = pf.command(&consume);
    killed.env("PF_FAILPOINT", "consume.begun:1");
    assert!(!killed.status().unwrap().success(), "the point is reached");
    let again = pf.run(&consume);
    assert_eq!((again.code(), again.stdout()), (Some(4), "2\n"), "{again}");
    assert!(
        again
            .stderr()
            .contains("1 handled, 1 duplicate, 1 dead letter"),
        "{again}"
    );
    let letters = pf.run(&["dlq", "list", "-o", "json"]).succeeded().json();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["dead_letter"]["kind"], "unknown");
    let stats = pf.run(&["dlq", "stats"]).succeeded();
    assert!(stats.stdout().contains("unknown"), "{stats}");
    let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    let replayed = pf.run(&consume).succeeded();
    assert_eq!(replayed.stdout(), "1\n", "{replayed}");
}

#[test]
fn an_event_that_kills_its_consumer_has_one_letter() {
    let pf = Pf::new();
    let publish = ["publish", "--ndjson"];
    let _ = pf.run_with(&publish, line("1")).succeeded();
    let consume = ["consume", "order", "--group", "g", "--until-end", "--dedup"];
    let consume = [&consume[..], &["--", "sh", "-c", "echo $PF_EVENT_ID"]].concat();
    for _ in 0..5 {
        let mut killed = pf.command(&consume);
        killed.env("PF_FAILPOINT", "consume.handled:1");
        assert!(!killed.status().unwrap().success(), "the point is reached");
    }
    let given_up = pf.run(&consume);
    assert_eq!(given_up.code(), Some(4), "{given_up}");
    let letters = pf.run(&["dlq", "list", "-o", "json"]).succeeded().json();
    assert_eq!(letters[0]["dead_letter"]["kind"], "crashed");
    let _ = pf.run_with(&publish, line("1")).succeeded();
    let copy = pf.run(&consume).succeeded();
    assert_eq!(copy.stdout(), "", "{copy}");
    assert!(copy.stderr().contains("1 duplicate"), "{copy}");
}
