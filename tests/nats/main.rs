//! The NATS backend on real servers, each test with its own.

mod broken_off;
mod faults;
mod gaps;
mod large_letters;
mod letters;
mod limits;
mod server;
mod settings;

use server::Broker;

protoflow::conformance_suite!(suite, Broker::start());
