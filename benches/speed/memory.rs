//! Resident memory over a million events.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    Plan,
    rounds::report,
    stage::{self, Stage, TOPIC},
};

/// The most that a command may hold, in MiB.
const LIMIT: f64 = 48.0;

pub fn flat(plan: &Plan) {
    let events = stage::events(plan.events * 5);
    let stage = Stage::new();
    let input = stage.path("input");
    std::fs::write(&input, events.join(&b'\n')).unwrap();
    drop(events);
    let store = stage.empty_store("memory.db");
    let publish = stage::pf(&store, &["publish", "--ndjson"])
        .stdin(File::open(&input).unwrap())
        .spawn();
    watch("memory of publish", publish.unwrap());
    let tail = stage::pf(
        &store,
        &["tail", "-o", "json", "--since", "1h", "--until-end"],
    )
    .stdout(Stdio::null())
    .spawn();
    watch("memory of tail", tail.unwrap());
    watch("memory of consume", consumer(&store).spawn().unwrap());
}

fn consumer(store: &Path) -> Command {
    let bench = std::env::current_exe().unwrap();
    let mut command = stage::pf(
        store,
        &[
            "consume",
            TOPIC,
            "--group",
            "bench",
            "--until-end",
            "--worker",
        ],
    );
    command.arg("--").arg(bench).arg("--answer-lines");
    command
}

/// Samples the resident memory until the process ends.
fn watch(name: &str, mut child: Child) {
    let mut samples = Vec::new();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        samples.extend(resident(child.id()));
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    let quarter = samples.len() / 4;
    let (early, late) = (
        peak(&samples[quarter..2 * quarter]),
        peak(&samples[3 * quarter..]),
    );
    let most = peak(&samples);
    let figure = format!("peak {most:.1} MiB, second quarter {early:.1}, last quarter {late:.1}");
    report(
        name,
        &figure,
        "< 48 MiB",
        most < LIMIT && late <= early * 1.1 + 1.0,
    );
}

fn peak(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(0.0, f64::max)
}

/// Returns MiB.
fn resident(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
