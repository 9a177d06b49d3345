//! Dead letters in Kafka: what is stored, what others stored, and work on them that is cut off in its midst.

use std::time::Duration;

use protoflow::transport::{ErrorKind, JobAction, JobLease, Resolution, Selection};
use test_support::kafka::records::Record;

use super::shelf::{Shelf, all_done, bare, finish, letter, names, select, to, topic};

#[tokio::test]
async fn bytes_and_story_come_back() {
    let shelf = Shelf::new(1).await;
    let mut odd = letter("order", 1);
    odd.message.key = Some(vec![0xff, 0].into());
    odd.message.payload = None;
    for value in [Some(vec![0xfe]), None, Some(Vec::new())] {
        odd.message.headers.push("a", value.map(Into::into));
    }
    let mut elsewhere = letter("order", 2);
    elsewhere.message.topic = topic("payment");
    let letters = vec![odd, elsewhere, letter("order", 3)];
    shelf.import(&letters).await;
    assert_eq!(bare(shelf.letters().await), letters);
    let again = shelf.transport.dead_letters().import(letters).await;
    assert!(again.into_iter().all(|answer| !answer.unwrap()));
    let stored = shelf.raw.topic(&shelf.name("order.dlq"));
    assert_eq!(stored.len(), 3);
    assert_eq!(stored[0].headers[..3].len(), 3);
    assert_eq!(stored[0].payload, None);
}

#[tokio::test]
async fn partitions_are_read_as_one_and_copies_are_one() {
    let shelf = Shelf::new(3).await;
    let mut letters = Vec::new();
    for number in 0..40 {
        letters.push(letter("order", number));
        // One by one, so that their times tell their order.
        shelf.import(&letters[number..]).await;
    }
    shelf.import(&[letter("payment", 99)]).await;
    let name = shelf.name("order.dlq");
    assert_eq!(shelf.raw.partitions(&name).len(), 3);
    let stored = shelf.raw.topic(&name);
    let copies = stored.into_iter().map(|stored| Record {
        partition: Some(stored.partition),
        key: stored.key,
        headers: stored.headers,
        payload: stored.payload,
    });
    shelf.raw.write(&name, &copies.collect::<Vec<_>>());
    let only = Selection {
        topics: vec!["order".to_owned()],
        ..Selection::default()
    };
    let found = select(&*shelf.transport, &only).await;
    assert!(
        found
            .iter()
            .map(|letter| letter.record.dead_lettered_at)
            .is_sorted()
    );
    assert_eq!(names(&found), names(&letters));
    let stats = shelf.transport.dead_letters().stats(&only).await.unwrap();
    assert_eq!((stats.len(), stats[0].count), (1, 40));
    all_done(&shelf.run(JobAction::Purge, &found).await, 40);
    assert_eq!(select(&*shelf.transport, &only).await, []);
    assert_eq!(shelf.raw.count(&name), 0, "their bytes are gone");
}

#[tokio::test]
async fn a_replay_that_is_cut_off_goes_on_and_repeats_nothing() {
    let shelf = Shelf::new(3).await;
    shelf.transport.create(&topic("again")).await.unwrap();
    let letters: Vec<_> = (0..1000).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let planned = shelf.letters().await;
    let job = shelf.plan(to("again"), &planned).await;
    let mut told = Vec::new();
    for round in 0..3 {
        let worker = shelf.again().await;
        let store = worker.dead_letters();
        let lease = store.lease(&job, "ann").await.unwrap();
        let other = shelf.transport.dead_letters().lease(&job, "bob").await;
        let refused = other.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Held);
        assert!(refused.to_string().contains("ann"), "{refused}");
        for _ in 0..=round {
            told.extend(store.advance(&lease, 90, None).await.unwrap());
        }
        // It stops in the midst of a step, of which nobody hears.
        let pause = Duration::from_millis(5 * round);
        let _ = tokio::time::timeout(pause, store.advance(&lease, 90, None)).await;
        drop(worker);
        let store = shelf.transport.dead_letters();
        store.release(lease, false).await.unwrap();
    }
    let store = shelf.transport.dead_letters();
    let lease = store.lease(&job, "bob").await.unwrap();
    told.extend(finish(&*shelf.transport, lease).await);
    assert!(told.len() >= 700, "what was told was done");
    assert!(told.iter().all(|(_, outcome)| *outcome == Resolution::Done));
    assert_eq!(shelf.replayed("again"), names(&letters));
    assert_eq!(shelf.letters().await, []);
}

#[tokio::test]
async fn who_was_shut_out_does_nothing_more() {
    let shelf = Shelf::new(1).await;
    shelf.transport.create(&topic("again")).await.unwrap();
    let letters: Vec<_> = (0..20).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let job = shelf.plan(to("again"), &shelf.letters().await).await;
    let slow = shelf.again().await;
    let lease = slow.dead_letters().lease(&job, "slow").await.unwrap();
    all_done(
        &slow.dead_letters().advance(&lease, 5, None).await.unwrap(),
        5,
    );
    let store = shelf.transport.dead_letters();
    let known = JobLease {
        job: lease.job.clone(),
        token: lease.token,
    };
    store.release(known, false).await.unwrap();
    let second = store.lease(&job, "quick").await.unwrap();
    assert!(second.token > lease.token);
    let refused = slow
        .dead_letters()
        .advance(&lease, 5, None)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Held, "{refused}");
    assert!(refused.to_string().contains("quick"), "{refused}");
    all_done(&finish(&*shelf.transport, second).await, 15);
    assert_eq!(shelf.replayed("again"), names(&letters));
}

#[tokio::test]
async fn a_letter_of_the_midst_leaves_its_bytes() {
    let shelf = Shelf::new(1).await;
    let letters: Vec<_> = (0..6).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let found = shelf.letters().await;
    all_done(&shelf.run(JobAction::Purge, &found[2..4]).await, 2);
    let name = shelf.name("order.dlq");
    assert_eq!(shelf.raw.count(&name), 6);
    assert_eq!(shelf.letters().await.len(), 4);
    all_done(&shelf.run(JobAction::Purge, &found[..2]).await, 2);
    assert_eq!(shelf.raw.count(&name), 2);
    let outcomes = shelf.run(JobAction::Purge, &found[..5]).await;
    let gone = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == Resolution::Gone);
    assert_eq!(gone.count(), 4);
    assert_eq!(names(&shelf.letters().await), names(&letters[5..]));
}

#[tokio::test]
async fn what_retention_removed_of_a_job_is_gone_and_holds_up_nothing() {
    let shelf = Shelf::new(1).await;
    shelf.transport.create(&topic("again")).await.unwrap();
    let letters: Vec<_> = (0..6).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let job = shelf.plan(to("again"), &shelf.letters().await).await;
    let name = shelf.name("order.dlq");
    shelf.aside(|raw| raw.remove_before(&name, 0, 3));
    let store = shelf.transport.dead_letters();
    let lease = store.lease(&job, "tester").await.unwrap();
    let outcomes = finish(&*shelf.transport, lease).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let (gone, done) = (vec![Resolution::Gone; 3], vec![Resolution::Done; 3]);
    assert_eq!(outcomes, [gone, done].concat());
    assert_eq!(shelf.replayed("again"), names(&letters[3..]));
}

#[tokio::test]
async fn what_was_purged_may_be_imported_again() {
    let shelf = Shelf::new(1).await;
    let letters: Vec<_> = (0..3).map(|number| letter("order", number)).collect();
    shelf.import(&letters).await;
    let found = shelf.letters().await;
    all_done(&shelf.run(JobAction::Purge, &found[1..2]).await, 1);
    for _ in 0..2 {
        assert_eq!(shelf.letters().await.len(), 2);
        shelf.import(&letters[1..2]).await;
        let found = shelf.letters().await;
        assert_eq!(names(&found), names(&letters));
        assert_eq!(
            found[2].id, letters[1].id,
            "it stands behind the others now"
        );
        all_done(&shelf.run(JobAction::Purge, &found[2..]).await, 1);
    }
}

#[tokio::test]
async fn letters_of_others_are_worked_on_too() {
    let shelf = Shelf::new(1).await;
    for name in ["order", "order.dlq"] {
        shelf.make(name, &[]);
    }
    let header = |name: &str, value: &[u8]| {
        let name = format!("kafka_dlt-{name}");
        (name, Some(value.to_vec()))
    };
    let spring = Record {
        key: Some(b"k".to_vec()),
        headers: vec![
            ("mine".to_owned(), Some(b"1".to_vec())),
            header("original-topic", shelf.name("order").as_bytes()),
            header("original-partition", &[0, 0, 0, 0]),
            header("original-offset", &[0, 0, 0, 0, 0, 0, 0, 7]),
            header("original-consumer-group", b"billing"),
            header("exception-fqcn", b"java.Broke"),
            header("exception-message", b"no stock"),
        ],
        payload: Some(vec![0xff]),
        ..Record::default()
    };
    let plain = Record {
        payload: Some(b"plain".to_vec()),
        ..Record::default()
    };
    shelf.raw.write(&shelf.name("order.dlq"), &[spring, plain]);
    let found = shelf.letters().await;
    assert_eq!(found[0].record.group.as_str(), "billing");
    assert_eq!(found[0].record.origin.position.as_str(), "order/0/7");
    assert_eq!(found[0].record.failure.message, "no stock");
    assert_eq!(found[1].record.group.as_str(), "unknown");
    all_done(
        &shelf.run(JobAction::Replay { to: None }, &found[..1]).await,
        1,
    );
    let again = shelf.raw.topic(&shelf.name("order"));
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].key.as_deref(), Some(&b"k"[..]));
    assert_eq!(again[0].payload.as_deref(), Some(&[0xff][..]));
    assert_eq!(again[0].header("mine"), Some("1"));
    assert_eq!(again[0].header("kafka_dlt-original-topic"), None);
    assert_eq!(again[0].replay_of(), Some(found[0].id.to_string()));
    all_done(&shelf.run(JobAction::Purge, &found[1..]).await, 1);
    assert_eq!(shelf.letters().await, []);
    assert_eq!(shelf.raw.count(&shelf.name("order.dlq")), 0);
}
