//! A broker, the topics of a shop on it, the programs that use them, and what these are known to have done.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    ops::Deref,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use test_support::kafka::{Broker, Raw, raw::Stored, settled::unsettled};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(4);

/// Answers each event, after `$SLOW` seconds, and notes that it did. Two of ten bad ones die unless it is mended.
const WORKER: &str = r#"#!/bin/sh
while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}
    [ -z "$SLOW" ] || sleep "$SLOW"
    echo "$id" >> "$HANDLED"
    answer='"action":"ack"'
    case "$id" in
        bad*[36]) [ -n "$MENDED" ] || answer='"action":"dead_letter","reason":"refused"' ;;
        held*) answer='"action":"retry","after":"1h"' ;;
    esac
    echo "{\"id\":\"$id\",$answer}"
done
"#;

/// A broker of one's own, or that of other tests too.
enum Server {
    Own(Broker),
    Shared(&'static Broker),
}

impl Deref for Server {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        match self {
            Self::Own(broker) => broker,
            Self::Shared(broker) => broker,
        }
    }
}

pub(crate) struct World {
    server: Server,
    pub(crate) raw: Raw,
    folder: TempDir,
    prefix: String,
    /// Parameters of the URL beside the prefix.
    parameters: String,
}

impl World {
    /// Starts a broker of its own, which may be killed, with a topic of orders.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// Starts a broker of its own with these settings.
    pub(crate) fn with(settings: &[&str]) -> Self {
        Self::on(Server::Own(Broker::start_with(settings)))
    }

    /// Takes a part of the broker that other tests use too.
    pub(crate) fn shared() -> Self {
        Self::on(Server::Shared(Broker::shared()))
    }

    fn on(server: Server) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let folder = TempDir::new().unwrap();
        let worker = folder.path().join("worker");
        fs::write(&worker, WORKER).unwrap();
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
        let world = Self {
            raw: Raw::new(server.address()),
            server,
            folder,
            prefix: format!("shop{}.", NEXT.fetch_add(1, Ordering::Relaxed)),
            parameters: "partitions=3".to_owned(),
        };
        world.raw.make(&world.name("order"), 3, &[]);
        world
    }

    /// Adds a parameter to the URL, as in `max.poll.interval.ms=6000`.
    pub(crate) fn set(&mut self, parameter: &str) {
        self.parameters = format!("{}&{parameter}", self.parameters);
    }

    /// Returns Kafka's name of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Returns the name of the group.
    pub(crate) fn group(&self) -> String {
        format!("billing-{}", self.prefix.trim_end_matches('.'))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Prepares a program whose remarks go to the test's own output.
    pub(crate) fn pf(&self, arguments: &[&str]) -> Command {
        let parameters = format!("prefix={}&{}", self.prefix, self.parameters);
        let mut command = Command::new(env!("CARGO_BIN_EXE_pf"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("PF_URL", self.server.url(&parameters))
            .env("HANDLED", self.path("handled"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Prepares a consumer of orders that handles them by the worker.
    pub(crate) fn consumer(&self, arguments: &[&str]) -> Command {
        let group = self.group();
        let mut command = self.pf(&["consume", "order", "--group", &group, "--worker", "-q"]);
        command.args(arguments).arg("--").arg(self.path("worker"));
        command
    }

    /// Returns the ids that the worker saw, in order.
    pub(crate) fn handled(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("handled")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Counts the orders that readers of what is committed see now.
    pub(crate) fn visible(&self) -> usize {
        let orders = self.raw.rest(&self.name("order"), &BTreeMap::new());
        orders.iter().map(Stored::id).collect::<HashSet<_>>().len()
    }

    /// Returns the ids of the orders that readers of what is committed see, once no transaction is open any more.
    pub(crate) fn orders(&self) -> Vec<String> {
        let orders = self.raw.topic(&self.name("order"));
        orders.iter().map(Stored::id).collect()
    }

    /// Returns the dead letters as they are stored.
    pub(crate) fn letters(&self) -> Vec<Stored> {
        self.raw.topic(&self.name("order.dlq"))
    }

    /// Counts the orders that the group has not settled.
    pub(crate) fn unsettled(&self) -> usize {
        unsettled(&self.raw, &self.group(), &self.name("order")).len()
    }

    /// Counts what the group has put off.
    pub(crate) fn put_off(&self) -> usize {
        let retries = self.retries();
        retries.map_or(0, |retries| self.raw.latest(&retries).len())
    }

    /// Returns Kafka's name of the topic of the group's retries of orders, if it is there.
    fn retries(&self) -> Option<String> {
        let start = self.name(&format!("pf.{}.order.", self.group()));
        self.raw.retries(&start)
    }

    /// Counts the letters that were replayed to the group.
    pub(crate) fn replayed(&self) -> usize {
        let Some(retries) = self.retries() else {
            return 0;
        };
        let records = self.raw.rest(&retries, &BTreeMap::new()).into_iter();
        let replays = records.filter(|record| record.key().starts_with("replay/"));
        replays
            .map(|record| record.key)
            .collect::<HashSet<_>>()
            .len()
    }

    /// Counts what waits for its time.
    pub(crate) fn scheduled(&self) -> usize {
        self.raw.latest(&self.name("pf.delay")).len()
    }

    /// Starts to publish events with ids of that beginning; notes the receipts. No key has always the same last digit:
    /// at the end events of a few keys may be left, and most of them are to live.
    pub(crate) fn publish(&self, start: &str, count: usize, more: &[&str]) -> Publishing {
        self.publish_keyed(start, count, more, |number| format!("k{}", number % 97))
    }

    /// Starts to publish events with keys; notes the receipts.
    pub(crate) fn publish_keyed(
        &self,
        start: &str,
        count: usize,
        more: &[&str],
        key: impl Fn(usize) -> String,
    ) -> Publishing {
        let mut lines = String::new();
        for number in 0..count {
            let key = key(number);
            let _ = writeln!(
                lines,
                r#"{{"specversion":"1.0","id":"{start}{number:06}","source":"/test","type":"order","subject":"{key}","data":{{}}}}"#
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

    /// Kills the broker and starts it again.
    pub(crate) fn restart_server(&self) {
        self.server.kill();
        self.server.restart();
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

/// A program that runs until it is told to stop, and is never left behind.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Lets it finish what it has in hand.
    pub(crate) fn drain(mut self) {
        self.signal(Signal::TERM);
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for something to become true.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "it never came true that {what}");
        thread::park_timeout(Duration::from_millis(20));
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

/// Reports whether the long tests are wanted.
pub(crate) fn is_long() -> bool {
    std::env::var_os("PF_TEST_LONG").is_some()
}
