//! Handlers that are processes.

use std::{
    io::{BufRead as _, Write as _},
    process::Command,
    time::Instant,
};

use super::setup::{self, Setup};
use crate::{
    Plan,
    events::{self, TOPIC},
    raw,
    rounds::{Target, compare},
};

const JOBS: usize = 2;

pub fn each(plan: &Plan) {
    let events = events::events(plan.events.min(2000));
    let setup = Setup::new();
    let template = setup.store("template.db", &events);
    let jobs = JOBS.to_string();
    let ours = |_| {
        let store = setup.copy(&template, "ours.db");
        let arguments = [
            "consume",
            TOPIC,
            "--group",
            "bench",
            "--until-end",
            "--jobs",
            &jobs,
        ];
        let start = Instant::now();
        let status = setup::pf(&store, &arguments)
            .args(["--", "/bin/true"])
            .status();
        assert!(status.unwrap().success());
        start.elapsed()
    };
    let raw = |_| {
        let start = Instant::now();
        raw::child::spawn_each("/bin/true", &events, JOBS);
        start.elapsed()
    };
    compare(
        "exec per event",
        Target::Speed(0.8),
        // What the system does for a new process varies more than anything else here.
        2 * plan.rounds + 1,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn worker(plan: &Plan) {
    let events = events::events(plan.events.min(50_000));
    let lines: Vec<Vec<u8>> = events
        .iter()
        .map(|event| [event.as_slice(), b"\n"].concat())
        .collect();
    let setup = Setup::new();
    let template = setup.store("template.db", &events);
    let bench = std::env::current_exe().unwrap();
    let program = bench.to_str().unwrap();
    let ours = |_| {
        let store = setup.copy(&template, "ours.db");
        let arguments = [
            "consume",
            TOPIC,
            "--group",
            "bench",
            "--until-end",
            "--worker",
        ];
        let start = Instant::now();
        let status = setup::pf(&store, &arguments)
            .args(["--", program, "--answer-lines"])
            .status();
        assert!(status.unwrap().success());
        start.elapsed()
    };
    let raw = |_| {
        let start = Instant::now();
        raw::child::ping_pong(Command::new(program).arg("--answer-lines"), &lines);
        start.elapsed()
    };
    compare(
        "exec --worker",
        Target::Speed(0.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// The worker of both sides: acknowledges each event by its id.
pub fn answer_lines() {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).unwrap() > 0 {
        let start = memchr::memmem::find(&line, br#""id":""#).unwrap() + 6;
        let end = start + memchr::memchr(b'"', &line[start..]).unwrap();
        output.write_all(br#"{"id":""#).unwrap();
        output.write_all(&line[start..end]).unwrap();
        output.write_all(b"\",\"action\":\"ack\"}\n").unwrap();
        output.flush().unwrap();
        line.clear();
    }
}
