//! The programs that `tests/brokers.sh` builds with the official clients.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use test_support::{TARGET, pulsar::Broker};

use crate::cli::shop::Shop;

/// Returns the program of a language.
fn program(language: &str) -> PathBuf {
    let built = || Path::new(TARGET).join("brokers/pulsar-clients");
    let folder = std::env::var_os("PF_PULSAR_CLIENTS").map_or_else(built, PathBuf::from);
    let program = folder.join(language);
    assert!(
        program.is_file(),
        "{} is missing: run tests/run, or . tests/brokers.sh && fetch_pulsar && build_pulsar_clients",
        program.display()
    );
    program
}

fn command(shop: &Shop, language: &str, command: &str, topic: &str, options: &[&str]) -> Command {
    let mut program = Command::new(program(language));
    program
        .arg(format!("pulsar://{}", Broker::shared().address()))
        .arg(command)
        .arg(format!("persistent://{}/{topic}", shop.namespace))
        .args(options);
    program
}

fn output(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}\n{errors}");
    text
}

/// Does one thing with Python's client; returns what it prints.
pub(crate) fn python(shop: &Shop, what: &str, topic: &str, options: &[&str]) -> Vec<Value> {
    let text = output(command(shop, "python", what, topic, options));
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// Writes with Python's client, which must succeed.
pub(crate) fn python_writes(shop: &Shop, topic: &str, options: &[&str]) {
    let said = python(shop, "write", topic, options);
    assert_eq!(said, [serde_json::json!({"failed": []})]);
}

/// A message as Java's client sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JavaMessage {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) properties: String,
}

/// Does one thing with Java's client; returns the messages that it prints. Its log is among them.
pub(crate) fn java(shop: &Shop, what: &str, topic: &str, options: &[&str]) -> Vec<JavaMessage> {
    let text = output(command(shop, "java", what, topic, options));
    let lines = text.lines().filter_map(|line| {
        let mut parts = line.strip_prefix('\t')?.split('\t').map(str::to_owned);
        Some(JavaMessage {
            key: parts.next()?,
            text: parts.next()?,
            properties: parts.next()?,
        })
    });
    lines.collect()
}

/// A subscription that Python's client holds until this is dropped.
pub(crate) struct Holder(Child);

impl Holder {
    pub(crate) fn new(shop: &Shop, topic: &str, group: &str, kind: &str) -> Self {
        let options = [format!("group={group}"), format!("type={kind}")];
        let options = options.each_ref().map(String::as_str);
        let mut child = command(shop, "python", "hold", topic, &options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().contains("holds"));
        Self(child)
    }

    /// Lets it leave, as a program that is stopped does.
    pub(crate) fn leave(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
