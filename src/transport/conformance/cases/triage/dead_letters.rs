//! A message that a group gives up becomes exactly one dead letter, with the reason.

use std::time::{Duration, SystemTime};

use crate::transport::conformance::harness::{
    Harness,
    dead_letters::{self, select_over},
    member::failure,
    message::{event, message, messages, text},
};
use crate::transport::{
    DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRef, PAGE_BYTES, Selection,
};

/// A dead letter has its origin, the group, the reason, and the number of failures.
pub(crate) async fn tell_the_story(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish([event(&topic)]).await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, Duration::ZERO).await;
    let second = member.one().await;
    let first_failed = second.attempts.first_failed;
    let stored = second.stored.clone();
    member.bury(second, DeadLetterKind::Exhausted).await;
    let letters = dead_letters::read(harness, "g").await;
    assert_eq!(letters.len(), 1, "exactly one");
    let record = &letters[0].record;
    assert_eq!(letters[0].message, stored.message);
    assert_eq!(record.version, 1);
    assert_eq!(record.origin.transport, harness.transport.scheme());
    assert_eq!(record.origin.topic, topic);
    assert_eq!(record.origin.position, stored.position);
    assert_eq!(record.group, harness.group("g"));
    assert_eq!(record.kind, DeadLetterKind::Exhausted);
    assert_eq!(record.failure, failure("boom"));
    assert_eq!((record.attempts, record.total_attempts), (2, 2));
    assert_eq!((record.crashes, record.generation), (0, 0));
    assert_eq!(record.replay_of, None);
    assert_eq!(Some(record.first_failed), first_failed);
    assert!(record.dead_lettered_at >= record.first_failed);
    assert_eq!(record.event_id.as_deref(), Some("e-1"));
    assert_eq!(record.event_type.as_deref(), Some("order.created"));
}

/// The group never gets the message again; another group does.
pub(crate) async fn are_final_for_their_group_only(harness: &Harness) {
    let topic = harness.topic("a").await;
    dead_letters::bury(harness, "g", &topic, &["1"]).await;
    harness.publish([message(&topic, "2")]).await;
    assert_eq!(harness.drain("g", &topic).await, ["2"]);
    let other = harness.join("h", &topic).await;
    let delivery = other.one().await;
    assert_eq!(text(&delivery.stored.message), "1");
    assert_eq!(delivery.attempts.failed, 0);
    assert_eq!(dead_letters::read(harness, "h").await, []);
    assert_eq!(dead_letters::read(harness, "g").await.len(), 1);
}

/// The id of a dead letter follows from its origin, on every connection.
pub(crate) async fn have_stable_ids(harness: &Harness) {
    let topic = harness.topic("a").await;
    let buried = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    let again = harness.again().await;
    let letters = select_over(&*again, &dead_letters::selection(harness, "g")).await;
    for (letter, buried) in letters.iter().zip(&buried) {
        let record = &letter.record;
        let origin = &record.origin;
        let derived = DeadLetterId::derive(&origin.store, &origin.position, &record.group, 0);
        assert_eq!((&letter.id, &buried.id), (&derived, &derived));
    }
    assert_ne!(letters[0].id, letters[1].id);
}

/// Two groups that give up one message leave two dead letters.
pub(crate) async fn of_two_groups_stay_apart(harness: &Harness) {
    let topic = harness.topic("a").await;
    let own = dead_letters::bury(harness, "g", &topic, &["1"]).await;
    let other = harness.join("h", &topic).await;
    other
        .bury(other.one().await, DeadLetterKind::Permanent)
        .await;
    let theirs = dead_letters::read(harness, "h").await;
    assert_eq!(theirs.len(), 1);
    assert_ne!(theirs[0].id, own[0].id);
    assert_eq!(theirs[0].record.group, harness.group("h"));
    assert_eq!(dead_letters::read(harness, "g").await.len(), 1);
}

/// A dead letter is stored before the original is removed: a crash right afterwards neither loses nor doubles it.
pub(crate) async fn survive_a_crash(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let again = harness.again().await;
    let member = harness.join_briefly("g", &topic).await;
    member
        .bury(member.one().await, DeadLetterKind::Permanent)
        .await;
    drop(member);
    let letters = select_over(&*again, &dead_letters::selection(harness, "g")).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(harness.drain("g", &topic).await, [""; 0]);
}

/// The last run is counted if it failed, not if the message could not be decoded.
pub(crate) async fn count_only_failed_runs(harness: &Harness) {
    let topic = harness.topic("a").await;
    for (kind, attempts) in [
        (DeadLetterKind::Decode, 0),
        (DeadLetterKind::Expired, 0),
        (DeadLetterKind::Permanent, 1),
        (DeadLetterKind::Exhausted, 1),
    ] {
        harness.publish([message(&topic, kind.as_str())]).await;
        let member = harness.join(kind.as_str(), &topic).await;
        loop {
            let delivery = member.one().await;
            if text(&delivery.stored.message) == kind.as_str() {
                member.bury(delivery, kind).await;
                break;
            }
            member.ack(delivery).await;
        }
        let record = dead_letters::read(harness, kind.as_str())
            .await
            .remove(0)
            .record;
        assert_eq!((record.kind, record.attempts), (kind, attempts));
    }
}

/// A selection finds every letter that it matches.
pub(crate) async fn are_selected(harness: &Harness) {
    let (a, b) = (harness.topic("a").await, harness.topic("b").await);
    let in_a = dead_letters::bury(harness, "g", &a, &["1", "2", "3"]).await;
    let in_b = dead_letters::bury(harness, "h", &b, &["4"]).await;
    let by_topic = Selection {
        topics: vec![b.as_str().to_owned()],
        ..Selection::default()
    };
    assert_eq!(dead_letters::select(harness, &by_topic).await, in_b);
    let by_id = Selection {
        ids: vec![DeadLetterRef(in_a[1].id.as_str().to_owned())],
        ..Selection::default()
    };
    assert_eq!(dead_letters::select(harness, &by_id).await, in_a[1..2]);
    let since = Selection {
        since: Some(SystemTime::now() + Duration::from_mins(10)),
        ..dead_letters::selection(harness, "g")
    };
    assert_eq!(dead_letters::select(harness, &since).await, []);
    assert_eq!(dead_letters::read(harness, "g").await, in_a, "oldest first");
}

/// Letters are counted by topic, group, kind and fingerprint; equal counts come in order of topic.
pub(crate) async fn are_counted(harness: &Harness) {
    let topic = harness.topic("a").await;
    dead_letters::bury(harness, "g", &topic, &["1", "2", "3"]).await;
    let store = harness.transport.dead_letters();
    let stats = store
        .stats(&dead_letters::selection(harness, "g"))
        .await
        .expect("letters can be counted");
    assert_eq!(stats.len(), 1, "they are alike");
    let row = &stats[0];
    assert_eq!((row.count, row.kind), (3, DeadLetterKind::Permanent));
    assert_eq!((&row.topic, &row.group), (&topic, &harness.group("g")));
    assert_eq!(row.fingerprint, failure("boom").fingerprint);
    assert_eq!(row.sample, "boom");
    assert!(row.first <= row.last);
    let other = harness.topic("b").await;
    dead_letters::bury(harness, "h", &other, &["4", "5", "6"]).await;
    let both = Selection {
        topics: vec![harness.pattern("*").to_string()],
        ..Selection::default()
    };
    let topics: Vec<_> = store
        .stats(&both)
        .await
        .expect("letters can be counted")
        .into_iter()
        .map(|row| row.topic)
        .collect();
    assert_eq!(topics, [topic, other], "equal counts come in order of name");
}

/// A letter that is imported twice is stored once.
pub(crate) async fn are_imported_once(harness: &Harness) {
    let topic = harness.topic("a").await;
    dead_letters::bury(harness, "g", &topic, &["1"]).await;
    let mut letter = dead_letters::read(harness, "g").await.remove(0);
    let store = harness.transport.dead_letters();
    let known = letter.clone();
    letter.record.group = harness.group("from-elsewhere");
    let origin = &letter.record.origin;
    letter.id = DeadLetterId::derive("elsewhere", &origin.position, &letter.record.group, 0);
    letter.at = None;
    for new in [true, false] {
        let results = store.import(vec![known.clone(), letter.clone()]).await;
        let told: Vec<_> = results
            .into_iter()
            .map(|told| told.expect("answers"))
            .collect();
        assert_eq!(told, [false, new]);
    }
    assert_eq!(dead_letters::read(harness, "g").await.len(), 1);
    let mut imported = dead_letters::read(harness, "from-elsewhere").await;
    imported[0].at = None;
    assert_eq!(imported, [letter], "the story is kept as it is");
}

/// A page of large letters has fewer of them, so that who reads all of them needs no more memory than for small ones.
pub(crate) async fn come_in_pages_of_bounded_size(harness: &Harness) {
    const SIZE: usize = 700_000;
    let topic = harness.topic("a").await;
    dead_letters::bury(harness, "g", &topic, &["1"]).await;
    let first = dead_letters::read(harness, "g").await.remove(0);
    let large = (0..10).map(|number| {
        let mut letter = first.clone();
        letter.record.group = harness.group(&format!("large-{number}"));
        let (origin, group) = (&letter.record.origin, &letter.record.group);
        letter.id = DeadLetterId::derive("elsewhere", &origin.position, group, 0);
        letter.at = None;
        letter.message.payload = Some(vec![b'x'; SIZE].into());
        letter
    });
    let large: Vec<_> = large.collect();
    let store = harness.transport.dead_letters();
    for new in store.import(large.clone()).await {
        assert!(new.expect("it is stored"), "each is new");
    }
    let every = Selection::default();
    let mut scan = store.scan(&every).await.expect("letters can be read");
    let mut found = Vec::new();
    loop {
        let page = scan.next(500).await.expect("letters can be read");
        if page.is_empty() {
            break;
        }
        let bytes: usize = page.iter().map(|letter| letter.message.size()).sum();
        assert!(bytes < PAGE_BYTES + (1 << 20), "a page of {bytes} bytes");
        found.extend(page.into_iter().map(|letter| letter.id));
    }
    let is_found = |letter: &DeadLetter| found.contains(&letter.id);
    assert!(large.iter().all(is_found), "every letter is read");
}
