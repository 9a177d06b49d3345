//! Fail points on NATS that only one command reaches, and what a kill there leaves for a person to decide.

use std::{
    process::{Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use test_support::{nats::Broker, wait::wait_while};

use crate::{nats::Nats, store::Store};

/// How long the server knows a message that is sent again.
const WINDOW: Duration = Duration::from_secs(2);

const REPLAY: [&str; 4] = ["dlq", "replay", "--all", "--yes"];

fn killed_at(point: &str, store: &Store, arguments: &[&str]) {
    let mut command = store.pf(arguments);
    let status = command.env("PF_FAILPOINT", format!("{point}:1")).status();
    assert!(!status.unwrap().success(), "nothing reached {point}");
}

fn output(store: &Store, arguments: &[&str]) -> Output {
    store
        .pf(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()
        .unwrap()
}

/// Has events of which four became letters.
fn with_letters(stream: Nats) -> Store {
    let mut store = Store::new(Box::new(stream));
    assert!(store.publish(40, None, |_| {}).success());
    let consumer = store.consumer(false);
    store.run(consumer);
    assert_eq!(store.judge.read().dead.len(), 4);
    store
}

#[test]
fn a_replay_that_began_before_the_stream_was_mended_ends_as_it_began() {
    let broker = Broker::start();
    let stream = Nats::plain(&broker, "MENDED");
    let raw = stream.raw();
    let store = with_letters(stream);
    killed_at("nats.replay_published", &store, &REPLAY);
    raw.change(raw.prepared());
    store.judge.after_a_kill();
    assert!(output(&store, &REPLAY).status.success());
    let held = store.judge.read();
    let doubled = held.replays.len() - 4;
    println!("replay, stream mended meanwhile: 4 letters, lost 0, doubled {doubled}");
    assert_eq!((held.dead.len(), doubled), (0, 0));
}

#[test]
fn letters_of_unknown_outcome_are_named_once_the_server_has_forgotten_them() {
    let broker = Broker::start();
    for (point, published) in [
        ("nats.replay_published", true),
        ("nats.replay_announced", false),
    ] {
        let stream = Nats::forgetful(&broker, &point.replace('.', "-"), WINDOW);
        let store = with_letters(stream);
        let dead = store.judge.read().dead;
        let start = Instant::now();
        killed_at(point, &store, &REPLAY);
        store.judge.after_a_kill();
        while let Some(rest) = WINDOW.checked_sub(start.elapsed()) {
            thread::park_timeout(rest);
        }
        // One in a step: the others stay in doubt meanwhile.
        let again = output(&store, &[&REPLAY[..], &["--rate", "9"]].concat());
        let told = String::from_utf8(again.stdout).unwrap();
        assert_eq!(again.status.code(), Some(1), "{told}");
        let named = told
            .lines()
            .filter(|line| line.contains("  outcome of the replay unknown: "));
        assert_eq!(named.count(), dead.len(), "{told}");
        let replays = store.judge.read().replays;
        assert_eq!(replays.len(), if published { dead.len() } else { 0 });
        assert_eq!(
            store.judge.read().dead.len(),
            dead.len(),
            "the letters stay"
        );
        println!(
            "{point}, forgotten: {} letters, lost 0, doubled 0, ambiguous {}",
            dead.len(),
            dead.len()
        );
        // Whoever read that decides: to replay what was not published, or to purge what was.
        let decision = if published { "purge" } else { "replay" };
        let decided = output(&store, &["dlq", decision, "--all", "--yes"]);
        assert!(decided.status.success());
        let after = store.judge.read();
        assert_eq!((after.replays.len(), after.dead.len()), (dead.len(), 0));
    }
}

#[test]
fn a_letter_that_is_replayed_before_its_message_comes_again_is_replayed_once() {
    let broker = Broker::start();
    let mut store = Store::new(Box::new(Nats::prepared(&broker, "AGAIN")));
    assert!(store.publish(40, None, |_| {}).success());
    wait_while(|| store.judge.not_due() > 0);
    // The letter is stored, its message not acknowledged: it comes again after a while.
    let mut consumer = store.consumer(false);
    consumer.env("PF_FAILPOINT", "nats.letter_stored:1");
    assert!(!consumer.status().unwrap().success());
    assert!(!store.judge.read().dead.is_empty());
    for _ in 0..2 {
        assert!(output(&store, &REPLAY).status.success());
        wait_while(|| {
            let is_left = store.judge.to_come() > 0;
            if is_left {
                let consumer = store.consumer(false);
                store.run(consumer);
            }
            is_left
        });
    }
    let replays = store.judge.read().replays;
    let mut letters: Vec<_> = replays.iter().map(|(_, letter)| letter).collect();
    letters.sort();
    letters.dedup();
    let doubled = replays.len() - letters.len();
    println!(
        "replay after a kill: {} letters, doubled {doubled}",
        letters.len()
    );
    assert!(letters.len() >= 4);
    assert_eq!(doubled, 0);
}

#[test]
fn a_message_that_somebody_gave_up_becomes_one_letter() {
    const CAPTURE: [&str; 3] = ["dlq", "capture", "--until-end"];
    const COUNT: usize = 20;
    let broker = Broker::start();
    let stream = Nats::prepared(&broker, "CAPTURED");
    let raw = stream.raw();
    let mut store = Store::new(Box::new(stream));
    assert!(output(&store, &CAPTURE).status.success());
    assert!(store.publish(COUNT, None, |_| {}).success());
    wait_while(|| store.judge.not_due() > 0);
    raw.make_strict("other", "order.created", 1);
    raw.answer("other", COUNT, "-NAK");
    wait_while(|| raw.held_beside("ADVISORIES") < COUNT as u64);
    killed_at("nats.captured", &store, &CAPTURE);
    assert!(output(&store, &CAPTURE).status.success());
    let mut dead = store.judge.read().dead;
    assert_eq!(dead.len(), COUNT, "doubled or lost");
    dead.sort();
    dead.dedup();
    println!(
        "capture, killed: {COUNT} letters, lost {}, doubled 0",
        COUNT - dead.len()
    );
    assert_eq!(dead.len(), COUNT);
    assert_eq!(raw.held_beside("ADVISORIES"), 0);
}
