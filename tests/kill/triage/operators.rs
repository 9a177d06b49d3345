//! Two operators at once, over selections that overlap: each dead letter moves once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use test_support::{kafka, nats, pulsar};

use super::{
    fixture::{Seen, UNAVAILABLE, event, import, json, letter, output},
    verified,
};
use crate::{kafka::Kafka, nats::Nats, pulsar::Pulsar, sqlite::Sqlite, store::Store};

const LETTERS: usize = 90;
/// What the first operator selects, and the second one.
const FIRST: &str = ".event.data.n < 60";
const SECOND: &str = ".event.data.n >= 30";
const EDIT: &str = ".event.data.edited = true";

/// What an operator came to know.
#[derive(Default)]
struct Told {
    /// The dead letters of which a command said that it is done with them.
    done: Vec<String>,
    jobs: BTreeSet<String>,
    /// How often a command was refused because of the other operator.
    refused: u32,
}

impl Told {
    fn note(&mut self, stdout: &[u8]) {
        for line in json(stdout) {
            if line["outcome"] == "done" {
                self.done.push(line["id"].as_str().unwrap().to_owned());
            }
            self.jobs.extend(line["job"].as_str().map(str::to_owned));
        }
    }
}

/// Works as a patient operator does: a command that is refused because another one is at work is given again.
fn work(store: &Store, arguments: &[&str]) -> Told {
    let mut told = Told::default();
    for _ in 0..200 {
        let mut command = store.pf(arguments);
        let run = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        told.note(&run.stdout);
        if run.status.success() {
            return told;
        }
        let said = String::from_utf8(run.stderr).unwrap();
        if run.status.code() == Some(UNAVAILABLE) {
            continue;
        }
        let reasons = [
            "held by",
            "being edited",
            "archived or edited since",
            "in this selection",
            "match nothing",
            "only one dead-letter job runs at a time",
        ];
        assert!(
            reasons.iter().any(|reason| said.contains(reason)),
            "{arguments:?}: {said}"
        );
        told.refused += 1;
        thread::park_timeout(Duration::from_millis(20));
    }
    panic!("{arguments:?} was refused for ever");
}

fn filled(store: &Store) {
    let group = store.judge.group();
    let letters: Vec<_> = (0..LETTERS).map(|number| letter(number, &group)).collect();
    import(store, &letters);
}

fn select<'a>(verb: &'a str, filter: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "dlq", verb, "--where", filter, "--yes", "--rate", "300", "-o", "json",
    ];
    arguments.extend(more);
    arguments
}

/// Lets both work at the same time.
fn both(store: &Store, first: &[&str], second: &[&str]) -> [Told; 2] {
    thread::scope(|scope| {
        let first = scope.spawn(|| work(store, first));
        let second = scope.spawn(|| work(store, second));
        [first.join().unwrap(), second.join().unwrap()]
    })
}

/// Nothing is told twice, and the independent reader sees what was told.
fn told_once(told: &[Told; 2], what: &str) {
    let all: Vec<_> = told.iter().flat_map(|told| &told.done).collect();
    let ids: BTreeSet<_> = all.iter().collect();
    assert_eq!(ids.len(), all.len(), "{what}: told twice");
    println!(
        "{what}: {} and {}, refused {} and {} times",
        told[0].done.len(),
        told[1].done.len(),
        told[0].refused,
        told[1].refused
    );
}

fn replay_and_replay(store: &Store) {
    filled(store);
    let told = both(
        store,
        &select("replay", FIRST, &[]),
        &select("replay", SECOND, &[]),
    );
    told_once(&told, "replay and replay");
    let seen = Seen::read(store, "order.created");
    assert!(seen.left.is_empty(), "{:?}", seen.left);
    for number in 0..LETTERS {
        assert_eq!(seen.events[&event(number)], [false], "{number}");
    }
    assert_eq!(told[0].done.len() + told[1].done.len(), LETTERS);
    let jobs = told.into_iter().flat_map(|told| told.jobs).collect();
    verified::agrees(store, &jobs, &seen, "replay and replay");
}

fn replay_and_purge(store: &Store) {
    filled(store);
    let told = both(
        store,
        &select("replay", FIRST, &[]),
        &select("purge", SECOND, &[]),
    );
    told_once(&told, "replay and purge");
    let seen = Seen::read(store, "order.created");
    assert!(seen.left.is_empty(), "{:?}", seen.left);
    assert_eq!(told[0].done.len() + told[1].done.len(), LETTERS);
    let replayed: BTreeSet<_> = told[0].done.iter().cloned().collect();
    let there: BTreeSet<_> = seen.replays.keys().cloned().collect();
    assert_eq!(there, replayed);
    assert!(
        seen.replays.values().all(|times| *times == 1),
        "{:?}",
        seen.replays
    );
    for number in 0..LETTERS {
        let is_there = seen.events.contains_key(&event(number));
        assert!(is_there || number >= 30, "{number} was not to be purged");
        assert!(!is_there || number < 60, "{number} was to be purged");
    }
    verified::agrees(store, &told[0].jobs, &seen, "replay and purge");
}

fn replay_and_edit(store: &Store) {
    filled(store);
    let edit = select("replay", SECOND, &["--edit", EDIT]);
    let told = both(store, &select("replay", FIRST, &[]), &edit);
    told_once(&told, "replay and edit");
    let seen = Seen::read(store, "order.created");
    for number in 0..LETTERS {
        let times = &seen.events[&event(number)];
        assert_eq!(
            times.len(),
            1,
            "{number} was moved as it was and as it is edited"
        );
        assert!(!times[0] || number >= 30, "{number} was not to be edited");
        assert!(times[0] || number < 60, "{number} was to be edited");
    }
    let edited = seen.events.values().filter(|times| times[0]).count();
    assert_eq!(seen.left.len(), edited, "the originals are archived");
    let jobs = told.into_iter().flat_map(|told| told.jobs).collect();
    verified::agrees(store, &jobs, &seen, "replay and edit");
}

/// The plan of a job that one operator pauses has what another one edits meanwhile.
fn paused_and_edited(store: &Store) {
    filled(store);
    let paused = pause(store);
    let moved = Seen::read(store, "order.created").events.len();
    assert!((1..LETTERS).contains(&moved), "{moved} were moved");
    let edited = work(
        store,
        &[
            "dlq", "replay", "--where", SECOND, "--edit", EDIT, "--yes", "-o", "json",
        ],
    );
    let resumed = output(store, &["dlq", "jobs", "resume", &paused]);
    assert_eq!(resumed.status.code(), Some(1), "{}", store.errors_so_far());
    let said = store.errors_so_far();
    assert!(
        said.contains("of this plan were archived or edited since it was made"),
        "{said}"
    );
    assert!(
        output(store, &["dlq", "jobs", "cancel", &paused])
            .status
            .success()
    );
    let rest = work(store, &["dlq", "replay", "--all", "--yes", "-o", "json"]);
    let seen = Seen::read(store, "order.created");
    for number in 0..LETTERS {
        assert_eq!(seen.events[&event(number)].len(), 1, "{number}");
    }
    let mut jobs = BTreeSet::from([paused]);
    jobs.extend(edited.jobs.into_iter().chain(rest.jobs));
    verified::agrees(store, &jobs, &seen, "paused and edited");
}

/// The plan of a job that one operator pauses has what another one replays and purges meanwhile.
fn paused_and_overtaken(store: &Store) {
    filled(store);
    let paused = pause(store);
    let other = work(store, &select("replay", SECOND, &[]));
    let purge = ".event.data.n >= 25 and .event.data.n < 30";
    let purged = work(store, &select("purge", purge, &[]));
    let resumed = work(store, &["dlq", "jobs", "resume", &paused, "-o", "json"]);
    let seen = Seen::read(store, "order.created");
    assert!(seen.left.is_empty(), "{:?}", seen.left);
    assert!(
        seen.events.values().all(|times| times.len() == 1),
        "{:?}",
        seen.events
    );
    assert_eq!(seen.events.len() + purged.done.len(), LETTERS);
    let mut jobs = BTreeSet::from([paused]);
    jobs.extend(other.jobs.into_iter().chain(resumed.jobs));
    verified::agrees(store, &jobs, &seen, "paused and overtaken");
}

/// Starts a slow job and interrupts it as Ctrl-C does, once it has moved something; returns its id.
fn pause(store: &Store) -> String {
    let slow = [
        "dlq", "replay", "--all", "--yes", "--rate", "20", "-o", "json",
    ];
    let mut child = store.pf(&slow).stdout(Stdio::piped()).spawn().unwrap();
    let mut outcomes = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    outcomes.read_line(&mut first).unwrap();
    assert!(first.contains("done"), "{}", store.errors_so_far());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    std::io::copy(&mut outcomes, &mut std::io::sink()).unwrap();
    child.wait().unwrap();
    let jobs = json(&output(store, &["dlq", "jobs", "list", "-o", "json"]).stdout);
    assert_eq!(jobs.len(), 1, "{}", store.errors_so_far());
    jobs[0]["id"].as_str().unwrap().to_owned()
}

/// What is dead-lettered while a job runs is not in it; what dies again is counted and linked.
fn arrivals_and_returns(store: &mut Store) {
    filled(store);
    let job = pause(store);
    let group = store.judge.group();
    let late: Vec<_> = (LETTERS..LETTERS + 5)
        .map(|number| letter(number, &group))
        .collect();
    import(store, &late);
    let ended = work(store, &["dlq", "jobs", "resume", &job, "-o", "json"]);
    let moved = Seen::read(store, "order.created").replays.len();
    assert_eq!((moved, ended.jobs.contains(&job)), (LETTERS, true));
    let seen = Seen::read(store, "order.created");
    let late: BTreeSet<_> = late.iter().map(|letter| letter.id.to_string()).collect();
    assert_eq!(seen.left, late);
    die_again(store);
    let verified = output(
        store,
        &["dlq", "jobs", "show", &job, "--verify", "-o", "json"],
    );
    let verified = json(&verified.stdout);
    let again: BTreeMap<_, _> = verified[..LETTERS].iter().filter_map(again).collect();
    let listed = json(&output(store, &["dlq", "list", "-o", "json"]).stdout);
    let linked = listed.iter().filter_map(|line| {
        let letter = &line["dead_letter"];
        let before = letter["replay_of"].as_str()?;
        assert_eq!(letter["generation"], 1, "{letter}");
        Some((before.to_owned(), letter["id"].as_str().unwrap().to_owned()))
    });
    let linked: BTreeMap<_, _> = linked.collect();
    assert_eq!(again, linked);
    // Those whose id ends so are refused.
    let refused = (0..LETTERS).filter(|number| number % 10 == 7).count();
    assert_eq!(linked.len(), refused);
    println!("arrived meanwhile 5, died again {refused}");
}

fn again(letter: &Value) -> Option<(String, String)> {
    let again = letter["died_again"].as_str()?;
    assert_eq!(letter["found"], "once", "{letter}");
    Some((letter["id"].as_str().unwrap().to_owned(), again.to_owned()))
}

/// Lets the group handle what was replayed.
fn die_again(store: &mut Store) {
    loop {
        let consumer: Command = store.consumer(true);
        store.run(consumer);
        if store.judge.to_come() == 0 {
            break;
        }
    }
}

fn all(store: impl Fn(&str) -> Store + Sync) {
    thread::scope(|scope| {
        scope.spawn(|| replay_and_replay(&store("RR")));
        scope.spawn(|| replay_and_purge(&store("RP")));
        scope.spawn(|| replay_and_edit(&store("RE")));
        scope.spawn(|| paused_and_edited(&store("PE")));
        scope.spawn(|| paused_and_overtaken(&store("PO")));
        scope.spawn(|| arrivals_and_returns(&mut store("AR")));
    });
}

#[test]
fn two_operators_move_each_dead_letter_once() {
    all(|_| Store::new(Box::new(Sqlite::new())));
}

#[test]
fn two_operators_on_nats_move_each_dead_letter_once() {
    let broker = nats::Broker::start();
    all(|name| Store::new(Box::new(Nats::prepared(&broker, name))));
}

#[test]
fn two_operators_on_kafka_move_each_dead_letter_once() {
    let broker = kafka::Broker::shared();
    all(|name| Store::new(Box::new(Kafka::new(broker, &format!("operators-{name}")))));
}

#[test]
fn two_operators_on_pulsar_move_each_dead_letter_once() {
    let broker = pulsar::Broker::shared();
    all(|_| Store::new(Box::new(Pulsar::new(broker, true))));
}
