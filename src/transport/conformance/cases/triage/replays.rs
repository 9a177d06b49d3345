//! What is left of a replay can be read again.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use crate::{
    event::Topic,
    transport::{
        DeadLetter, DeadLetterId, JobAction, MessageDigest, ReplayTarget, TraceKind,
        conformance::harness::{
            Harness,
            dead_letters::{self, done},
        },
    },
};

/// The traces of each dead letter.
type Traces = HashMap<DeadLetterId, Vec<TraceKind>>;

/// Reads the traces of replays to a target by another connection, and why one may be gone.
async fn read(harness: &Harness, target: &ReplayTarget) -> (Traces, Option<String>) {
    let since = SystemTime::now() - Duration::from_hours(1);
    let again = harness.again().await;
    let letters = again.dead_letters();
    let scan = letters.replays(since, std::slice::from_ref(target)).await;
    let mut scan = scan.expect("replays can be read");
    let mut traces = Traces::new();
    loop {
        let some = scan.next(2).await.expect("replays can be read");
        assert!(some.len() <= 2, "more traces than were asked for");
        if some.is_empty() {
            let reason = scan.may_be_gone(target).await.expect("the store answers");
            return (traces, reason);
        }
        for trace in some {
            traces.entry(trace.replay_of).or_default().push(trace.kind);
        }
    }
}

/// Returns the traces of one stored message.
fn stored(letter: &DeadLetter) -> Vec<TraceKind> {
    vec![TraceKind::Message(MessageDigest::of(&letter.message))]
}

/// Returns where the letters of a group are replayed to.
fn target(harness: &Harness, group: &str, topic: &Topic) -> ReplayTarget {
    let to_group = harness.can(|capabilities| &capabilities.replay_to_group);
    ReplayTarget {
        topic: topic.clone(),
        group: to_group.then(|| harness.group(group)),
    }
}

/// A message that was replayed to a topic is found once, with its bytes; one that was not is not found.
pub(crate) async fn are_found_once(harness: &Harness) {
    let (topic, other) = (harness.topic("a").await, harness.topic("b").await);
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2", "3"]).await;
    let to = JobAction::Replay {
        to: Some(other.clone()),
    };
    let resolved = dead_letters::run(harness, to, &letters[..2]).await;
    assert_eq!(resolved, done(&letters[..2]));
    let target = ReplayTarget {
        topic: other,
        group: None,
    };
    let (traces, _) = read(harness, &target).await;
    for letter in &letters[..2] {
        assert_eq!(traces.get(&letter.id), Some(&stored(letter)));
    }
    assert_eq!(traces.get(&letters[2].id), None);
}

/// A message that was replayed to a group is found before the group gets it.
pub(crate) async fn of_a_group_are_found(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    dead_letters::replay(harness, &letters).await;
    let (traces, _) = read(harness, &target(harness, "g", &topic)).await;
    for letter in &letters {
        assert_eq!(traces.get(&letter.id), Some(&stored(letter)));
    }
}

/// A message that the group has settled is found, or there is a reason why it may be gone.
pub(crate) async fn are_gone_only_for_a_reason(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    dead_letters::replay(harness, &letters).await;
    let mut replayed = harness.drain("g", &topic).await;
    replayed.sort();
    assert_eq!(replayed, ["1", "2"]);
    let (traces, reason) = read(harness, &target(harness, "g", &topic)).await;
    for letter in &letters {
        let found = traces.contains_key(&letter.id);
        assert!(found || reason.is_some(), "{} is missing", letter.id);
    }
}
