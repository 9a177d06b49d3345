//! A receipt, a verdict and a replay are told only after the store was flushed to the disk.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

/// Runs `pf` under strace and returns its writes and flushes in order, a line each.
fn traced(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let trace = folder.join("trace");
    let status = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-e",
            "trace=write,writev,pwrite64,fsync,fdatasync",
            "-o",
        ])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_pf"))
        .args(arguments)
        .env("HOME", folder)
        .env("PF_URL", format!("sqlite://{}/events.db", folder.display()))
        .stdout(fs::File::create(folder.join("out")).unwrap())
        .stderr(fs::File::create(folder.join("err")).unwrap())
        .status()
        .expect("strace is installed by tests/run");
    let complaint = fs::read_to_string(folder.join("err")).unwrap();
    assert!(status.success(), "{complaint}");
    let text = fs::read_to_string(&trace).unwrap();
    text.lines()
        .filter(|line| !line.contains("unfinished"))
        .map(str::to_owned)
        .collect()
}

/// Asserts that what was written to the store before `told` was flushed before it, too.
fn assert_flushed_before(trace: &[String], told: impl Fn(&str) -> bool) {
    let told = trace
        .iter()
        .position(|line| told(line))
        .expect("nothing was told");
    let before = &trace[..told];
    let written = before
        .iter()
        .rposition(|line| line.contains("pwrite64") && line.contains("events.db"))
        .expect("nothing was written to the store");
    let flushed = before[written..]
        .iter()
        .any(|line| line.contains("sync(") || line.contains("sync resumed"));
    assert!(
        flushed,
        "told before it was flushed:\n{}",
        before[written..].join("\n")
    );
}

fn to_stdout(line: &str) -> bool {
    line.contains("write") && line.contains("/out>")
}

#[test]
fn a_receipt_follows_the_flush() {
    let folder = TempDir::new().unwrap();
    let publish = ["publish", "order.created", "{}", "-o", "json"];
    traced(folder.path(), &publish);
    let trace = traced(folder.path(), &publish);
    assert_flushed_before(&trace, to_stdout);
}

#[test]
fn a_delayed_event_is_flushed_like_any_other() {
    let folder = TempDir::new().unwrap();
    let publish = [
        "publish",
        "order.created",
        "{}",
        "--delay",
        "1h",
        "-o",
        "json",
    ];
    traced(folder.path(), &publish);
    let trace = traced(folder.path(), &publish);
    assert_flushed_before(&trace, to_stdout);
}

#[test]
fn a_dead_letter_is_flushed_before_it_is_told() {
    let folder = TempDir::new().unwrap();
    traced(folder.path(), &["publish", "order.created", "{}"]);
    let consume = [
        "consume",
        "order.created",
        "--group",
        "g",
        "--count",
        "1",
        "--",
        "sh",
        "-c",
        "exit 65",
    ];
    let mut arguments = vec!["--color", "never"];
    arguments.extend(consume);
    let trace = traced_partly(folder.path(), &arguments);
    assert_flushed_before(&trace, |line| {
        line.contains("write(2<") && line.contains("dead")
    });
}

/// Like [`traced`], for a command that ends with "partly done".
fn traced_partly(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let script = format!(
        r#"strace -f -y -s 200 -e trace=write,writev,pwrite64,fsync,fdatasync -o "$0/trace" "{}" "$@" 2>"$0/err"; [ $? = 4 ]"#,
        env!("CARGO_BIN_EXE_pf")
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .arg(folder)
        .args(arguments)
        .env("HOME", folder)
        .env("PF_URL", format!("sqlite://{}/events.db", folder.display()))
        .status()
        .unwrap();
    assert!(
        status.success(),
        "{}",
        fs::read_to_string(folder.join("err")).unwrap()
    );
    let text = fs::read_to_string(folder.join("trace")).unwrap();
    text.lines()
        .filter(|line| !line.contains("unfinished"))
        .map(str::to_owned)
        .collect()
}
