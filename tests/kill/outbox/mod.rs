//! Relays of outboxes are killed at every fail point and at random moments: nothing is lost, doubled or out of order.

mod points;
mod rounds;
mod target;

use std::{path::Path, process::Command};

use protoflow::outbox::Entry;
use test_support::harness::program;

/// The fail points of a relay, which has tests of its own.
pub const POINTS: [&str; 4] = [
    "outbox.leased",
    "outbox.recovering",
    "outbox.published",
    "outbox.settled",
];

/// Prepares `pf outbox relay` between two URLs.
fn relay(from: &str, to: &str, home: &Path) -> Command {
    let mut command = Command::new(program());
    command.env_clear().env("HOME", home);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.args([
        "outbox", "relay", "--quiet", "--from", from, "--to", to, "--lease", "1s",
    ]);
    command
}

/// Makes an entry with the number of its key in its data.
fn entry(topic: &str, id: &str, key: &str, number: u64) -> Entry {
    let event = protoflow::event("order.created", "/shop")
        .id(id)
        .subject(key);
    let event = event.data(&serde_json::json!({ "n": number })).unwrap();
    Entry::new(&event.build().unwrap())
        .unwrap()
        .topic(topic.parse().unwrap())
}
