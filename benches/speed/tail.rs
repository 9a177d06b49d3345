//! Reading what is stored, to a pipe.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Plan,
    rounds::{Target, compare},
    stage::{self, Stage},
};

pub fn json(plan: &Plan) {
    let stage = Stage::new();
    let store = stage.store("tail.db", &stage::events(plan.events));
    let ours = |_| {
        read(
            stage::pf(
                &store,
                &["tail", "-o", "json", "--since", "1h", "--until-end"],
            ),
            plan.events,
        )
    };
    let raw = |_| {
        let mut sqlite3 = Command::new("sqlite3");
        sqlite3
            .arg(&store)
            .arg("select payload from messages order by seq");
        read(sqlite3, plan.events)
    };
    compare(
        "tail -o json",
        Target::Speed(0.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

fn read(mut program: Command, lines: usize) -> Duration {
    let start = Instant::now();
    let mut child = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let (mut buffer, mut seen) = (vec![0; 1 << 16], 0);
    loop {
        let length = output.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        seen += memchr::memchr_iter(b'\n', &buffer[..length]).count();
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(seen, lines);
    start.elapsed()
}
