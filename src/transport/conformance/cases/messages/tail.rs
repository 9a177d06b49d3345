//! A tail reads without a group, from the requested start.

use std::time::Duration;

use tokio::time::timeout;

use crate::transport::conformance::harness::{
    Harness,
    message::{message, messages, text},
    refusals,
};
use crate::{
    event::{Pattern, Topic},
    transport::{Tail, TailFrom, TailRequest},
};

async fn open(harness: &Harness, patterns: Vec<Pattern>, from: TailFrom) -> Box<dyn Tail> {
    let request = TailRequest {
        patterns,
        from,
        until_end: false,
    };
    harness.transport.tail(request).await.expect("a tail opens")
}

async fn one(tail: &mut dyn Tail) -> String {
    let read = tail.next(1).await.expect("a tail reads");
    assert_eq!(read.len(), 1, "one message was asked for and waited for");
    text(&read[0].message)
}

async fn texts(harness: &Harness, topic: &Topic, from: TailFrom) -> Vec<String> {
    let read = harness.read_from(vec![topic.clone().into()], from).await;
    read.iter().map(|stored| text(&stored.message)).collect()
}

/// From the earliest message it reads all, in order, with the position and time of each.
pub(crate) async fn reads_from_the_earliest(harness: &Harness) {
    let topic = harness.topic("a").await;
    let other = harness.topic("b").await;
    harness.publish(messages(&other, &["no"])).await;
    harness
        .publish(messages(&topic, &["1", "2", "3", "4"]))
        .await;
    assert_eq!(harness.texts(&topic).await, ["1", "2", "3", "4"]);
    let read = harness.read(&topic).await;
    for pair in read.windows(2) {
        assert_ne!(pair[0].position, pair[1].position);
        assert!(pair[0].time <= pair[1].time);
    }
}

/// From now on it reads only messages stored after it was opened.
pub(crate) async fn starts_now(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["old"])).await;
    let mut tail = open(harness, vec![topic.clone().into()], TailFrom::Now).await;
    harness.publish(messages(&topic, &["new"])).await;
    assert_eq!(one(&mut *tail).await, "new");
}

/// From a time on it reads messages stored at that time or later.
pub(crate) async fn starts_at_a_time(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    harness.wait_for_another_time(&topic).await;
    let later = harness.read(&topic).await;
    let last = later.last().expect("it was stored");
    let from_last = texts(harness, &topic, TailFrom::Time(last.time)).await;
    assert_eq!(from_last, [text(&last.message)]);
    let from_first = texts(harness, &topic, TailFrom::Time(later[0].time)).await;
    assert_eq!(from_first.len(), later.len());
}

/// A tail from the last N reads those of the requested topics.
pub(crate) async fn starts_with_the_last(harness: &Harness) {
    let topic = harness.topic("a").await;
    let other = harness.topic("b").await;
    harness.publish(messages(&topic, &["1", "2", "3"])).await;
    harness.publish(messages(&other, &["no", "no"])).await;
    assert_eq!(texts(harness, &topic, TailFrom::Last(2)).await, ["2", "3"]);
    assert_eq!(texts(harness, &topic, TailFrom::Last(9)).await.len(), 3);
}

/// Until the end, it ends after the messages that were stored when it was opened.
pub(crate) async fn ends_where_the_end_was(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let request = TailRequest {
        patterns: vec![topic.clone().into()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = harness.transport.tail(request).await.expect("a tail opens");
    harness.publish(messages(&topic, &["later"])).await;
    assert_eq!(one(&mut *tail).await, "1");
    assert_eq!(one(&mut *tail).await, "2");
    let end = tail.next(1).await.expect("a tail ends");
    assert_eq!(end, [], "what came later is not shown");
}

/// A following tail can be ended after the messages that are stored by then, whether it has read them or not.
pub(crate) async fn ends_when_it_is_asked_to(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    for is_ahead in [true, false] {
        let mut tail = open(harness, vec![topic.clone().into()], TailFrom::Earliest).await;
        let mut seen = Vec::new();
        if is_ahead {
            seen.push(one(&mut *tail).await);
            harness.publish(messages(&topic, &["2", "3"])).await;
            seen.push(one(&mut *tail).await);
        }
        tail.until_end().await.expect("it tells where its end is");
        harness.publish(messages(&topic, &["later"])).await;
        loop {
            let read = tail.next(10).await.expect("a tail ends");
            if read.is_empty() {
                break;
            }
            seen.extend(read.iter().map(|stored| text(&stored.message)));
        }
        let expected: &[_] = if is_ahead {
            &["1", "2", "3"]
        } else {
            &["1", "2", "3", "later"]
        };
        assert_eq!(seen, expected);
    }
}

/// It waits for new messages.
pub(crate) async fn follows(harness: &Harness) {
    let topic = harness.topic("a").await;
    let mut tail = open(harness, vec![topic.clone().into()], TailFrom::Earliest).await;
    for text in ["1", "2", "3"] {
        harness.publish([message(&topic, text)]).await;
        assert_eq!(one(&mut *tail).await, text);
    }
}

/// A tail of several topics shows the messages of each, and of no other.
pub(crate) async fn reads_several_topics(harness: &Harness) {
    let (first, other) = (harness.topic("a").await, harness.topic("b").await);
    let second = harness.topic("c").await;
    for topic in [&first, &other, &second] {
        harness.publish([message(topic, topic.as_str())]).await;
    }
    let patterns = vec![first.clone().into(), second.clone().into()];
    let read = harness.read_from(patterns, TailFrom::Earliest).await;
    let mut texts: Vec<_> = read.iter().map(|stored| text(&stored.message)).collect();
    texts.sort_unstable();
    assert_eq!(texts, [first.as_str(), second.as_str()]);
}

/// Wildcards match whole tokens, and topics created later are read too.
pub(crate) async fn reads_what_patterns_choose(harness: &Harness) {
    if refusals::patterns(harness).await {
        return;
    }
    let mut tail = open(harness, vec![harness.pattern("in.*")], TailFrom::Earliest).await;
    for name in ["in.a", "out.a", "in.a.b", "in.b"] {
        let topic = harness.topic(name).await;
        harness.publish([message(&topic, name)]).await;
    }
    assert_eq!(one(&mut *tail).await, "in.a");
    assert_eq!(one(&mut *tail).await, "in.b");
    let deep = harness.read_from(vec![harness.pattern("in.**")], TailFrom::Earliest);
    assert_eq!(deep.await.len(), 3, "`**` stands for one token or more");
}

/// A message that matches several patterns is shown once.
pub(crate) async fn shows_once_what_matches_twice(harness: &Harness) {
    if refusals::patterns(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let patterns = vec![harness.pattern("*"), topic.into(), harness.pattern("**")];
    let read = harness.read_from(patterns, TailFrom::Earliest).await;
    let texts: Vec<_> = read.iter().map(|stored| text(&stored.message)).collect();
    assert_eq!(texts, ["1", "2"]);
}

/// A dropped call of `next` skips nothing.
pub(crate) async fn skips_nothing_when_dropped(harness: &Harness) {
    let topic = harness.topic("a").await;
    let mut tail = open(harness, vec![topic.clone().into()], TailFrom::Earliest).await;
    let mut seen = Vec::new();
    for (text, patience) in [("1", 0), ("2", 1), ("3", 5)] {
        seen.extend(timeout(Duration::from_millis(patience), tail.next(10)).await);
        harness.publish([message(&topic, text)]).await;
    }
    let mut count: usize = seen
        .into_iter()
        .map(|read| read.expect("reads").len())
        .sum();
    while count < 3 {
        count += tail.next(10).await.expect("a tail reads").len();
    }
    harness.publish([message(&topic, "last")]).await;
    assert_eq!(one(&mut *tail).await, "last", "everything else was read");
}
