//! Child processes with pipes and nothing around them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Spawns the program once per payload, so many at a time, payload on stdin and stderr read.
pub fn spawn_each(program: &str, payloads: &[Vec<u8>], jobs: usize) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(payload) = payloads.get(next.fetch_add(1, Ordering::Relaxed)) {
                    spawn(program, payload);
                }
            });
        }
    });
}

fn spawn(program: &str, payload: &[u8]) {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(payload);
    let mut complaint = Vec::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut complaint)
        .unwrap();
    assert!(child.wait().unwrap().success());
}

/// Writes each line to one process and waits for its answer.
pub fn ping_pong(program: &mut Command, lines: &[Vec<u8>]) {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut answer = Vec::new();
    for line in lines {
        input.write_all(line).unwrap();
        answer.clear();
        output.read_until(b'\n', &mut answer).unwrap();
        assert!(!answer.is_empty());
    }
    drop(input);
    child.wait().unwrap();
}
