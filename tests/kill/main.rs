//! `kill -9` everywhere: at every named fail point and at random moments, judged from outside.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::large_futures,
    unreachable_pub,
    reason = "a test"
)]

mod alone;
mod dedup;
mod forwarding;
mod handled_once;
mod handled_points;
mod judge;
mod kafka;
mod nats;
mod outbox;
mod points;
mod pulsar;
#[cfg(feature = "pulsar")]
mod replays;
mod rounds;
mod sqlite;
mod store;
mod triage;
