//! This test program again, as another process that can be limited, killed, or die at a fail point.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{self, ChildStdout, Command, Stdio},
};

use protoflow::transport::{Transport, Verdict};

use crate::store::{Store, message, open, publish, read, request, settle, take};

const ACTION: &str = "PF_TEST_ACTION";

/// Another process.
pub(crate) struct Child {
    process: process::Child,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts an action on a store.
    pub(crate) fn start(action: &str, path: &Path) -> Self {
        Self::start_with(action, path, &[])
    }

    /// Starts an action with more in its environment.
    pub(crate) fn start_with(action: &str, path: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.envs(environment.iter().copied());
        Self::spawn(command, action, path)
    }

    /// Starts an action from a shell script that ends with `exec "$0" "$@"`.
    pub(crate) fn start_in_shell(script: &str, action: &str, path: &Path) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap());
        Self::spawn(command, action, path)
    }

    /// Starts a process that may read the store's folder, not write it.
    pub(crate) fn start_powerless(store: &Store) -> Self {
        let folder = store.path().parent().unwrap().to_owned();
        let program = folder.join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(store.path(), fs::Permissions::from_mode(0o444)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        let child = Self::spawn(command, "look", &store.path());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        child
    }

    fn spawn(mut command: Command, action: &str, path: &Path) -> Self {
        let mut process = command
            .args([
                "--exact",
                "child::act",
                "--nocapture",
                "--test-threads=1",
                "-q",
            ])
            .env(ACTION, format!("{action} {}", path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut child = Self { process, output };
        // What the test harness says first is not ours.
        while child.raw_line().trim_end() != "begin" {}
        child
    }

    fn raw_line(&mut self) -> String {
        let mut line = String::new();
        let count = self.output.read_line(&mut line).unwrap();
        assert!(count > 0, "the child ended early");
        line
    }

    /// Waits for its next line.
    pub(crate) fn line(&mut self) -> String {
        self.raw_line().trim_end().to_owned()
    }

    /// Waits for its end and returns its lines.
    pub(crate) fn output(mut self) -> Vec<String> {
        drop(self.process.stdin.take());
        let lines = self.output.by_ref().lines().map(Result::unwrap);
        let lines = lines.take_while(|line| line != "end").collect();
        self.process.wait().unwrap();
        lines
    }

    /// Kills it with no chance to clean up.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// What a child does; in the parent, nothing.
#[tokio::test]
async fn act() {
    let Ok(action) = std::env::var(ACTION) else {
        return;
    };
    let (action, path) = action.split_once(' ').unwrap();
    say("\nbegin");
    let store = open(&format!("sqlite://{path}")).await;
    match action {
        "fill" => fill(&*store).await,
        "look" => look(&*store).await,
        "publish" => publish_many(&*store).await,
        "hold" => hold(&*store).await,
        "ack" => ack(&*store).await,
        other => panic!("no action {other}"),
    }
    say("end");
}

async fn fill(store: &dyn Transport) {
    let large = "x".repeat(20_000);
    for stored in 0..1000 {
        let mut results = store.publish(vec![message("t", None, &large).into()]).await;
        if let Err(error) = results.remove(0) {
            say(stored);
            return say(format!("{:?}", error.kind()));
        }
    }
}

async fn look(store: &dyn Transport) {
    say(read(store, "t").await.len());
    let mut results = store.publish(vec![message("t", None, "3").into()]).await;
    say(format!("{:?}", results.remove(0).unwrap_err().kind()));
}

async fn publish_many(store: &dyn Transport) {
    for n in 0..200 {
        publish(store, "t", &[&n.to_string()]).await;
        say(n);
    }
}

/// Takes one message and waits to be killed.
async fn hold(store: &dyn Transport) {
    let consumer = store.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*consumer, 1).await;
    say("taken");
    std::future::pending::<()>().await;
    drop(taken);
}

async fn ack(store: &dyn Transport) {
    let consumer = store.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*consumer, 1).await;
    say("taken");
    settle(&*consumer, taken, Verdict::Ack).await;
    say("settled");
    consumer.close().await.unwrap();
}
