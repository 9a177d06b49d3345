//! A server, a stream on it, the programs that use them, and what these are known to have done.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use test_support::nats::{Broker, Raw};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long a delivery belongs to a consumer of which nothing is heard.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// Answers each event with `$ANSWER` and notes that it did.
const WORKER: &str = r#"#!/bin/sh
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    echo "$id" >> "$HANDLED"
    case "$id" in
        held*) echo "{\"id\":\"$id\",\"action\":\"retry\",\"after\":\"1h\"}" ;;
        bad*[036]) echo "{\"id\":\"$id\",\"action\":\"dead_letter\",\"reason\":\"refused\"}" ;;
        *) echo "{\"id\":\"$id\",$ANSWER}" ;;
    esac
done
"#;

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) raw: Raw,
    folder: TempDir,
    url: String,
}

impl World {
    /// Starts a server with a stream as `--create` makes it, and a group that reads its orders.
    pub(crate) fn new() -> Self {
        let world = Self::without_stream(&[]);
        world.raw.make(world.raw.prepared());
        world.raw.make_group("billing", "order", ACK_WAIT);
        world
    }

    /// Starts a server without any stream.
    pub(crate) fn without_stream(options: &[&str]) -> Self {
        Self::on(Broker::start_with(options))
    }

    /// Uses a server that runs.
    pub(crate) fn on(broker: Broker) -> Self {
        let raw = Raw::new(&broker.url(""), "SHOP");
        let folder = TempDir::new().unwrap();
        let worker = folder.path().join("worker");
        fs::write(&worker, WORKER).unwrap();
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            url: broker.url("SHOP"),
            broker,
            raw,
            folder,
        }
    }

    /// Returns the server's address.
    pub(crate) fn address(&self) -> String {
        let url = self.broker.url("");
        let address = url.trim_start_matches("nats://").trim_end_matches('/');
        address.to_owned()
    }

    /// Lets programs from now on reach the server by another way.
    pub(crate) fn reach_by(&mut self, address: &str) {
        self.url = format!("nats://{address}/SHOP");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Prepares a program whose remarks go to the test's own output.
    pub(crate) fn pf(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pf"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("PF_URL", &self.url)
            .env("HANDLED", self.path("handled"))
            .env("ANSWER", r#"\"action\":\"ack\""#.replace('\\', ""))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Prepares a consumer of orders that handles them by the worker.
    pub(crate) fn consumer(&self, arguments: &[&str]) -> Command {
        let mut command = self.pf(&["consume", "order", "--group", "billing", "--worker", "-q"]);
        command.args(arguments).arg("--").arg(self.path("worker"));
        command
    }

    /// Returns the ids that the worker saw, in order.
    pub(crate) fn handled(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("handled")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Starts to publish events with ids of that beginning; notes the receipts.
    pub(crate) fn publish(&self, start: &str, count: usize, more: &[&str]) -> Publishing {
        self.publish_by_key(start, count, 0, more)
    }

    /// Does the same with events of so many keys, if any.
    pub(crate) fn publish_by_key(
        &self,
        start: &str,
        count: usize,
        keys: usize,
        more: &[&str],
    ) -> Publishing {
        let mut lines = String::new();
        for number in 0..count {
            let key = number
                .checked_rem(keys)
                .map_or(String::new(), |key| format!(r#""partitionkey":"k{key}","#));
            let _ = writeln!(
                lines,
                r#"{{"specversion":"1.0","id":"{start}{number:06}","source":"/test","type":"order",{key}"data":{{}}}}"#
            );
        }
        let input = self.path(&format!("{start}.ndjson"));
        fs::write(&input, lines).unwrap();
        let mut command = self.pf(&["publish", "--ndjson", "-o", "json"]);
        command
            .args(more)
            .stdin(fs::File::open(input).unwrap())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let receipts = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            let receipt =
                |line: String| -> serde_json::Value { serde_json::from_str(&line).unwrap() };
            let lines = receipts.lines().map_while(Result::ok);
            // A line that was refused has an error in the place of an id.
            let ids = lines.filter_map(|line| receipt(line)["id"].as_str().map(str::to_owned));
            ids.collect()
        });
        Publishing { child, reader }
    }

    /// Publishes events and waits until all are stored.
    pub(crate) fn fill(&self, start: &str, count: usize) {
        let (status, accepted) = self.publish(start, count, &[]).end();
        assert!(status.success());
        assert_eq!(accepted.len(), count);
    }

    /// Kills the server, starts it again, and tells when.
    pub(crate) fn restart_server(&self) {
        self.broker.kill();
        self.broker.restart();
    }
}

/// A publisher at work.
pub(crate) struct Publishing {
    child: Child,
    reader: thread::JoinHandle<Vec<String>>,
}

impl Publishing {
    /// Waits for the end; returns the ids whose receipt was printed.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>) {
        let accepted = self.reader.join().unwrap();
        (self.child.wait().unwrap(), accepted)
    }
}

/// Waits for something to become true.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came true that {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Counts what is missing and what is there more than once, and tells.
pub(crate) fn count(what: &str, wanted: &[String], found: &[String]) -> (usize, usize) {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for id in found {
        *times.entry(id).or_default() += 1;
    }
    let lost = wanted
        .iter()
        .filter(|id| !times.contains_key(id.as_str()))
        .count();
    let doubled = found.len() - times.len();
    println!(
        "{what}: {} events, lost {lost}, doubled {doubled}",
        wanted.len()
    );
    (lost, doubled)
}

/// Returns the ids that `publish` and `fill` give to events.
pub(crate) fn ids(start: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{start}{number:06}"))
        .collect()
}
