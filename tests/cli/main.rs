//! What users see: stdout, stderr and exit code together, one module per command.
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod breaker;
mod caps;
mod completions;
mod consume;
mod consume_refusals;
mod context;
mod dead_letters;
mod dedup;
mod demo;
mod dlq;
mod dlq_canary;
mod dlq_edit;
mod dlq_exchange;
mod dlq_followed;
mod dlq_jobs;
mod dlq_notes;
mod dlq_plans;
mod dlq_verify;
mod doctor;
mod emit;
mod errors;
mod handled_once;
mod handler;
mod help;
mod left_out;
mod metrics;
mod naming;
mod nonblocking;
mod normalised;
#[cfg(target_os = "linux")]
mod orphans;
mod outbox;
mod paths;
#[cfg(target_os = "linux")]
mod process_cleanup;
mod programs;
mod protobuf;
mod publish;
mod publish_events;
mod publish_stream;
#[cfg(target_os = "linux")]
mod publish_unwritten;
mod replaced_store;
mod request;
mod schedule;
mod shared;
mod signals;
mod tail;
mod tail_live;
mod traces;
mod worker;

use test_support::{harness, normalise};

/// A file that no `mod` names would never be run.
#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli");
    let main = std::fs::read_to_string(format!("{folder}/main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let named = main.lines().any(|line| line == format!("mod {name};"));
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        assert!(
            !is_code || name == "main" || named,
            "`mod {name};` is missing"
        );
    }
}
