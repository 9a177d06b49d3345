//! What the README says is what the program does: every command of the tour is run, every table compared.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use test_support::{kafka, nats, normalise::normalise, pulsar};

const README: &str = include_str!("../README.md");

/// Runs the tour's commands one after the other in one folder, as a newcomer would.
#[test]
fn the_tour_is_true() {
    assert!(walk("```console\n", "sqlite:events.db", |output| output) >= 10);
}

#[test]
fn the_walk_on_nats_is_true() {
    let broker = nats::Broker::start();
    let here = broker.url("ORDERS");
    let there = "nats://localhost:4222/ORDERS";
    let commands = walk("```console nats\n", &here, |output| {
        output.replace(&here, there)
    });
    assert!(commands >= 7);
}

#[test]
fn the_walk_on_kafka_is_true() {
    let broker = kafka::Broker::start();
    let here = format!("kafka://{}/", broker.address());
    let there = "kafka://localhost:9092/";
    let commands = walk("```console kafka\n", &here, |output| {
        output.replace(&here, there)
    });
    assert!(commands >= 7);
}

#[test]
fn the_walk_on_pulsar_is_true() {
    let broker = pulsar::Broker::start();
    let here = format!("pulsar://{}/public/default", broker.address());
    let there = "pulsar://localhost:6650/public/default";
    let commands = walk("```console pulsar\n", &here, |output| {
        output.replace(&here, there)
    });
    assert!(commands >= 7);
}

/// Runs the commands of every block of a kind, compares what they print, and counts them.
fn walk(fence: &str, url: &str, rename: impl Fn(String) -> String) -> u32 {
    let folder = TempDir::new().unwrap();
    let mut commands = 0;
    for block in README.split(fence).skip(1) {
        let block = block.split("```").next().unwrap();
        for step in format!("\n{block}").split("\n$ ").skip(1) {
            let (command, expected) = split(step);
            let here = folder.path().to_str().unwrap();
            let output = shell(folder.path(), url, &command).replace(here, "/home/ann/tour");
            assert_eq!(
                normalise(rename(output).trim_end()),
                normalise(expected.trim_end()),
                "after `{command}`"
            );
            commands += 1;
        }
    }
    commands
}

/// Splits a step into its command, over several lines where they begin with `> `, and what it prints.
fn split(step: &str) -> (String, String) {
    let mut lines = step.lines();
    let mut command = lines.next().unwrap().to_owned();
    let mut output = String::new();
    for line in lines {
        match line.strip_prefix("> ") {
            Some(more) if output.is_empty() => command = format!("{command}\n{more}"),
            _ => output.extend([line, "\n"]),
        }
    }
    (command, output)
}

fn shell(folder: &Path, url: &str, command: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_pf")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("exec 2>&1\n{command}\ncode=$?; [ $code = 0 ] || echo \"(exit $code)\""),
        ])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("PF_URL", url)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the rows of a table as cells, by the comment that stands before it.
fn table(name: &str) -> Vec<Vec<String>> {
    let after = README
        .split(&format!("<!-- table: {name} -->"))
        .nth(1)
        .unwrap();
    let rows = after
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let row = row.trim_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    rows.skip(2).map(cells).collect()
}

fn pf(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pf"))
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = pf(&["--help"]);
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in table("exit codes") {
        let [code, meaning] = row.as_slice() else {
            panic!("{row:?}")
        };
        for code in code.split(", ") {
            assert!(words.contains(code), "the help does not know {code}");
        }
        let start = meaning.split(';').next().unwrap();
        assert!(words.contains(start), "the help does not say `{start}`");
    }
}

#[test]
fn capabilities_are_those_of_the_program() {
    for (column, url) in (1..).zip(["memory:", "sqlite:", "nats:", "kafka:", "pulsar:"]) {
        let caps = pf(&["caps", "--offline", "--url", url, "-o", "json"]);
        let caps: serde_json::Value = serde_json::from_str(&caps).unwrap();
        for row in table("capabilities") {
            let name = row[0].trim_matches('`').replace('-', "_");
            let support = caps[&name]["support"].as_str();
            assert_eq!(support, Some(row[column].as_str()), "{name} of {url}");
        }
    }
}

#[tokio::test]
async fn parameters_of_the_embedded_store_are_those_that_it_takes() {
    let url = "sqlite:events.db?no_such_parameter_at_all=1"
        .parse()
        .unwrap();
    let options = protoflow::backends::OpenOptions::default();
    let registry = protoflow::backends::Registry::builtin();
    let error = registry.open(&url, options).await.unwrap_err();
    let known = error.advice().unwrap().strip_prefix("known: ").unwrap();
    let row = README
        .lines()
        .find(|line| line.starts_with("| `sqlite:events.db`"))
        .unwrap();
    for name in known.split(", ") {
        let name = name.trim_matches('`');
        assert!(row.contains(&format!("`?{name}=")), "{name} is missing");
    }
}
