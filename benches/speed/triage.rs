//! Commands of triage beside raw readers and raw copy loops.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::rounds::report;

/// The edit of the benchmarks, as `pf` gets it.
pub const EDIT: &str = ".event.data.total = 1";
/// Dead letters per second where a rate is asked for.
pub const RATE: u32 = 500;
/// As many as ten seconds take.
pub const RATED: usize = 5000;

/// Runs a command to its end, without its output, and returns how long that took.
pub fn run(mut pf: Command) -> Duration {
    let start = Instant::now();
    assert!(pf.stdout(Stdio::null()).status().unwrap().success());
    start.elapsed()
}

/// Runs a command that warns, as a replay to a topic does.
pub fn run_quietly(mut pf: Command) -> Duration {
    pf.stderr(Stdio::null());
    run(pf)
}

/// Returns the job of the last replay of a store.
pub fn last_job(mut log: Command) -> String {
    let output = log.output().unwrap();
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let entries = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut job = entries.filter_map(|entry| entry["job"].as_str().map(str::to_owned));
    job.next_back().unwrap()
}

/// Does to an event what `EDIT` does, and gives it an id and its history.
pub fn edited(payload: &[u8]) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(payload).unwrap();
    let original = event["id"].clone();
    event["data"]["total"] = json!(1);
    event["id"] = json!(format!("edit-{}", original.as_str().unwrap()));
    event["causationid"] = original.clone();
    event["editof"] = original;
    serde_json::to_vec(&event).unwrap()
}

/// Reports the rate at which replays were stored, by the time of the first and of the last of them.
pub fn judge_rate(name: &str, first: Duration, last: Duration) {
    let span = last.saturating_sub(first).as_secs_f64();
    let wanted = f64::from(RATE);
    // What falls due in the first tenth of a second is stored at once.
    let count = u32::try_from(RATED).unwrap() - RATE / 10;
    let rate = f64::from(count) / span;
    let off = (rate / wanted - 1.0).abs() * 100.0;
    report(
        name,
        &format!("{RATED} in {span:.2} s, {rate:.1}/s, {off:.2} % off"),
        "<= 2 %",
        off <= 2.0,
    );
}
