//! The Kafka backend on a real broker.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod delays;
mod ground;
mod large_letters;
mod letters;
mod listing;
mod place;
#[expect(dead_code, reason = "for the tests of what the broker holds")]
mod raw;
mod recreated;
mod retention;
mod retries;
mod server;
mod shelf;
mod static_members;
mod topics_of_a_group;

use place::Place;

protoflow::conformance_suite!(suite, Place::new());
