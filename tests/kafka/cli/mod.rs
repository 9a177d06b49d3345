//! What users of Kafka see: stdout, stderr and exit code together, on a broker of the tests' own.

mod asked;
mod bad_input;
mod bytes;
mod canary;
mod dedup;
mod delays;
mod foreign;
mod groups;
mod handled_once;
mod hexa;
mod joining;
mod left_out;
mod login;
mod open_transactions;
mod permissions;
mod programs;
mod protobuf;
mod publish;
mod refused;
mod request;
mod shop;
mod starting;
mod store;
mod tail;
mod topics;
mod verify;
