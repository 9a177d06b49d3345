//! The NATS backend on real servers, each test with its own.

mod server;

use server::Broker;

protoflow::conformance_suite!(suite, Broker::start());
