//! Standard streams on which another process has set `O_NONBLOCK`: `pf` waits for them.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::Stdio,
};

use rustix::{
    fs::{OFlags, fcntl_setfl},
    pipe::{PipeFlags, pipe_with},
};

use crate::{harness::Pf, publish::count};

/// Returns both ends of a pipe that does not block.
fn pipe_that_does_not_block() -> (File, Stdio, OwnedFd) {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    fcntl_setfl(&reader, OFlags::NONBLOCK).unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let ours = File::from(writer);
    let theirs = Stdio::from(reader.try_clone().unwrap());
    (ours, theirs, reader)
}

/// Writes all of it; this end does not block either.
fn write_all(mut to: File, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Returns more lines than a pipe holds.
fn many_lines() -> String {
    let lines: Vec<_> = (0..20_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    lines.concat()
}

#[test]
fn stdin_is_waited_for() {
    let lines = many_lines();
    let whole = format!("\"{}\"", "x".repeat(300_000));
    for (args, input, expected) in [
        (&["publish", "a", "--lines", "-q"][..], lines, 20_000),
        (&["publish", "a", "-q"], whole, 1),
    ] {
        let pf = Pf::new();
        let (ours, theirs, reader) = pipe_that_does_not_block();
        let child = pf.command(args).stdin(theirs).spawn().unwrap();
        drop(reader);
        write_all(ours, input.as_bytes());
        let _ = pf.finish(child).succeeded();
        assert_eq!(count(&pf), expected);
    }
}

#[test]
fn stdout_and_stderr_are_waited_for() {
    let pf = Pf::new();
    let lines = many_lines();
    let _ = pf
        .run_with(&["publish", "a", "--lines", "-q"], lines)
        .succeeded();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let mut tail = pf.command(&["tail", "a", "--until-end", "-o", "json"]);
    let mut child = tail.stdout(Stdio::from(writer)).spawn().unwrap();
    drop(tail);
    let mut shown = String::new();
    File::from(reader).read_to_string(&mut shown).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(shown.lines().count(), 20_000);

    let bad: String = (0..20_000).map(|_| "{oops\n").collect();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let mut publish = pf.command(&["publish", "a", "--lines", "--on-error", "continue"]);
    let publish = publish.stdin(Stdio::piped()).stderr(Stdio::from(writer));
    let mut child = publish.spawn().unwrap();
    // Ours of the writer must be closed for the end to be seen.
    publish.stderr(Stdio::null());
    let mut stdin = child.stdin.take().unwrap();
    let sender = std::thread::spawn(move || stdin.write_all(bad.as_bytes()).unwrap());
    let mut told = String::new();
    File::from(reader).read_to_string(&mut told).unwrap();
    sender.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(told.matches("not valid JSON").count(), 20_000);
}
