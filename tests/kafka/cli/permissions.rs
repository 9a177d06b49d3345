//! The ACLs that each command needs, as the README says: with exactly those it works.

use std::collections::BTreeMap;

use rustix::process::{Pid, Signal, kill_process};
use test_support::{
    harness::{Pf, Run},
    kafka::{Broker, Raw, records::Record},
    triage,
};

use super::{
    asked::{self, GROUP, LITERAL, PREFIXED, TOPIC},
    joining::{refused, with_acls},
};

const TRANSACTIONAL_ID: u8 = 5;

/// The users of the broker; each has the ACLs of one row.
const USERS: usize = 20;

/// Returns the number of an operation in the protocol.
fn operation(name: &str) -> u8 {
    let names = [
        "Read",
        "Write",
        "Create",
        "Delete",
        "Alter",
        "Describe",
        "ClusterAction",
        "DescribeConfigs",
        "AlterConfigs",
        "IdempotentWrite",
    ];
    let at = names.iter().position(|known| *known == name);
    u8::try_from(at.unwrap_or_else(|| panic!("`{name}` is an operation"))).unwrap() + 3
}

/// Returns the cell with the ACLs of the row of a command.
fn acls(command: &str) -> String {
    let readme = include_str!("../../../README.md");
    let name = format!("`{command}`");
    let mut rows = readme
        .lines()
        .skip_while(|line| !line.starts_with("| command | Kafka ACLs"));
    let is_row = |line: &&str| {
        line.split('|')
            .nth(1)
            .is_some_and(|cell| cell.contains(&name))
    };
    let row = rows.find(is_row);
    let row = row.unwrap_or_else(|| panic!("no row of `{command}`"));
    row.split('|').nth(2).unwrap().trim().to_owned()
}

/// A broker that allows nothing unless an ACL does.
struct Strict {
    broker: Broker,
    address: String,
    users: usize,
}

impl Strict {
    fn start() -> Self {
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
        let users = (0..USERS).map(|number| format!(" user_p{number}=\"secret\""));
        let users: String = users.collect();
        let users =
            format!("listener.name.guarded.plain.sasl.jaas.config={module} required{users};");
        let (broker, address) = with_acls(&["allow.everyone.if.no.acl.found=false", &users]);
        Self {
            broker,
            address,
            users: 0,
        }
    }

    /// Returns who may do anything.
    fn admin(&self) -> Pf {
        Pf::bare().env("PF_URL", &self.broker.url("partitions=1"))
    }

    /// Returns a new user who has the ACLs of a row and no others, with a topic and a group in place of `T` and `G`.
    fn user(&mut self, acls: &str, topic: &str, group: &str) -> Pf {
        let user = format!("p{}", self.users);
        self.users += 1;
        for one in acls.split(';').map(str::trim).filter(|one| !one.is_empty()) {
            let (what, name) = one.split_once('`').unwrap();
            let name = name.trim_end_matches('`');
            let (operations, resource) = if let Some(operations) = what.strip_suffix("group ") {
                (operations, GROUP)
            } else if let Some(operations) = what.strip_suffix("transactional id ") {
                (operations, TRANSACTIONAL_ID)
            } else {
                (what, TOPIC)
            };
            let (name, pattern) = match name.strip_suffix('*') {
                Some(prefix) => (prefix, PREFIXED),
                None => (name, LITERAL),
            };
            let name = match name {
                "T" => topic.to_owned(),
                "G" => group.to_owned(),
                "T.dlq" => format!("{topic}.dlq"),
                "pf.G." => format!("pf.{group}."),
                other => other.to_owned(),
            };
            for operation in operations
                .split(',')
                .map(|name| self::operation(name.trim()))
            {
                let whom = format!("User:{user}");
                asked::allow_only(
                    &self.broker.address(),
                    (resource, &name, pattern),
                    (&whom, operation),
                );
            }
        }
        let url = format!("kafka://{user}@{}/?partitions=1", self.address);
        Pf::bare().env("PF_URL", &url).env("PF_PASSWORD", "secret")
    }
}

fn ids(run: &Run) -> Vec<String> {
    let lines = run.stdout().lines();
    let id = |line: &str| line.split_whitespace().next().map(str::to_owned);
    lines.filter_map(id).collect()
}

#[test]
fn each_command_works_with_the_acls_of_its_row() {
    let mut strict = Strict::start();
    let admin = strict.admin();
    Raw::new(strict.broker.address()).make("orders", 1, &[]);
    let mut user = |row: &str| strict.user(&acls(row), "orders", "mail");
    let publish = ["publish", "order.created", "{}", "--topic", "orders"];
    let publisher = user("pf publish");
    for _ in 0..4 {
        let _ = publisher.run(&publish).succeeded();
    }
    let many = publisher.run_with(
        &["publish", "order.created", "--topic", "orders", "--lines"],
        "1\n2\n",
    );
    let _ = many.succeeded();
    let tail = ["tail", "orders", "--until-end", "-o", "event"];
    assert_eq!(
        user("pf tail")
            .run(&tail)
            .succeeded()
            .stdout()
            .lines()
            .count(),
        6
    );
    let consumer = user("pf consume");
    let consume = ["consume", "orders", "--group", "mail", "--until-end", "--"];
    let run = consumer.run(&[&consume[..], &["sh", "-c", "exit 65"]].concat());
    assert_eq!(run.code(), Some(4), "{run}");
    let marking = user("pf consume --dedup");
    for _ in 0..2 {
        let flags = ["--dedup", "--", "true"];
        let _ = marking.run(&[&consume[..5], &flags].concat()).succeeded();
    }
    let triage = user("pf dlq list");
    let letters = ids(&triage.run(&["dlq", "list"]).succeeded());
    assert_eq!(letters.len(), 6);
    let _ = triage.run(&["dlq", "stats"]).succeeded();
    let _ = triage.run(&["dlq", "show", &letters[0]]).succeeded();
    let _ = user("pf dlq replay")
        .run(&["dlq", "replay", &letters[0], "--yes"])
        .succeeded();
    let to = ["dlq", "replay", &letters[1], "--to", "orders", "--yes"];
    let _ = user("pf dlq replay --to T").run(&to).succeeded();
    let verifier = user("pf dlq jobs show --verify");
    for entry in admin.run(&["dlq", "log", "-o", "json"]).succeeded().json() {
        let job = entry["job"].as_str().unwrap();
        let verify = ["dlq", "jobs", "show", job, "--verify"];
        let _ = verifier.run(&verify).succeeded();
    }
    let _ = user("pf dlq purge")
        .run(&["dlq", "purge", "--all", "--yes"])
        .succeeded();
    let run = consumer
        .run(&[&consume[..], &["true"]].concat())
        .succeeded();
    assert!(run.stderr().contains("2 handled"), "{run}");
    schedules_work(&mut strict, &publish, &admin);
}

/// Schedules an event, lists and cancels it, and lets another one fire: each as a user with the ACLs of its row.
fn schedules_work(strict: &mut Strict, publish: &[&str], admin: &Pf) {
    let mut user = |row: &str| strict.user(&acls(row), "orders", "mail");
    let later = user("pf publish --delay");
    let run = later.run(&[publish, &["--delay", "1h"]].concat());
    let _ = run.succeeded();
    let schedules = ids(&user("pf schedule list")
        .run(&["schedule", "list"])
        .succeeded());
    assert_eq!(schedules.len(), 1);
    let cancel = ["schedule", "cancel", &schedules[0]];
    let _ = user("pf schedule cancel").run(&cancel).succeeded();
    let _ = later
        .run(&[publish, &["--delay", "1s"]].concat())
        .succeeded();
    let firing = user("pf schedule run");
    let child = firing.spawn(&["schedule", "run"]);
    let tail = [
        "tail",
        "orders",
        "--count",
        "8",
        "--since",
        "1h",
        "--timeout",
        "60s",
    ];
    let _ = admin.run(&tail).succeeded();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let _ = firing.finish(child);
}

#[test]
fn each_command_of_triage_works_with_the_acls_of_its_row() {
    let mut strict = Strict::start();
    let admin = strict.admin();
    Raw::new(strict.broker.address()).make("orders", 1, &[]);
    let publish = ["publish", "order.created", "--topic", "orders", "--lines"];
    let lines = "1\n2\n3\n4\n5\n6\n7\n";
    let _ = admin.run_with(&publish, lines).succeeded();
    let consume = ["consume", "orders", "--group", "mail", "--until-end", "--"];
    let run = admin.run(&[&consume[..], &["sh", "-c", "exit 65"]].concat());
    assert_eq!(run.code(), Some(4), "{run}");
    let letters = ids(&admin.run(&["dlq", "list"]).succeeded());
    let mut users: BTreeMap<&str, Pf> = BTreeMap::new();
    triage::try_each(&letters, &mut |row, args, stdin| {
        let user = users.entry(row).or_insert_with(|| {
            let acls = acls(&format!("pf {row}"));
            let user = strict.user(&acls, "orders", "mail");
            user.env("EDITOR", triage::EDITOR)
        });
        let run = user.run_with(args, stdin);
        assert_eq!(run.code(), Some(0), "{row}: {run}");
        run
    });
}

#[test]
fn an_error_names_the_resource_and_the_operation() {
    let mut strict = Strict::start();
    let raw = Raw::new(strict.broker.address());
    raw.make("orders", 1, &[]);
    raw.write("orders", &[Record::default()]);
    let address = strict.address.clone();
    let mut user = |acls: &str| strict.user(acls, "orders", "mail");
    let publish = ["publish", "order.created", "{}", "--topic", "orders"];
    let later = [&publish[..], &["--delay", "1h"]].concat();
    let tail = ["tail", "orders", "--until-end"];
    let list = ["dlq", "list"];
    for (acls, args, refused_is) in [
        ("", &publish[..], "Write on topic `orders`"),
        (
            "Describe `T`; Describe `pf.delay`",
            &later[..],
            "Create on topic `pf.delay`",
        ),
        ("Describe `T`", &tail[..], "Read on topic `orders`"),
        ("", &list[..], "Describe on topic `pf.state`"),
    ] {
        let run = user(acls).run(args);
        assert_eq!(run.code(), Some(77), "{run}");
        let said = refused(&run).replace(&address, "SERVER");
        let expected = format!("error: kafka: the cluster's ACLs do not allow {refused_is}");
        assert!(said.starts_with(&expected), "{said}");
        assert!(
            said.contains("hint: kafka-acls.sh --bootstrap-server SERVER --add"),
            "{said}"
        );
    }
}
