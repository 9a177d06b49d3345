//! `--metrics`: what is served agrees with the store, and with the dashboard in `examples/grafana`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Child,
    thread::JoinHandle,
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use test_support::{programs::is_long, wait::until};

use crate::{
    consume::{event, publish, store_with},
    harness::Pf,
};

/// A command that serves metrics.
pub(crate) struct Serving {
    child: Child,
    address: String,
    stderr: JoinHandle<String>,
}

impl Serving {
    /// Starts a command on a free port.
    pub(crate) fn start(pf: &Pf, args: &[&str]) -> Self {
        let end = args.iter().position(|arg| *arg == "--");
        let (flags, command) = args.split_at(end.unwrap_or(args.len()));
        let mut child = pf.spawn(&[flags, &["--metrics", ":0"], command].concat());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "{said}");
            said += &line;
            if let Some(rest) = line.strip_prefix("metrics at http://") {
                break rest.trim_end().trim_end_matches("/metrics").to_owned();
            }
        };
        let stderr = std::thread::spawn(move || {
            let mut rest = String::new();
            stderr.read_to_string(&mut rest).unwrap();
            rest
        });
        Self {
            child,
            address,
            stderr,
        }
    }

    /// Sends a request; returns the status and the body.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Returns the value of each series.
    pub(crate) fn scrape(&self) -> BTreeMap<String, f64> {
        let (status, text) = self.ask("GET", "/metrics");
        assert_eq!(status, 200);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| line.rsplit_once(' ').unwrap());
        series
            .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
            .collect()
    }

    /// Stops it; returns what it said at its end.
    pub(crate) fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let _ = self.child.wait().unwrap();
        self.stderr.join().unwrap()
    }
}

/// Returns the sum of the series of a metric that have all of these labels; the largest number if one is unknown.
pub(crate) fn sum(scraped: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> u64 {
    let has = |series: &str| {
        let (metric, rest) = series.split_once('{').unwrap_or((series, ""));
        metric == name && labels.iter().all(|label| rest.contains(label))
    };
    let series = scraped.iter().filter(|(series, _)| has(series));
    let numbers = series.map(|(_, value)| format!("{value}").parse().unwrap_or(u64::MAX));
    numbers.fold(0, u64::saturating_add)
}

/// Returns the names of the metrics.
fn names(scraped: &BTreeMap<String, f64>) -> BTreeSet<String> {
    let names = scraped
        .keys()
        .map(|series| series.split('{').next().unwrap());
    names.map(str::to_owned).collect()
}

/// Every tenth event fails once, every hundredth is given up at once, another hundredth fails until it is given up.
const WORKER: &str = r#"while read -r line; do
    id=${line#*\"id\":\"}; id=${id%%\"*}; action=ack
    case $id in
        *07) action=dead_letter ;;
        *13) action=retry ;;
        *0) case $line in *'"pfattempt":1'*) action=retry ;; esac ;;
    esac
    echo "{\"id\":\"$id\",\"action\":\"$action\"}"
done"#;

/// Returns how many dead letters the store has by kind.
fn stored_letters(pf: &Pf, kind: &str) -> u64 {
    let database = rusqlite::Connection::open(pf.path("events.db")).unwrap();
    let sql = "SELECT count(*) FROM dead_letters d JOIN sorts s ON s.id = d.sort WHERE s.kind = ?1";
    let count = database.query_row(sql, [kind], |row| row.get(0));
    count.unwrap()
}

/// Returns how many deliveries had this outcome.
fn outcomes(serving: &Serving, outcome: &str) -> u64 {
    let labels = [
        "messaging_system=\"sqlite\"",
        "messaging_consumer_group_name=\"billing\"",
        "messaging_destination_name=\"order.created\"",
        &format!("outcome=\"{outcome}\""),
    ];
    let name = "messaging_client_consumed_messages_total";
    sum(&serving.scrape(), name, &labels)
}

#[test]
fn metrics_agree_with_the_store() {
    let events: u64 = if is_long() { 100_000 } else { 1000 };
    let pf = Pf::new();
    let lines: String = (0..events)
        .map(|id| event(&format!("{id:06}"), ""))
        .collect();
    let _ = pf.run_with(&["publish", "--ndjson"], lines).succeeded();
    let mut args = vec!["consume", "order.created", "-g", "billing", "--worker"];
    args.extend(["--no-breaker", "--max-attempts", "3", "--backoff", "0s"]);
    args.extend(["--", "sh", "-c", WORKER]);
    let serving = Serving::start(&pf, &args);
    let count = |outcome: &str| outcomes(&serving, outcome);
    until("every event is settled", || {
        count("acked") + count("dead_lettered") >= events
    });
    let lag = || sum(&serving.scrape(), "protoflow_consumer_lag", &[]);
    until("nothing is left", || lag() == 0);

    let hundredth = events / 100;
    let stored = |kind: &str| stored_letters(&pf, kind);
    let both = (stored("permanent"), stored("exhausted"));
    assert_eq!(both, (hundredth, hundredth));
    let scraped = serving.scrape();
    for kind in ["permanent", "exhausted", "decode", "crashed", "expired"] {
        let label = format!("kind=\"{kind}\"");
        let counted = sum(&scraped, "protoflow_dead_letters_total", &[&label]);
        assert_eq!(counted, stored(kind), "{kind}");
    }
    let (dead, retried) = (2 * hundredth, events / 10 + 2 * hundredth);
    assert_eq!(count("acked"), events - dead);
    assert_eq!(count("retried"), retried);
    assert_eq!(count("dead_lettered"), dead);
    let runs = sum(&scraped, "messaging_process_duration_seconds_count", &[]);
    assert_eq!(runs, events + retried);
    assert_eq!(sum(&scraped, "protoflow_in_flight", &["billing"]), 0);
    let said = serving.stop();
    let acked = events - dead;
    let summary = format!("{acked} handled, {retried} retries, {dead} dead letters\n");
    assert!(said.ends_with(&summary), "{said}");
}

#[test]
fn health_tells_who_is_ready() {
    let pf = store_with(&["1"]);
    let args = ["consume", "order.created", "-g", "g", "--", "true"];
    let serving = Serving::start(&pf, &args);
    until("the consumer has joined", || {
        serving.ask("GET", "/healthz").0 == 200
    });
    let well = "{\"ready\":true,\"live\":true}\n";
    for path in ["/healthz", "/healthz/ready?verbose", "/healthz/live"] {
        assert_eq!(serving.ask("GET", path), (200, well.to_owned()), "{path}");
    }
    assert_eq!(serving.ask("HEAD", "/healthz"), (200, String::new()));
    assert_eq!(serving.ask("POST", "/metrics").0, 405);
    assert_eq!(serving.ask("GET", "/").0, 404);
    // Who says nothing holds up nobody.
    let _silent = TcpStream::connect(&serving.address).unwrap();
    assert_eq!(serving.ask("GET", "/metrics").0, 200);
    serving.stop();
}

#[test]
fn a_port_that_is_taken_is_refused() {
    let pf = Pf::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let address = format!(":{port}");
    let args = [
        "consume",
        "a",
        "-g",
        "g",
        "--metrics",
        &address,
        "--",
        "true",
    ];
    let run = pf.run(&args);
    let shown = run.to_string().replace(&port.to_string(), "PORT");
    assert_snapshot!(shown, @"
    exit: 78
    --- stdout

    --- stderr
    error: metrics cannot be served at `:PORT`: the port is taken
    hint: `--metrics :0` takes a free port, and prints it
    ");
    let run = pf.run(&["outbox", "relay", "--metrics", "9090"]);
    assert_eq!(run.code(), Some(2));
    assert!(run.stderr().contains("HOST:PORT"), "{run}");
}

/// Returns the metrics of a consumer and of a job.
fn of_triage(pf: &Pf) -> BTreeSet<String> {
    publish(pf, &["1", "2", "3"]);
    let mut args = vec!["consume", "order.created", "-g", "g"];
    args.extend(["--max-attempts", "1", "--", "false"]);
    let consumer = Serving::start(pf, &args);
    until("all are dead letters", || {
        sum(&consumer.scrape(), "protoflow_dead_letters_total", &[]) == 3
    });
    until("the lag is known", || {
        names(&consumer.scrape()).contains("protoflow_consumer_lag")
    });
    let mut served = names(&consumer.scrape());
    consumer.stop();
    let replay = ["dlq", "replay", "--all", "--yes", "--rate", "0.2"];
    let job = Serving::start(pf, &replay);
    let done = ["outcome=\"done\""];
    until("one is replayed", || {
        sum(&job.scrape(), "protoflow_job_dead_letters_total", &done) >= 1
    });
    served.extend(names(&job.scrape()));
    job.stop();
    served
}

/// Returns the metrics of a relay.
fn of_relay(pf: &Pf) -> BTreeSet<String> {
    let database = rusqlite::Connection::open(pf.path("app.db")).unwrap();
    let _ = pf.run(&["outbox", "create"]).succeeded();
    let sql = "INSERT INTO pf_outbox (topic, event) VALUES ('order.created', ?1)";
    let row = event("4", "");
    database.execute(sql, [row.trim_end()]).unwrap();
    let relay = Serving::start(pf, &["outbox", "relay"]);
    until("the row is published", || {
        sum(&relay.scrape(), "protoflow_outbox_published_total", &[]) == 1
    });
    until("the outbox was looked at", || {
        names(&relay.scrape()).contains("protoflow_outbox_pending")
    });
    assert_eq!(relay.ask("GET", "/healthz").0, 200);
    let served = names(&relay.scrape());
    relay.stop();
    served
}

/// Returns the metrics that the dashboard shows.
fn shown() -> BTreeSet<String> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/grafana/protoflow.json"
    );
    let dashboard = std::fs::read_to_string(file).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
            let words = words.filter(|word| {
                let is_metric = word.starts_with("messaging_") || word.starts_with("protoflow_");
                is_metric && !word.ends_with("_name")
            });
            shown.extend(words.map(str::to_owned));
        }
    }
    shown
}

/// Every metric that the dashboard shows is one that a command serves.
#[test]
fn the_dashboard_shows_what_is_served() {
    let pf = Pf::new().env("PF_OUTBOX", "sqlite:app.db");
    let mut served = of_triage(&pf);
    served.extend(of_relay(&pf));
    let shown = shown();
    assert!(shown.len() >= 12, "{shown:?}");
    let unknown: Vec<_> = shown.difference(&served).collect();
    assert!(unknown.is_empty(), "{unknown:?} of {served:?}");
}
