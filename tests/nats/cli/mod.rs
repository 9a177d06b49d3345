//! What users of NATS see: stdout, stderr and exit code together, on servers of the tests' own.

mod bad_input;
mod beside_others;
mod canary;
mod capture;
mod consume;
mod dedup;
mod denied;
mod fit;
mod foreign;
mod gaps;
mod hexa;
mod import;
mod interest;
mod interop;
mod left_out;
mod misdirected;
mod permissions;
mod prefixes;
mod protobuf;
mod schedule;
mod security;
mod shop;
mod store;
mod tail;
mod verify;
mod work_queue;
