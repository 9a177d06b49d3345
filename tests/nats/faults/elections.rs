//! A cluster elects a leader while it is asked for something.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
};

use test_support::{
    nats::raw::Stored,
    programs::{count, ids},
    wait::until,
};

use super::cluster::Cluster;

const TAIL: [&str; 7] = ["tail", "order", "--since", "1h", "--count", "1", "-q"];

/// Commands that were begun while nobody leads, and what each is for.
struct Begun(Vec<(&'static str, Child)>);

impl Begun {
    fn begin(&mut self, what: &'static str, command: &mut Command) {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.0.push((what, piped.spawn().unwrap()));
    }

    /// Waits until all have done what they are for.
    fn succeed(self) {
        for (what, child) in self.0 {
            let Output { status, stderr, .. } = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&stderr);
            assert!(status.success(), "{what}: {status}: {stderr}");
        }
    }
}

/// Begins everything that needs a leader, looks included.
fn begin(cluster: &Cluster) -> Begun {
    let world = &cluster.world;
    let mut begun = Begun(Vec::new());
    let one = ["publish", "order", "{}", "--id", "one"];
    begun.begin("publish", &mut world.pf(&one));
    let later = ["publish", "later", "{}", "--id", "later", "--delay", "1h"];
    begun.begin("publish with a delay", &mut world.pf(&later));
    begun.begin("tail", &mut world.pf(&TAIL));
    begun.begin("consume", &mut world.consumer(&["--count", "2"]));
    begun.begin("caps", &mut world.pf(&["caps"]));
    begun.begin("dlq list", &mut world.pf(&["dlq", "list"]));
    begun
}

#[test]
fn what_is_begun_while_a_stream_has_no_leader_is_done_when_it_has_one() {
    let cluster = Cluster::new();
    cluster.kill_leader();
    let begun = begin(&cluster);
    let publishing = cluster.world.publish("e", 100, &[]);
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    begun.succeed();
    assert_stored(&cluster, accepted);
}

#[test]
fn what_is_begun_while_a_cluster_has_no_leader_is_done_when_it_has_one() {
    let cluster = Cluster::new();
    cluster.kill_most();
    let begun = begin(&cluster);
    let publishing = cluster.world.publish("e", 100, &[]);
    cluster.restart_most();
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    begun.succeed();
    assert_stored(&cluster, accepted);
}

/// What was reported is stored, once.
fn assert_stored(cluster: &Cluster, mut accepted: Vec<String>) {
    accepted.push("one".to_owned());
    let raw = &cluster.world.raw;
    until("all that is stored is read", || {
        raw.topic("order").len() as u64 == raw.count("order")
    });
    let stored: Vec<_> = raw.topic("order").iter().map(Stored::id).collect();
    let outcome = count("an election", &accepted, &stored);
    assert_eq!((accepted.len(), stored.len(), outcome), (101, 101, (0, 0)));
    assert_eq!(raw.scheduled(), 1);
}

#[test]
fn nothing_is_lost_when_a_leader_dies_while_events_are_handled() {
    const COUNT: usize = 3000;
    let cluster = Cluster::new();
    let world = &cluster.world;
    world.fill("bad", COUNT);
    // Events whose dead letters cannot be stored while there is no leader fail again, one after the other.
    let args = ["--until-end", "--no-breaker"];
    let mut consumer = world.consumer(&args).spawn().unwrap();
    until("some are handled", || world.handled().len() > COUNT / 10);
    cluster.kill_leader();
    assert_eq!(consumer.wait().unwrap().code(), Some(4), "some are letters");
    let outcome = count("handled", &ids("bad", COUNT), &world.handled());
    assert_eq!(outcome.0, 0);
    let letters = world.raw.letters().len();
    assert_eq!(letters, 3 * COUNT / 10);
    cluster.restart_most();
    cluster.move_leader();
    let mut replay = world.pf(&["dlq", "replay", "--all", "--yes"]);
    let mut replay = replay.spawn().unwrap();
    until("some are replayed", || {
        world.raw.topic("order").len() > COUNT
    });
    cluster.kill_leader();
    assert!(replay.wait().unwrap().success());
    // A replica that is read may be a little behind.
    let is_read = || world.raw.topic("order").len() as u64 == world.raw.count("order");
    until("all that is stored is read", is_read);
    let replayed: Vec<_> = world
        .raw
        .topic("order")
        .iter()
        .skip(COUNT)
        .map(Stored::id)
        .collect();
    let dead: Vec<_> = ids("bad", COUNT)
        .into_iter()
        .filter(|id| is_bad(id))
        .collect();
    assert_eq!(count("replayed", &dead, &replayed), (0, 0));
    assert_eq!(world.raw.letters().len(), 0);
}

fn is_bad(id: &str) -> bool {
    id.ends_with(['0', '3', '6'])
}

#[test]
fn what_is_confirmed_is_read_from_a_replica_that_is_behind() {
    const COUNT: usize = 20_000;
    const LOOKS: usize = 12;
    let cluster = Cluster::new();
    let world = &cluster.world;
    cluster.kill_follower();
    world.fill("e", COUNT);
    cluster.restart_follower();
    let tail = [
        "tail",
        "order",
        "--since",
        "1h",
        "--until-end",
        "-o",
        "event",
        "-q",
    ];
    // The server that catches up serves some of them.
    let looks: Vec<Child> = (0..LOOKS)
        .map(|_| world.pf(&tail).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    for look in looks {
        let Output { status, stdout, .. } = look.wait_with_output().unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(String::from_utf8_lossy(&stdout).lines().count(), COUNT);
    }
}

#[test]
fn a_new_group_ends_behind_what_is_confirmed_though_a_replica_that_is_behind_serves_it() {
    const COUNT: usize = 20_000;
    const GROUPS: usize = 12;
    const LATE: usize = 3;
    let cluster = Cluster::new();
    let world = &cluster.world;
    cluster.kill_follower();
    world.fill("e", COUNT);
    for number in 0..LATE {
        let id = format!("late{number}");
        let published = world
            .pf(&["publish", "late", "{}", "--id", &id, "-q"])
            .status();
        assert!(published.unwrap().success());
    }
    cluster.restart_follower();
    // The server that catches up leads the consumers of some groups.
    let groups: Vec<(String, Child)> = (0..GROUPS)
        .map(|number| {
            let group = format!("group{number}");
            let mut command = world.pf(&["consume", "late", "--until-end", "--worker", "-q"]);
            command
                .args(["--group", &group, "--"])
                .arg(world.programs.path("worker"));
            let child = command
                .env("HANDLED", world.programs.path(&group))
                .spawn()
                .unwrap();
            (group, child)
        })
        .collect();
    for (group, mut child) in groups {
        assert!(child.wait().unwrap().success());
        let handled = fs::read_to_string(world.programs.path(&group)).unwrap_or_default();
        assert_eq!(handled.lines().count(), LATE, "{group}");
    }
}
