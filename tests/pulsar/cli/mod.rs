//! What users of Pulsar see: stdout, stderr and exit code together, on a broker of the tests' own.

mod bad_input;
mod demo;
mod hexa;
mod joining;
mod login;
mod permissions;
mod protobuf;
mod recreated;
mod request;
mod schedule;
pub(crate) mod shop;
mod tls;
