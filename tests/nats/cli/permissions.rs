//! The README's table of permissions: each command works for a user who has exactly those, and nothing is denied to it.

use std::{collections::BTreeMap, fs};

use serde_json::json;
use tempfile::TempDir;
use test_support::{
    harness::{Pf, Run},
    nats::{Broker, Raw},
    triage,
    wait::until,
};

const README: &str = include_str!("../../../README.md");

/// Returns the texts in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The words that stand for several subjects.
struct Words(BTreeMap<String, String>);

impl Words {
    fn read() -> Self {
        let text = README
            .split("A word stands for several subjects:")
            .nth(1)
            .unwrap();
        let text = text.split("<!-- table: permissions -->").next().unwrap();
        let word = |item: &str| {
            let (name, subjects) = item.split_once(": ").unwrap();
            let name = name.split('*').nth(1).unwrap();
            (name.to_owned(), subjects.replace('\n', " "))
        };
        Self(text.split("\n- ").skip(1).map(word).collect())
    }

    /// Returns the subjects of a text with such words.
    fn subjects(&self, text: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut reads = false;
        for (index, part) in text.split('`').enumerate() {
            if index % 2 == 0 {
                let words = part.split('*').skip(1).step_by(2);
                let known: Vec<&str> = words.collect();
                reads = known.last() == Some(&"read");
                for word in known.into_iter().filter(|word| *word != "read") {
                    all.extend(self.subjects(&self.0[word]));
                }
            } else if reads {
                let meaning = self.0["read"].replace(".X", &format!(".{part}"));
                all.extend(self.subjects(&meaning));
            } else {
                all.push(part.to_owned());
            }
        }
        all
    }
}

/// Returns what each command needs; what is behind a semicolon is for other cases.
fn table() -> BTreeMap<String, Vec<String>> {
    let words = Words::read();
    let text = README
        .split("<!-- table: permissions -->\n")
        .nth(1)
        .unwrap();
    let rows = text
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut all = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [commands, _, nats, _] = cells[..] else {
            panic!("not four cells: {row}");
        };
        let subjects = words.subjects(nats.split(';').next().unwrap());
        // Rows of other brokers name none.
        for command in quoted(commands)
            .into_iter()
            .filter(|_| !subjects.is_empty())
        {
            let command = command.trim_start_matches("pf ").to_owned();
            all.insert(command, subjects.clone());
        }
    }
    let listing = all["schedule list"].clone();
    all.get_mut("schedule cancel").unwrap().extend(listing);
    all
}

/// A server with a user for each command, and an owner who needs no password.
struct Store {
    broker: Broker,
    raw: Raw,
    folder: TempDir,
}

impl Store {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = table().into_iter().map(|(command, subjects)| {
            format!(
                "{{ user: \"{}\", password: p, permissions: {{ publish: {}, subscribe: [\"_INBOX.>\"] }} }}",
                command.replace(' ', "_"),
                json!(subjects)
            )
        });
        let users: Vec<String> = users.collect();
        let text = format!(
            "no_auth_user: owner\nauthorization {{ users: [ {{ user: owner, password: p }}, {} ] }}\n",
            users.join(", ")
        );
        let (config, log) = (folder.path().join("conf"), folder.path().join("log"));
        fs::write(&config, text).unwrap();
        let [config, log] = [&config, &log].map(|path| path.to_str().unwrap());
        let broker = Broker::start_with(&["-c", config, "-l", log]);
        Self {
            raw: Raw::new(&broker.url(""), "ORDERS"),
            broker,
            folder,
        }
    }

    fn user(&self, name: &str) -> Pf {
        let url = self.broker.url("ORDERS");
        let url = url.replace("nats://", &format!("nats://{}:p@", name.replace(' ', "_")));
        Pf::bare().env("PF_URL", &url)
    }

    fn own(&self, args: &[&str]) -> Run {
        self.user("owner").run(args)
    }

    fn publish(&self, id: &str) {
        let publish = ["publish", "order.created", "{}", "--id", id, "--create"];
        let _ = self.own(&publish).succeeded();
    }

    /// Leaves a dead letter, and returns its id.
    fn bury(&self) -> String {
        self.publish("bad");
        let run = self.own(&CONSUME);
        assert_eq!(run.code(), Some(4), "{run}");
        let letters = self.own(&["dlq", "list", "-o", "json"]).succeeded();
        letters.json()[0]["dead_letter"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn delay(&self) -> String {
        let delay = ["publish", "order.created", "{}", "--delay", "1h"];
        let _ = self.own(&delay).succeeded();
        let listed = self.own(&["schedule", "list", "-o", "json"]).succeeded();
        listed.json()[0]["schedule"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Has another program give up a message.
    fn give_up(&self) {
        let _ = self.own(&["dlq", "capture", "--until-end"]).succeeded();
        self.raw.make_strict("strict", ">", 2);
        self.raw.answer("strict", 1, "+TERM");
        until("the server reports it", || {
            let info = self
                .raw
                .ask_once("STREAM.INFO.ORDERS_ADVISORIES", &json!({}));
            info.is_some_and(|info| info["state"]["messages"].as_u64() > Some(0))
        });
    }

    fn denials(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        let lines = log.lines().filter(|line| line.contains("Violation"));
        lines.map(str::to_owned).collect()
    }
}

const CONSUME: [&str; 11] = [
    "consume",
    "order.*",
    "--group",
    "billing",
    "--until-end",
    "--backoff",
    "1ms",
    "--",
    "sh",
    "-c",
    "test $PF_EVENT_ID != bad",
];

#[test]
fn each_command_needs_what_the_readme_says() {
    let store = Store::start();
    let mut tried = tried_triage(&store);
    let mut check = |command: &'static str, args: &[&str], code: i32| {
        let run = store.user(command).run(args);
        assert_eq!(run.code(), Some(code), "{command}: {run}");
        assert_eq!(store.denials(), [""; 0], "{command}: {run}");
        tried.push(command);
        run
    };
    store.bury();
    store.publish("good");
    check("publish", &["publish", "order.created", "{}"], 0);
    check(
        "publish --delay",
        &["publish", "order.created", "{}", "--delay", "1h"],
        0,
    );
    check("tail", &["tail", "--last", "1", "--until-end"], 0);
    check("tail", &["tail", "--since", "1h", "--count", "1"], 0);
    store.publish("bad");
    let run = check("consume", &CONSUME, 4);
    assert!(
        run.stderr().contains("2 handled, 2 retries, 1 dead letter"),
        "{run}"
    );
    let id = store.bury();
    check("dlq list", &["dlq", "list"], 0);
    check("dlq show", &["dlq", "show", &id], 0);
    check("dlq stats", &["dlq", "stats"], 0);
    let run = check("dlq replay", &["dlq", "replay", "--all", "--yes"], 0);
    assert!(
        run.stdout().contains("replayed") || run.stderr().contains("replayed"),
        "{run}"
    );
    let log = store.own(&["dlq", "log", "-o", "json"]).succeeded().json();
    let job = log.last().unwrap()["job"].as_str().unwrap();
    let verify = ["dlq", "jobs", "show", job, "--verify"];
    check("dlq jobs show --verify", &verify, 0);
    store.bury();
    check("dlq purge", &["dlq", "purge", "--all", "--yes"], 0);
    let id = store.delay();
    check("schedule list", &["schedule", "list"], 0);
    check("schedule show", &["schedule", "show", &id], 0);
    check("schedule cancel", &["schedule", "cancel", &id], 0);
    check("caps", &["caps"], 0);
    check("doctor", &["doctor"], 0);
    store.give_up();
    let run = check("dlq capture", &["dlq", "capture", "--until-end"], 0);
    assert!(run.stderr().contains("captured"), "{run}");

    tried.sort_unstable();
    tried.dedup();
    assert_eq!(tried, table().keys().collect::<Vec<_>>());
}

/// Runs the commands of triage, each as the user of its row, and returns them.
fn tried_triage(store: &Store) -> Vec<&'static str> {
    let publish = [
        "publish",
        "order.created",
        "--lines",
        "--topic",
        "orders",
        "--create",
    ];
    let owner = store.user("owner");
    let _ = owner
        .run_with(&publish, "1\n2\n3\n4\n5\n6\n7\n")
        .succeeded();
    let consume = ["consume", "orders", "--group", "mail", "--until-end", "--"];
    let run = owner.run(&[&consume[..], &["sh", "-c", "exit 65"]].concat());
    assert_eq!(run.code(), Some(4), "{run}");
    let listed = owner.run(&["dlq", "list", "-o", "json"]).succeeded().json();
    let id = |letter: &serde_json::Value| letter["dead_letter"]["id"].as_str().unwrap().to_owned();
    let letters: Vec<_> = listed.iter().map(id).collect();
    let mut tried = Vec::new();
    triage::try_each(&letters, &mut |command, args, stdin| {
        let user = store.user(command).env("EDITOR", triage::EDITOR);
        let run = user.run_with(args, stdin);
        assert_eq!(run.code(), Some(0), "{command}: {run}");
        assert_eq!(store.denials(), [""; 0], "{command}: {run}");
        tried.push(command);
        run
    });
    let _ = owner.run(&["dlq", "purge", "--all", "--yes"]).succeeded();
    let _ = owner.run(&["dlq", "purge", "--archived", "--all", "--yes"]);
    tried
}
