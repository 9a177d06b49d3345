//! A namespace is deleted and made again while events are published and consumed.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use test_support::{
    programs::{Running, count, ids},
    pulsar::Broker,
    wait::until,
};

use super::world::World;

/// A program whose end and last words are judged.
struct Told(Child);

impl Told {
    fn start(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for its end; returns the exit code and stderr.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        let mut stderr = self.0.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// The broker's answer depends on how far the deletion is.
fn names_the_cause(said: &str) -> bool {
    let causes = ["Namespace is deleted", "does not exist", "not found"];
    causes.iter().any(|cause| said.contains(cause))
}

/// Both end with the reason. A topic that was deleted is not created again by a producer that comes back; what is published
/// after the user has created it is handled once.
#[test]
fn a_namespace_that_is_deleted_ends_what_uses_it() {
    const COUNT: usize = 5_000;
    let world = World::on(Broker::start_with(
        &["forceDeleteNamespaceAllowed=true"],
        None,
    ));
    let consumer = Told::start(&mut world.consumer(&["--jobs", "2"]));
    let lines = "{}\n".repeat(60_000);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    let publish = [
        "publish", "order", "--lines", "--rate", "1000", "-o", "json",
    ];
    let mut publish = world.pf(&publish);
    let publisher = Told::start(publish.stdin(std::fs::File::open(file.path()).unwrap()));
    until("some are handled", || world.handled().len() > 1_000);
    world.delete_namespace();
    let (code, said) = publisher.end();
    assert_eq!(code, Some(4), "{said}");
    assert!(names_the_cause(&said), "{said}");
    let (code, said) = consumer.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(names_the_cause(&said), "{said}");
    let topics = format!("/admin/v2/namespaces/{}", world.namespace);
    let (status, _) = world.broker.admin().ask("GET", &topics, "").unwrap();
    assert_eq!(status, 404, "nobody has created it again");

    world.create_namespace();
    let before = world.handled().len();
    world.publish("e", COUNT, &[]).succeeded(COUNT);
    let consumer = Running::start(&mut world.consumer(&["--jobs", "2"]));
    until("all are handled", || {
        world.handled().len() >= before + COUNT && world.backlog("order") == 0
    });
    consumer.drain();
    let handled = world.handled().split_off(before);
    let outcome = count(
        "namespace deleted and made again",
        &ids("e", COUNT),
        &handled,
    );
    assert_eq!(outcome, (0, 0));
}
