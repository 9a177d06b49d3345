//! Programs at work: the time and the processor time that they take, and what they hold.

use std::{
    cell::RefCell,
    fs::File,
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use protoflow::{
    backends::{OpenOptions, Registry},
    transport::Transport,
};

use crate::{
    events,
    rounds::{Target, compare, report},
};

/// Processes per round of a one-shot.
const TIMES: usize = 50;

/// Returns `pf`, quiet, on a store.
pub fn pf(url: &str, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pf"));
    command.args(arguments).args(["--quiet", "--url", url]);
    command.env("HOME", home);
    command.stderr(Stdio::inherit());
    command
}

/// Returns the benchmark itself as a child of a store, in a role at a server.
pub fn child(of: &str, role: &str, server: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([of, role, server]);
    command
}

/// Opens a store with the library.
pub async fn open(url: &str) -> Arc<dyn Transport> {
    let url = url.parse().unwrap();
    Registry::builtin()
        .open(&url, OpenOptions::default())
        .await
        .unwrap()
}

/// Compares processes that publish one event each, cold; returns how many events each side published.
pub fn one_shot(
    name: &str,
    rounds: usize,
    ours: impl Fn(&str) -> Command,
    raw: impl Fn(&str) -> Command,
) -> usize {
    let data = String::from_utf8(events::event(1)).unwrap();
    compare(
        name,
        Target::Time(1.5),
        rounds,
        Box::new(|_| repeat(TIMES, || ours(&data))),
        Box::new(|_| repeat(TIMES, || raw(&data))),
    );
    TIMES * rounds
}

/// Runs a future as a library user's program would.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Runs a program with a file on its stdin, through a pipe.
pub fn pipe(input: &Path, mut program: Command) -> Duration {
    let start = Instant::now();
    let mut cat = Command::new("cat")
        .stdin(File::open(input).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = program.stdin(cat.stdout.take().unwrap()).status().unwrap();
    let time = start.elapsed();
    assert!(status.success() && cat.wait().unwrap().success());
    time
}

/// Runs a program that writes so many lines to a pipe.
pub fn read(mut program: Command, lines: usize) -> Duration {
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

/// Runs a program so often, one after the other.
pub fn repeat(times: usize, program: impl Fn() -> Command) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        let status = program().stdout(Stdio::null()).status();
        assert!(status.unwrap().success());
    }
    start.elapsed()
}

/// Reports whether a program is installed.
pub fn is_installed(program: &str) -> bool {
    is_there(program, "--version")
}

/// Reports whether a program is installed that tells its version when it is asked in this way.
pub fn is_there(program: &str, version: &str) -> bool {
    let probe = Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success())
}

/// Whose processor time is meant.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// This process.
    Ours,
    /// The children that have ended.
    Children,
}

/// Returns the processor time taken so far, as Linux counts it, in hundredths of a second.
pub(crate) fn processor_time(whose: Whose) -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let first = match whose {
        Whose::Ours => 11,
        Whose::Children => 13,
    };
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(first) + ticks(first + 1)))
}

/// Works, and notes the processor time that it took.
pub fn noting<T>(spent: &RefCell<Vec<Duration>>, whose: Whose, work: impl FnOnce() -> T) -> T {
    let before = processor_time(whose);
    let done = work();
    let time = processor_time(whose).saturating_sub(before);
    spent.borrow_mut().push(time);
    done
}

/// Samples the resident memory of a process until it ends, and tells whether it stayed below so many MiB.
pub fn watch(name: &str, limit: f64, mut child: Child) {
    let mut samples = Vec::new();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        samples.extend(resident(child.id()));
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    judge(name, limit, &samples);
}

/// The same while it is at work; then it is ended.
pub fn watch_while(name: &str, limit: f64, mut child: Child, is_at_work: impl Fn() -> bool) {
    let mut samples = Vec::new();
    while is_at_work() {
        samples.extend(resident(child.id()));
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let most = peak(&samples);
    let figure = format!("peak {most:.1} MiB");
    report(name, &figure, &format!("< {limit} MiB"), most < limit);
}

fn judge(name: &str, limit: f64, samples: &[f64]) {
    let quarter = samples.len() / 4;
    let (early, late) = (
        peak(&samples[quarter..2 * quarter]),
        peak(&samples[3 * quarter..]),
    );
    let most = peak(samples);
    let figure = format!("peak {most:.1} MiB, second quarter {early:.1}, last quarter {late:.1}");
    report(
        name,
        &figure,
        &format!("< {limit} MiB"),
        most < limit && late <= early * 1.1 + 1.0,
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
