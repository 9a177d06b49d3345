//! Marks of handled events: a copy of one is known for what it is, to every member, for as long as the window.

use std::time::Duration;

use crate::{
    event::HandlingKey,
    transport::{
        Beginning, DeadLetterId, DeadLetterKind, Dedup, Delivery, Handling, Mark, SubscribeRequest,
        Verdict,
        conformance::harness::{
            Harness, dead_letters,
            member::Member,
            message::{keyed_messages, text},
            refusals,
        },
    },
};

/// What is in the store twice, to be handled once: two copies under one key, where one member takes both.
const COPIES: [&str; 2] = ["1", "2"];

/// A settled event is known, also to a member that joins after a crash.
pub(crate) async fn of_what_was_handled_are_known(harness: &Harness) {
    let Some((request, key)) = request(harness, Dedup::default()).await else {
        return;
    };
    let member = harness.join_as(request.clone()).await;
    let (first, copy) = two(&member).await;
    assert_eq!(look_up(&member, &first, key).await, None);
    member.ack(marked(first, key)).await;
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Done));
    member.close().await;
    let member = harness.join_as(request).await;
    let copy = member.one().await;
    assert_eq!(text(&copy.stored.message), "2");
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Done));
    let other = HandlingKey::from([7; 16]);
    assert_eq!(look_up(&member, &copy, other).await, None);
    let handlings = [key, other].map(|key| handling(&member, &copy, key));
    member.ack(marked(copy, other)).await;
    let marks = member.subscription().marks().expect("marks are kept");
    let found = marks.look_up(&handlings).await;
    let found = found.expect("marks can be looked up");
    assert_eq!(found, [(); 2].map(|()| Some(Mark::Done)), "a later one");
}

/// A dead letter is known by its id; its replay may be handled, a copy may not.
pub(crate) async fn of_dead_letters_name_them(harness: &Harness) {
    let Some((request, key)) = request(harness, Dedup::default()).await else {
        return;
    };
    let member = harness.join_as(request).await;
    let (first, copy) = two(&member).await;
    look_up(&member, &first, key).await;
    member
        .bury(marked(first, key), DeadLetterKind::Permanent)
        .await;
    let letters = dead_letters::read(harness, "g").await;
    let letter = letters[0].id.clone();
    let mark = Mark::Dead(letter.clone());
    let handling = handling(&member, &copy, key);
    assert_eq!(look_up(&member, &copy, key).await, Some(mark.clone()));
    let marks = member.subscription().marks().expect("marks are kept");
    let twice = marks.look_up(&[handling.clone(), handling.clone()]).await;
    let found = [Some(mark.clone()), Some(mark.clone())];
    assert_eq!(
        twice.expect("marks can be looked up"),
        found,
        "copies that come together"
    );
    assert!(!mark.admits(&handling));
    for (replay_of, is_admitted) in [(letter, true), (DeadLetterId::from_stored("x"), false)] {
        let replay = Handling {
            replay_of: Some(replay_of),
            ..handling.clone()
        };
        assert_eq!(mark.admits(&replay), is_admitted);
    }
    member.ack(copy).await;
}

/// A retry leaves no mark, and neither does a delivery that is given back.
pub(crate) async fn are_not_left_by_retries(harness: &Harness) {
    let Some((request, key)) = request(harness, Dedup::at_most_once(Dedup::WINDOW)).await else {
        return;
    };
    let member = harness.join_as(request).await;
    let (first, copy) = two(&member).await;
    assert_eq!(begin(&member, &first, key).await, None);
    member.retry(marked(first, key), Duration::ZERO).await;
    assert_eq!(look_up(&member, &copy, key).await, None);
    let again = member.one().await;
    assert_eq!(begin(&member, &again, key).await, None);
    member.settle(marked(again, key), Verdict::Return).await;
    assert_eq!(look_up(&member, &copy, key).await, None);
    let again = member.one().await;
    member.ack(marked(again, key)).await;
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Done));
    member.ack(copy).await;
}

/// A run that began and was not settled is known after a crash: to its own redelivery, and to its copies.
pub(crate) async fn of_what_began_outlive_a_crash(harness: &Harness) {
    let Some((request, key)) = request(harness, Dedup::at_most_once(Dedup::WINDOW)).await else {
        return;
    };
    let member = harness.join_as(request.clone()).await;
    let (first, copy) = two(&member).await;
    let position = first.stored.position.clone();
    assert_eq!(begin(&member, &first, key).await, None);
    let begun = Some(Mark::Begun(handling(&member, &first, key).beginning));
    assert_eq!(begin(&member, &copy, key).await, begun, "a copy waits");
    member.close().await;
    drop((first, copy));
    let member = harness.join_as(request).await;
    let mut taken = member.take(2).await;
    taken.sort_by_key(|delivery| delivery.stored.position != position);
    for delivery in &taken {
        assert_eq!(look_up(&member, delivery, key).await, begun);
    }
    let copy = taken.remove(1);
    member.ack(marked(taken.remove(0), key)).await;
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Done));
    member.ack(copy).await;
}

/// Of two that begin a handling at the same moment, also on one delivery, one begins it.
pub(crate) async fn of_what_began_are_begun_once(harness: &Harness) {
    let Some((request, key)) = request(harness, Dedup::at_most_once(Dedup::WINDOW)).await else {
        return;
    };
    let member = harness.join_as(request).await;
    let (first, copy) = two(&member).await;
    let begin = || begin(&member, &first, key);
    let (one, other, third) = tokio::join!(begin(), begin(), begin());
    let marks = [one, other, third];
    let first_runs = marks.iter().filter(|mark| mark.is_none()).count();
    assert_eq!(first_runs, 1, "one of three begins");
    member.ack(marked(first, key)).await;
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Done));
    member.ack(copy).await;
}

/// Of two groups that share an action, neither takes the other's run for its own, though both read the same positions.
pub(crate) async fn of_what_began_name_their_group(harness: &Harness) {
    let mut dedup = Dedup::at_most_once(Dedup::WINDOW);
    dedup.action = Some("shared".parse().expect("an action"));
    let Some((request, key)) = request(harness, dedup).await else {
        return;
    };
    let member = harness.join_as(request.clone()).await;
    let group = harness.group("other");
    let other = harness.join_as(SubscribeRequest { group, ..request }).await;
    let (first, _copy) = two(&member).await;
    let (same, _same_copy) = two(&other).await;
    assert_eq!(begin(&member, &first, key).await, None);
    let begun = Mark::Begun(handling(&member, &first, key).beginning);
    assert!(!begun.admits(&handling(&other, &same, key)));
    assert_eq!(begin(&other, &same, key).await, Some(begun));
    member.ack(marked(first, key)).await;
    assert_eq!(look_up(&other, &same, key).await, Some(Mark::Done));
}

/// A run that began, and whose delivery was then settled without a mark, holds up no copy.
pub(crate) async fn of_what_began_end_with_their_delivery(harness: &Harness) {
    let Some((request, key)) = request(harness, Dedup::at_most_once(Dedup::WINDOW)).await else {
        return;
    };
    let member = harness.join_as(request.clone()).await;
    let (first, copy) = two(&member).await;
    let position = first.stored.position.clone();
    assert_eq!(begin(&member, &first, key).await, None);
    member.close().await;
    drop((first, copy));
    let plain = harness.join_as(SubscribeRequest {
        dedup: None,
        ..request.clone()
    });
    let plain = plain.await;
    let mut taken = plain.take(COPIES.len()).await;
    taken.sort_by_key(|delivery| delivery.stored.position != position);
    let copy = taken.remove(1);
    plain.ack(taken.remove(0)).await;
    plain.settle(copy, Verdict::Return).await;
    plain.close().await;
    let member = harness.join_as(request).await;
    let copy = member.one().await;
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Unknown));
    assert_eq!(begin(&member, &copy, key).await, Some(Mark::Unknown));
    member.ack(marked(copy, key)).await;
}

/// A mark ends with its window.
pub(crate) async fn end_with_their_window(harness: &Harness) {
    let window = Duration::from_secs(2);
    let Some((request, key)) = request(harness, Dedup::settled(window)).await else {
        return;
    };
    let member = harness.join_as(request).await;
    let (first, copy) = two(&member).await;
    look_up(&member, &first, key).await;
    member.ack(marked(first, key)).await;
    assert_eq!(look_up(&member, &copy, key).await, Some(Mark::Done));
    tokio::time::sleep(window).await;
    assert_eq!(look_up(&member, &copy, key).await, None);
    member.ack(copy).await;
}

/// Stores two copies; returns a request to handle them once, unless the store keeps no marks and says so.
async fn request(harness: &Harness, dedup: Dedup) -> Option<(SubscribeRequest, HandlingKey)> {
    let topic = harness.topic("a").await;
    let request = SubscribeRequest {
        dedup: Some(dedup),
        ..harness.request("g", &topic)
    };
    if refusals::marks(harness, request.clone()).await {
        return None;
    }
    harness.publish(keyed_messages(&topic, "k", &COPIES)).await;
    let action = request
        .dedup
        .as_ref()
        .map(|dedup| dedup.action(&request.group));
    let action = action.unwrap_or_else(|| request.group.clone().into());
    Some((request, HandlingKey::new(&action, "/shop", "1")))
}

/// Takes both copies, in their order.
async fn two(member: &Member) -> (Delivery, Delivery) {
    let mut taken = member.take(COPIES.len()).await.into_iter();
    let next = |taken: &mut dyn Iterator<Item = Delivery>| taken.next().expect("two were taken");
    (next(&mut taken), next(&mut taken))
}

fn marked(mut delivery: Delivery, key: HandlingKey) -> Delivery {
    delivery.set_mark(Some(key));
    delivery
}

fn handling(member: &Member, delivery: &Delivery, key: HandlingKey) -> Handling {
    Handling {
        key,
        beginning: Beginning {
            group: member.group().clone(),
            position: delivery.stored.position.clone(),
        },
        replay_of: None,
    }
}

async fn look_up(member: &Member, delivery: &Delivery, key: HandlingKey) -> Option<Mark> {
    let marks = member.subscription().marks().expect("marks are kept");
    let found = marks.look_up(&[handling(member, delivery, key)]).await;
    let mut found = found.expect("marks can be looked up");
    assert_eq!(found.len(), 1, "one result per handling");
    found.remove(0)
}

async fn begin(member: &Member, delivery: &Delivery, key: HandlingKey) -> Option<Mark> {
    let marks = member.subscription().marks().expect("marks are kept");
    let begun = marks.begin(&handling(member, delivery, key)).await;
    begun.expect("a handling can be begun")
}
