//! The README's table of permissions: each command works for a role to which exactly its row is granted.

use std::cell::Cell;

use test_support::{
    harness::{Pf, Run},
    pulsar::Broker,
};

use super::login::{guarded, token};

/// Returns the cell with the actions of the row of a command.
fn actions(command: &str) -> String {
    let readme = include_str!("../../../README.md");
    let name = format!("`{command}`");
    let mut rows = readme
        .lines()
        .skip_while(|line| !line.starts_with("| command | Kafka ACLs"));
    let is_row = |line: &&str| {
        let first = line.split('|').nth(1);
        first.is_some_and(|cell| cell.contains(&name))
    };
    let row = rows.find(is_row);
    let row = row.unwrap_or_else(|| panic!("no row of `{command}`"));
    row.split('|').nth(4).unwrap().trim().to_owned()
}

/// A namespace in which nothing is allowed unless it was granted.
struct Strict {
    broker: Broker,
    namespace: String,
    roles: Cell<usize>,
}

impl Strict {
    fn start() -> Self {
        let broker = guarded();
        Self {
            namespace: broker.namespace(),
            broker,
            roles: Cell::new(0),
        }
    }

    fn as_role(&self, role: &str) -> Pf {
        let pf = Pf::bare();
        pf.write("token", token(role));
        let url = self
            .broker
            .url(&format!("{}?token-file=token", self.namespace));
        pf.env("PF_URL", &url)
    }

    /// Returns a user with a role of its own, to which a row is granted, with a topic and a group in place of `T` and `G`.
    fn granted(&self, row: &str, topic: &str, group: &str) -> Pf {
        let role = format!("role{}", self.roles.replace(self.roles.get() + 1));
        let actions_of = |what: &str| {
            let actions = ["produce", "consume"].into_iter();
            let granted = actions.filter(|action| what.contains(action));
            serde_json::json!(granted.collect::<Vec<_>>()).to_string()
        };
        for one in row.split(';').filter(|one| !one.contains("of a pattern")) {
            let (what, place) = match one.split_once('`') {
                Some((what, name)) => {
                    let name = name.trim_end().trim_end_matches('`');
                    let name = name
                        .replacen('T', topic, 1)
                        .replace("-G-", &format!("-{group}-"));
                    let path = format!("persistent/{}/{name}", self.namespace);
                    // Only of a topic that exists.
                    let _ = self
                        .broker
                        .admin()
                        .ask("PUT", &format!("/admin/v2/{path}"), "");
                    (what, path)
                }
                None if one.contains("the namespace") => {
                    (one, format!("namespaces/{}", self.namespace))
                }
                None => continue,
            };
            let path = format!("{place}/permissions/{role}");
            self.broker.admin().must("POST", &path, &actions_of(what));
        }
        self.as_role(&role)
    }

    fn user(&self, command: &str) -> Pf {
        self.granted(&actions(command), "order", "mail")
    }
}

fn ids(run: &Run) -> Vec<String> {
    let lines = run.json();
    let id = |line: &serde_json::Value| line["dead_letter"]["id"].as_str().unwrap().to_owned();
    lines.iter().map(id).collect()
}

fn run(pf: &Pf, args: &str) -> Run {
    let args: Vec<&str> = args.split(' ').collect();
    pf.run(&args).succeeded()
}

#[test]
fn each_command_works_with_the_actions_of_its_row() {
    let strict = Strict::start();
    let path = format!("persistent/{}/order", strict.namespace);
    strict.broker.admin().must("PUT", &path, "");
    let publisher = strict.user("pf publish");
    for number in 0..8 {
        run(&publisher, &format!("publish order {number}"));
    }
    run(
        &strict.user("pf publish --delay"),
        "publish order 8 --delay 1ms",
    );
    let tailed = run(
        &strict.user("pf tail"),
        "tail order --since 1h --until-end -o event",
    );
    assert_eq!(tailed.stdout().lines().count(), 9);
    let consumer = strict.user("pf consume");
    let consume = [
        "consume",
        "order",
        "-g",
        "mail",
        "--until-end",
        "--",
        "sh",
        "-c",
        "exit 65",
    ];
    let died = consumer.run(&consume);
    assert_eq!(died.code(), Some(4), "{died}");
    triage(&strict);
    schedules(&strict);
    let handled = run(&consumer, "consume order -g mail --until-end -- true");
    assert!(handled.stderr().contains("handled"), "{handled}");
    run(&strict.user("pf caps"), "caps");
    let doctor = strict.user("pf doctor").run(&["doctor"]);
    assert!(matches!(doctor.code(), Some(0 | 1)), "{doctor}");
}

fn schedules(strict: &Strict) {
    run(
        &strict.user("pf publish --delay"),
        "publish order 9 --delay 1h",
    );
    let reader = strict.user("pf schedule list");
    let listed = run(&reader, "schedule list -o json").json();
    let id = listed[0]["schedule"]["id"].as_str().unwrap();
    run(&reader, &format!("schedule show {id}"));
    let canceller = strict.user("pf schedule cancel");
    run(&canceller, &format!("schedule cancel {id}"));
}

fn triage(strict: &Strict) {
    let reader = strict.user("pf dlq list");
    let letters = ids(&run(&reader, "dlq list -o json"));
    assert_eq!(letters.len(), 9);
    run(&reader, "dlq stats");
    run(&reader, &format!("dlq show {}", letters[0]));
    run(&reader, "dlq export --all");
    let keeper = strict.user("pf dlq archive");
    run(&keeper, &format!("dlq archive {}", letters[0]));
    run(&keeper, &format!("dlq restore {}", letters[0]));
    run(
        &strict.user("pf dlq replay"),
        &format!("dlq replay {} --yes", letters[1]),
    );
    let edit = format!("dlq replay {} --edit .event.data=1 --yes", letters[2]);
    run(&strict.user("pf dlq replay --edit"), &edit);
    let to = format!("dlq replay {} --to order --yes", letters[3]);
    run(&strict.user("pf dlq replay --to T"), &to);
    let log = run(&strict.user("pf dlq log"), "dlq log -o json");
    run(&strict.user("pf dlq jobs list"), "dlq jobs list --all");
    let verifier = strict.user("pf dlq jobs show --verify");
    let jobs: Vec<String> = log
        .json()
        .iter()
        .filter_map(|entry| entry["job"].as_str().map(str::to_owned))
        .collect();
    assert!(jobs.len() >= 3, "{log}");
    for job in jobs {
        run(&verifier, &format!("dlq jobs show {job} --verify"));
    }
    run(
        &strict.user("pf dlq purge"),
        &format!("dlq purge {} --yes", letters[4]),
    );
}

/// What is missing is named, and nothing happened.
#[test]
fn what_is_not_granted_is_named() {
    let strict = Strict::start();
    let path = format!("persistent/{}/order", strict.namespace);
    strict.broker.admin().must("PUT", &path, "");
    for (row, command, part) in [
        ("consume `T`", "publish order {}", "authorized to Produce"),
        (
            "produce `T`",
            "tail order --until-end",
            "authorized to subscribe",
        ),
        ("consume `T`", "consume order -g mail -- true", "authorized"),
        (
            "consume `T`",
            "dlq list",
            "authorized to Get Partition Metadata",
        ),
        (
            "produce `T`",
            "tail order.*",
            "authorized to GetTopicsOfNamespace",
        ),
    ] {
        let args: Vec<&str> = command.split(' ').collect();
        let refused = strict.granted(row, "order", "mail").run(&args);
        assert_eq!(refused.code(), Some(77), "{command}: {refused}");
        assert!(refused.stderr().contains(part), "{command}: {refused}");
        assert!(refused.stderr().contains("grant-permission"), "{refused}");
    }
}
