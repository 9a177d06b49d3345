//! The NATS backend as a library, each test with a server of its own.

mod broken_off;
#[path = "../../support/connect.rs"]
mod connect;
mod dead_letters;
mod faults;
mod gaps;
mod large_dead_letters;
mod limits;
mod place;
mod settings;

use place::Place;

protoflow::conformance_suite!(suite, Place::new());
