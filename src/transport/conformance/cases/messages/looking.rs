//! Listing and tailing change nothing, and show only topics of the user.

use std::time::{Duration, SystemTime};

use crate::transport::conformance::harness::{
    Harness, PREFIX, dead_letters,
    message::{message, messages, text, texts},
    refusals,
};
use crate::{
    event::{Pattern, Topic},
    transport::{Attempts, Selection, SubscribeRequest, TailFrom, TailRequest},
};

async fn look_at_everything(harness: &Harness, topic: &Topic) {
    let transport = &harness.transport;
    let mut tail = transport
        .tail(TailRequest {
            patterns: vec![topic.clone().into()],
            from: TailFrom::Earliest,
            until_end: false,
        })
        .await
        .expect("a tail opens");
    tail.next(1).await.expect("a tail reads");
    drop(tail);
    harness.texts(topic).await;
    dead_letters::read(harness, "g").await;
    let letters = transport.dead_letters();
    letters
        .stats(&Selection::default())
        .await
        .expect("letters can be counted");
    letters.jobs().await.expect("jobs can be listed");
    if harness.can(|capabilities| &capabilities.schedule) {
        let mut scan = transport
            .schedules()
            .scan()
            .await
            .expect("schedules can be read");
        scan.next(10).await.expect("schedules can be read");
    }
    transport.capabilities().await.expect("the store answers");
    transport.topics().await.expect("topics can be listed");
    transport
        .diagnose()
        .await
        .expect("the store can be checked");
}

/// No position moves, no attempt is counted, nothing is removed.
pub(crate) async fn changes_nothing(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["dead"]).await;
    harness.publish(messages(&topic, &["1", "2", "3"])).await;
    // Looking at everything may take long on a busy machine, and what is held must not come again meanwhile.
    let request = SubscribeRequest {
        lease: Duration::from_mins(5),
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request).await;
    let mut taken = member.take(2).await;
    member.ack(taken.remove(0)).await;
    for _ in 0..2 {
        look_at_everything(harness, &topic).await;
    }
    assert_eq!(texts(&taken), ["2"]);
    let held = taken.remove(0);
    let third = member.one().await;
    assert_eq!(text(&third.stored.message), "3");
    assert_eq!(third.attempts, Attempts::default());
    member.ack(held).await;
    member.ack(third).await;
    let after: Vec<_> = dead_letters::read(harness, "g").await;
    assert_eq!(after.len(), 1);
    assert_eq!(after, letters);
    let all = ["dead", "1", "2", "3"];
    assert_eq!(harness.texts(&topic).await, all);
}

/// Uses everything for which a store may need internal topics.
async fn use_everything(harness: &Harness) -> Vec<Topic> {
    let (a, b) = (harness.topic("a").await, harness.topic("b").await);
    dead_letters::bury(harness, "g", &a, &["1"]).await;
    harness.publish([message(&b, "2")]).await;
    let member = harness.join("g", &b).await;
    member
        .retry(member.one().await, Duration::from_mins(10))
        .await;
    if harness.can(|capabilities| &capabilities.delay) {
        let due = SystemTime::now() + Duration::from_mins(10);
        let accepted = harness.publish_at(message(&a, "later"), due).await;
        accepted.expect("a delay is accepted");
    }
    vec![a, b]
}

/// Only topics of the user are listed.
pub(crate) async fn shows_the_users_topics_only(harness: &Harness) {
    let before = harness
        .transport
        .topics()
        .await
        .expect("topics can be listed");
    let own = use_everything(harness).await;
    let after = harness
        .transport
        .topics()
        .await
        .expect("topics can be listed");
    assert!(after.is_sorted(), "in order of name");
    let new = after.into_iter().filter(|topic| !before.contains(topic));
    let (suite, strange): (Vec<_>, Vec<_>) = new.partition(|t| t.as_str().starts_with(PREFIX));
    assert_eq!(strange, [], "not a user's");
    let shown: Vec<_> = suite
        .iter()
        .filter(|t| t.as_str().starts_with(harness.run()))
        .collect();
    assert_eq!(shown, own.iter().collect::<Vec<_>>());
}

/// The pattern of all topics matches no internal ones: dead letters, retries, delays, state.
pub(crate) async fn never_matches_our_own_topics(harness: &Harness) {
    if refusals::patterns(harness).await {
        return;
    }
    let own = use_everything(harness).await;
    let shown = harness
        .read_from(vec![Pattern::all()], TailFrom::Earliest)
        .await;
    let of_suite = |topic: &Topic| topic.as_str().starts_with(PREFIX);
    assert!(shown.iter().all(|stored| of_suite(&stored.message.topic)));
    let here = shown.iter().map(|stored| &stored.message);
    let here = here.filter(|message| message.topic.as_str().starts_with(harness.run()));
    let mut seen: Vec<_> = here.map(text).collect();
    seen.sort();
    assert_eq!(seen, ["1", "2"]);
    let request = SubscribeRequest {
        patterns: vec![harness.pattern("**")],
        until_end: true,
        ..harness.request("all", &own[0])
    };
    let mut taken = harness.join_as(request).await.drain().await;
    taken.sort();
    assert_eq!(taken, ["1", "2"]);
}
