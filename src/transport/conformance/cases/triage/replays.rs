//! What is left of a replay can be read again.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use crate::{
    event::Topic,
    transport::{
        DeadLetter, DeadLetterId, Delivery, JobAction, MessageDigest, ReplayTarget, Replayed,
        Settled, TraceKind,
        conformance::harness::{
            Harness,
            dead_letters::{self, done},
        },
    },
};

/// The traces of each dead letter.
type Traces = HashMap<DeadLetterId, Vec<TraceKind>>;

/// Longer than a case takes.
const LONG: Duration = Duration::from_mins(10);

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
            // A scan may return those of other targets too.
            if trace.target == *target {
                traces.entry(trace.replay_of).or_default().push(trace.kind);
            }
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

/// A message that was replayed to a group counts as settled once the group has finished it; until then, and while it is due
/// for retry, it does not.
pub(crate) async fn are_settled_once_the_group_has_finished_them(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    dead_letters::replay(harness, &letters).await;
    let replays = find(harness, &target(harness, "g", &topic), &letters).await;
    let before = settled(harness, &replays).await;
    assert!(!before.contains(&Settled::Yes), "{before:?}");
    if before.iter().all(|one| matches!(one, Settled::Unknown(_))) {
        return;
    }
    let member = harness.join("g", &topic).await;
    // The store may tell only up to where everything is settled.
    let mut deliveries = member.take(2).await;
    deliveries.sort_by_key(|delivery| order(&replays, delivery));
    let last = deliveries.pop().expect("there are two");
    let first = deliveries.pop().expect("there are two");
    let open = settled(harness, &replays).await;
    assert!(!open.contains(&Settled::Yes), "in flight: {open:?}");
    member.ack(first).await;
    member.retry(last, LONG).await;
    while settled(harness, &replays).await[0] != Settled::Yes {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let waiting = settled(harness, &replays).await;
    assert_ne!(waiting[1], Settled::Yes, "it is due for retry");
    member.close().await;
}

/// Returns which of the replays a delivery is.
fn order(replays: &[Replayed], delivery: &Delivery) -> usize {
    let lineage = delivery.lineage.as_ref().expect("it was replayed");
    let mut replays = replays.iter();
    let found = replays.position(|replay| replay.replay_of == lineage.replay_of);
    found.expect("it is one of the replays")
}

/// Finds the messages of replays, in the order of their letters.
async fn find(harness: &Harness, target: &ReplayTarget, letters: &[DeadLetter]) -> Vec<Replayed> {
    let store = harness.transport.dead_letters();
    let since = SystemTime::now() - Duration::from_hours(1);
    let scan = store.replays(since, std::slice::from_ref(target)).await;
    let mut scan = scan.expect("replays can be read");
    let mut positions = HashMap::new();
    loop {
        let traces = scan.next(10).await.expect("replays can be read");
        if traces.is_empty() {
            break;
        }
        positions.extend(traces.into_iter().map(|one| (one.replay_of, one.position)));
    }
    let replayed = letters.iter().map(|letter| Replayed {
        replay_of: letter.id.clone(),
        target: target.clone(),
        since,
        position: positions.get(&letter.id).cloned(),
    });
    replayed.collect()
}

/// Asks, by another connection, which of these the group has settled.
async fn settled(harness: &Harness, replays: &[Replayed]) -> Vec<Settled> {
    let again = harness.again().await;
    let letters = again.dead_letters();
    let settled = letters.settled(&harness.group("g"), replays).await;
    let settled = settled.expect("the store answers");
    assert_eq!(settled.len(), replays.len(), "one answer for each");
    settled
}
