//! Random records: exported, imported on another transport and replayed, byte for byte where that can hold them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufWriter, Write as _},
};

use bytes::Bytes;
use protoflow::{
    event::{Headers, Message},
    runtime::{write_export_end, write_exported},
    transport::DeadLetter,
};
use test_support::{
    dice::{Dice, seeds},
    kafka, nats,
    programs::is_long,
    pulsar,
};

use super::fixture::{import, json, letter, output};
use crate::{
    judge::{Judge, Record, Value},
    kafka::Kafka,
    nats::Nats,
    pulsar::Pulsar,
    sqlite::Sqlite,
    store::Store,
};

/// Servers take at most a mebibyte by default, what belongs to a record included.
const LIMIT: usize = 1 << 20;
/// What may belong to it: its story, its lineage, its headers.
const ROOM: usize = 8 << 10;

const NAMES: [&str; 12] = [
    "x-trace",
    "X-Trace",
    "x-many",
    "content-type",
    "ce_type",
    "traceparent",
    "a",
    "x.y",
    "x_y",
    "1",
    "pf_attempt",
    "x-many",
];
/// Names that a client of NATS, Kafka or Pulsar cannot store, or that are theirs or ours.
const HARD: [&str; 6] = ["", "two words", "a:b", "größe", "Nats-Rollup", "pf-letter"];

/// Returns how many records go from each transport to each other one.
fn how_many() -> usize {
    if is_long() { 10_000 } else { 150 }
}

fn bytes(dice: &mut Dice, length: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend(dice.roll(u64::MAX).to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

fn value(dice: &mut Dice) -> Value {
    const TEXTS: [&str; 8] = [
        "",
        "text",
        " space around ",
        "a\r\nb",
        "größe ✓",
        "\t",
        "!",
        "pf:YQ==",
    ];
    match dice.roll(6) {
        0 => None,
        1 => {
            let length = dice.index(200);
            Some(bytes(dice, length))
        }
        2 => Some("v".repeat(dice.index(500)).into()),
        _ => Some(Bytes::from(*dice.pick(&TEXTS))),
    }
}

/// Most are small, and a few as large as a record may be.
fn size(dice: &mut Dice) -> usize {
    match dice.roll(100) {
        0..70 => dice.index(1 << 10),
        70..95 => dice.index(16 << 10),
        95..99 => dice.index(128 << 10),
        _ => LIMIT - ROOM + dice.index(ROOM + 100),
    }
}

fn payload(dice: &mut Dice, number: usize) -> Value {
    let size = size(dice);
    let event = |data: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"{number}\",\n \"source\":\"/s\" ,\"type\":\"order.created\",\"data\":{data}}}"
        )
    };
    match dice.roll(8) {
        0 => None,
        1 => Some(Bytes::new()),
        2 | 3 => Some(event(&format!("\"{}\"", "d".repeat(size))).into()),
        4 => Some(event("{\"n\": 1.0e2, \"n\": 18446744073709551616}").into()),
        5 => Some("not JSON, größe\r\n".repeat(size / 18).into()),
        _ => Some(bytes(dice, size)),
    }
}

/// Returns a random dead letter.
fn random(dice: &mut Dice, number: usize) -> DeadLetter {
    let mut random = letter(number, "billing");
    let mut headers = Headers::new();
    for _ in 0..dice.roll(6) {
        headers.push(*dice.pick(&NAMES), value(dice));
    }
    if dice.roll(25) == 0 {
        headers.push(*dice.pick(&HARD), value(dice));
    }
    let key = match dice.roll(3) {
        0 => None,
        1 => value(dice),
        _ => {
            let length = dice.index(40);
            Some(bytes(dice, length))
        }
    };
    random.message = Message {
        key,
        headers,
        payload: payload(dice, number),
        ..random.message
    };
    random
}

fn record(letter: &DeadLetter) -> Record {
    let message = &letter.message;
    let headers = message.headers.iter();
    Record {
        key: message.key.clone(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.cloned()))
            .collect(),
        payload: message.payload.clone(),
    }
}

/// A transport, and what it can hold, as its own documentation says.
struct Place {
    name: &'static str,
    store: Store,
}

impl Place {
    fn new(name: &'static str, store: Store) -> Self {
        // A file that is not there yet cannot be asked what it holds.
        import(&store, &[]);
        Self { name, store }
    }

    fn is_limited(&self) -> bool {
        // Pulsar takes what is over its limit in chunks, and that is 5 MiB.
        !["sqlite", "pulsar"].contains(&self.name)
    }

    /// Reports whether it cannot hold a record for certain, whatever its size is.
    fn refuses(&self, record: &Record) -> bool {
        let names = || record.headers.iter().map(|(name, _)| name.as_str());
        match self.name {
            "nats" => names().any(|name| HARD.contains(&name)),
            "kafka" | "pulsar" => names().any(|name| name == "pf-letter"),
            _ => false,
        }
    }

    /// Reports whether its size may be too much.
    fn is_large(&self, record: &Record) -> bool {
        self.is_limited() && record.size() > LIMIT - ROOM
    }

    /// Returns the record as this place keeps it.
    fn kept(&self, record: &Record) -> Record {
        let mut kept = record.clone();
        if self.name == "nats" {
            kept.headers
                .sort_by(|(left, _), (right, _)| left.cmp(right));
        }
        kept
    }

    /// Imports a file; returns the ids that were named as what it cannot hold.
    fn import(&self, file: &str) -> BTreeSet<String> {
        let checked = output(
            &self.store,
            &["dlq", "import", file, "--create", "--dry-run"],
        );
        let args = ["dlq", "import", file, "--create", "--skip-unfit"];
        let mut command = self.store.pf(&args);
        let imported = command
            .stderr(std::process::Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8(imported.stderr).unwrap();
        let named: BTreeSet<_> = said.lines().filter_map(named).collect();
        let code = i32::from(!named.is_empty());
        assert_eq!(checked.status.code(), Some(code), "{}: {said}", self.name);
        assert_eq!(
            imported.status.code(),
            Some(4 * code),
            "{}: {said}",
            self.name
        );
        named
    }
}

/// Returns the dead letter that a line names, as in `line 7: ID does not fit: why`.
fn named(line: &str) -> Option<String> {
    let (start, _) = line.split_once(" does not fit: ")?;
    Some(start.rsplit(' ').next()?.to_owned())
}

/// The records that are on their way, by dead letter.
type Records = BTreeMap<String, Record>;

/// Stores records in a place; returns those that it holds, as it holds them.
fn stored(place: &Place, file: &str, records: &Records, what: &str) -> Records {
    let named = place.import(file);
    let mut held = Records::new();
    for (id, record) in records {
        let is_named = named.contains(id);
        assert!(
            is_named || !place.refuses(record),
            "{what}: {id} was to be named: {record:?}"
        );
        assert!(
            !is_named || place.refuses(record) || place.is_large(record),
            "{what}: {id} was not to be named"
        );
        if !is_named {
            held.insert(id.clone(), place.kept(record));
        }
    }
    println!(
        "{what}: {} of {} records, {} named",
        held.len(),
        records.len(),
        named.len()
    );
    held
}

/// Moves the records of a place to another one, where they are replayed and read by a raw client.
fn travel(from: &Place, records: &Records, to: &Place) {
    let what = format!("{} to {}", from.name, to.name);
    let file = from.store.path(&format!("to-{}.ndjson", to.name));
    let mut export = from.store.pf(&["dlq", "export", "--all"]);
    let exported = export
        .stdout(File::create(&file).unwrap())
        .status()
        .unwrap();
    assert!(exported.success(), "{what}: {}", from.store.errors_so_far());
    let held = stored(to, file.to_str().unwrap(), records, &what);
    let to_topic = ["--to", "order.again", "--yes", "-o", "json"];
    let replay = [&["dlq", "replay", "--all"][..], &to_topic].concat();
    let replayed = output(&to.store, &replay);
    assert!(
        replayed.status.success(),
        "{what}: {}",
        to.store.errors_so_far()
    );
    let job = json(&replayed.stdout).pop().unwrap();
    let verify = [
        "dlq",
        "jobs",
        "show",
        job["job"].as_str().unwrap(),
        "--verify",
    ];
    let verified = output(&to.store, &verify).status;
    assert!(verified.success(), "{what}: {}", to.store.errors_so_far());
    let mut found = Records::new();
    for (id, record) in to.store.judge.replayed("order.again") {
        let twice = found.insert(id.clone(), to.kept(&record));
        assert!(twice.is_none(), "{what}: {id} is there twice");
    }
    for (id, record) in &held {
        assert_eq!(found.get(id), Some(record), "{what}: {id}");
    }
    assert_eq!(found.len(), held.len(), "{what}: others too");
}

/// Sends random records from each place to each other one.
fn travel_all(seed: u64, place: impl Fn(&'static str, &str) -> Place + Sync) {
    const PLACES: [&str; 4] = ["sqlite", "nats", "kafka", "pulsar"];
    let new = &place;
    std::thread::scope(|scope| {
        for from in PLACES {
            let count = how_many();
            scope.spawn(move || {
                let source = new(from, "source");
                let mut dice = Dice::new(seed);
                let file = source.store.path("random.ndjson");
                let mut out = BufWriter::new(File::create(&file).unwrap());
                let (mut records, mut line) = (Records::new(), Vec::new());
                for number in 0..count {
                    let letter = random(&mut dice, number);
                    line.clear();
                    write_exported(&mut line, &letter);
                    out.write_all(&line).unwrap();
                    records.insert(letter.id.to_string(), record(&letter));
                }
                line.clear();
                write_export_end(&mut line, records.len() as u64);
                out.write_all(&line).unwrap();
                drop(out);
                let what = format!("seed {seed}, into {from}");
                let held = stored(&source, file.to_str().unwrap(), &records, &what);
                for to in PLACES.into_iter().filter(|to| *to != from) {
                    travel(&source, &held, &new(to, from));
                }
            });
        }
    });
}

#[test]
fn random_records_survive_the_way_to_another_transport() {
    let nats = nats::Broker::start();
    let kafka = kafka::Broker::shared();
    let pulsar = pulsar::Broker::shared();
    for seed in seeds(1, 1) {
        travel_all(seed, |name, with| {
            let judge: Box<dyn Judge> = match name {
                "nats" => Box::new(Nats::prepared(&nats, &format!("RECORDS{seed}-{with}"))),
                "kafka" => {
                    let topics = Kafka::new(kafka, &format!("records{seed}-{with}"));
                    topics.make("order.again");
                    Box::new(topics)
                }
                "pulsar" => {
                    let topics = Pulsar::new(pulsar, true);
                    topics.create("order.again");
                    Box::new(topics)
                }
                _ => Box::new(Sqlite::new()),
            };
            Place::new(name, Store::new(judge))
        });
    }
}
