//! What is kept, for how long, and what is found again: retention, schedules, dead letters.

use std::time::{Duration, SystemTime};

use protoflow::{
    event::Message,
    transport::{
        DeadLetter, ErrorKind, JobAction, LetterKind, LetterRef, Outgoing, Resolution, Selection,
        StartFrom, TailFrom, TailRequest, Transport, Verdict,
    },
};

use crate::store::{
    Store, failure, message, publish, read, request, settle, store, take, text, texts, within,
};

/// Counts messages behind the store's back.
fn kept(dir: &Store) -> i64 {
    let sql = "SELECT count(*) FROM messages";
    dir.raw().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Waits for something that another thread does.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    within(20, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_removes_what_no_group_needs() {
    let dir = Store::new();
    let transport = dir.open_with("retention=1ms").await;
    publish(&*transport, "t", &["1", "2", "3"]).await;
    // The newest stays, so that no position is given out twice.
    until(async || kept(&dir) == 1).await;
    publish(&*transport, "t", &["4"]).await;
    let last = read(&*transport, "t").await;
    assert_eq!(last.last().unwrap().position.as_str(), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_keeps_what_a_group_has_not_done() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(
        &*transport,
        "t",
        &["held", "retried", "done", "unread", "newest"],
    )
    .await;
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let mut taken = take(&*consumer, 3).await;
    settle(&*consumer, vec![taken.remove(2)], Verdict::Ack).await;
    let hour = Duration::from_secs(3600);
    settle(&*consumer, vec![taken.remove(1)], crate::store::retry(hour)).await;
    // Three hours ago, but for the group, which was there within the retention time.
    let past = "UPDATE messages SET time = time - 10800000000000";
    dir.raw().execute_batch(past).unwrap();
    let keeper = dir.open_with("retention=1h").await;
    publish(&*keeper, "u", &["x"]).await;
    until(async || kept(&dir) == 5).await;
    let left = read(&*keeper, "t").await;
    assert_eq!(
        left.iter().map(text).collect::<Vec<_>>(),
        ["held", "retried", "unread", "newest"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_late_is_told_of_the_gap_once() {
    let dir = Store::new();
    let transport = dir.open_with("retention=1ms").await;
    publish(&*transport, "t", &["1"]).await;
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*consumer, 1).await;
    settle(&*consumer, taken, Verdict::Ack).await;
    consumer.close().await.unwrap();
    let mut tail = transport
        .tail(TailRequest {
            patterns: vec!["t".parse().unwrap()],
            from: TailFrom::Earliest,
            until_end: false,
        })
        .await
        .unwrap();
    assert_eq!(tail.next(10).await.unwrap().len(), 1);
    publish(&*transport, "t", &["2", "3", "4"]).await;
    until(async || kept(&dir) == 1).await;
    assert_eq!(tail.next(10).await.unwrap_err().kind(), ErrorKind::Gap);
    assert_eq!(text(&tail.next(10).await.unwrap()[0]), "4");
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let error = within(5, consumer.next(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gap);
    assert_eq!(texts(&take(&*consumer, 1).await), ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_event_is_not_held_up_by_many_that_are_not() {
    let dir = Store::new();
    let transport = dir.open().await;
    let later = SystemTime::now() + Duration::from_secs(3600);
    let outgoing = |due| Outgoing {
        message: message("t", None, "x"),
        due: Some(due),
    };
    store(&*transport, (0..20_000).map(|_| outgoing(later)).collect()).await;
    let consumer = dir.open().await.subscribe(request("g", "t")).await.unwrap();
    let mut late = Vec::new();
    for _ in 0..11 {
        let due = SystemTime::now() + Duration::from_millis(50);
        store(&*transport, vec![outgoing(due)]).await;
        let taken = take(&*consumer, 1).await;
        late.push(SystemTime::now().duration_since(due).expect("not early"));
        settle(&*consumer, taken, Verdict::Ack).await;
    }
    late.sort();
    assert!(late[5] < Duration::from_millis(20), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_read_in_the_order_in_which_events_were_stored() {
    let dir = Store::new();
    let transport = dir.open().await;
    let names = ["a", "b", "c"];
    let batch: Vec<Outgoing> = (0..300)
        .map(|n| message(&format!("t.{}", names[n * n % 3]), None, &n.to_string()).into())
        .collect();
    store(&*transport, batch).await;
    let consumer = transport.subscribe(request("g", "t.*")).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 300 {
        let taken = take(&*consumer, 1).await;
        seen.extend(texts(&taken));
        let more = within(5, consumer.next(40));
        let more = if seen.len() < 300 {
            more.await.unwrap()
        } else {
            Vec::new()
        };
        seen.extend(texts(&more));
    }
    let expected: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_can_start_at_a_time() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(&*transport, "t", &["1", "2"]).await;
    let time = SystemTime::now();
    publish(&*transport, "t", &["3"]).await;
    let mut from = request("g", "t");
    from.from = StartFrom::Time(time);
    let consumer = transport.subscribe(from).await.unwrap();
    assert_eq!(texts(&take(&*consumer, 1).await), ["3"]);
}

/// Makes letters that differ in all that a selection can name.
async fn bury(transport: &dyn Transport) -> Vec<DeadLetter> {
    for (topic, group) in [("order.created", "g"), ("order.paid", "h")] {
        publish(transport, topic, &["1", "2"]).await;
        let consumer = transport.subscribe(request(group, topic)).await.unwrap();
        let taken = take(&*consumer, 2).await;
        let verdicts = [
            (LetterKind::Permanent, "Größe is wrong"),
            (LetterKind::Exhausted, "timeout after 3 s"),
        ];
        let batch = taken
            .into_iter()
            .zip(verdicts)
            .map(|(delivery, (kind, text))| {
                let failure = failure(text);
                delivery.conclude(Verdict::DeadLetter { kind, failure })
            });
        for result in consumer.settle(batch.collect()).await {
            result.unwrap();
        }
    }
    scan(transport, &Selection::default()).await
}

async fn scan(transport: &dyn Transport, selection: &Selection) -> Vec<DeadLetter> {
    let mut scan = transport.dead_letters().scan(selection).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = scan.next(3).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_means_the_same_to_the_engine() {
    let dir = Store::new();
    let transport = dir.open().await;
    let letters = bury(&*transport).await;
    assert_eq!(letters.len(), 4);
    let all = Selection::default;
    let id = letters[1].id.as_str();
    let selections = [
        all(),
        Selection {
            letters: vec![LetterRef(id[..6].to_owned())],
            ..all()
        },
        Selection {
            letters: vec![LetterRef("3".to_owned()), LetterRef(id.to_owned())],
            ..all()
        },
        Selection {
            topics: vec!["order.*".to_owned()],
            ..all()
        },
        Selection {
            topics: vec!["order.paid".to_owned(), "no".to_owned()],
            ..all()
        },
        Selection {
            group: Some("g".parse().unwrap()),
            ..all()
        },
        Selection {
            reason: Some("GRÖSSE".to_owned()),
            ..all()
        },
        Selection {
            reason: Some("größe".to_owned()),
            ..all()
        },
        Selection {
            reason: Some("EXIT 1".to_owned()),
            ..all()
        },
        Selection {
            kind: Some(LetterKind::Exhausted),
            ..all()
        },
        Selection {
            fingerprint: Some("ab".to_owned()),
            ..all()
        },
        Selection {
            fingerprint: Some("2".to_owned()),
            ..all()
        },
        Selection {
            since: Some(letters[2].record.dead_since),
            ..all()
        },
        Selection {
            until: Some(letters[2].record.dead_since),
            ..all()
        },
        Selection {
            min_attempts: Some(1),
            ..all()
        },
        Selection {
            event_type: Some("order".to_owned()),
            ..all()
        },
    ];
    for selection in selections {
        let meant: Vec<_> = letters
            .iter()
            .filter(|letter| selection.matches(letter))
            .collect();
        let found = scan(&*transport, &selection).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), meant, "{selection:?}");
        let stats = transport.dead_letters().stats(&selection).await.unwrap();
        let counted: u64 = stats.iter().map(|row| row.count).sum();
        assert_eq!(counted, meant.len() as u64, "{selection:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_for_the_group_that_failed() {
    let dir = Store::new();
    let transport = dir.open().await;
    let letters = bury(&*transport).await;
    let dead = transport.dead_letters();
    let job = dead
        .plan(JobAction::Replay { to: None }, "all")
        .await
        .unwrap();
    dead.enlist(&job, &letters).await.unwrap();
    let lease = dead.lease(&job, "tester").await.unwrap();
    let done = dead.advance(&lease, 10).await.unwrap();
    assert!(
        done.iter()
            .all(|(_, resolution)| *resolution == Resolution::Done)
    );
    assert!(dead.advance(&lease, 10).await.unwrap().is_empty());
    dead.release(lease, true).await.unwrap();
    assert_eq!(
        read(&*transport, "**").await.len(),
        4,
        "tails do not see it"
    );
    let mut other = request("h", "order.created");
    other.until_end = true;
    let consumer = transport.subscribe(other).await.unwrap();
    assert_eq!(take(&*consumer, 2).await.len(), 2, "the originals only");
    let consumer = transport
        .subscribe(request("g", "order.created"))
        .await
        .unwrap();
    let taken = take(&*consumer, 2).await;
    assert_eq!(texts(&taken), ["1", "2"]);
    let lineage = taken[0].lineage.as_ref().unwrap();
    assert_eq!((lineage.generation, lineage.position.as_str()), (1, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holder_of_a_job_is_followed_at_once() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(&*transport, "t", &["1"]).await;
    let dead = transport.dead_letters();
    let job = dead.plan(JobAction::Purge, "all").await.unwrap();
    let crashed = dir.open().await;
    let stale = crashed.dead_letters().lease(&job, "first").await.unwrap();
    let error = dead.lease(&job, "second").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Held);
    assert!(error.to_string().contains("first"), "{error}");
    drop(crashed);
    let lease = dead.lease(&job, "second").await.unwrap();
    assert!(lease.token > stale.token);
    assert_eq!(
        dead.renew(&stale).await.unwrap_err().kind(),
        ErrorKind::Held
    );
    dead.release(lease, true).await.unwrap();
}

#[tokio::test]
async fn a_long_story_is_cut_to_fit() {
    let dir = Store::new();
    let transport = dir.open().await;
    store(
        &*transport,
        vec![Message::new("t".parse().unwrap(), "1").into()],
    )
    .await;
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*consumer, 1).await;
    let mut long = failure(&"ä\n".repeat(9000));
    long.detail = Some("\u{1}".repeat(100_000));
    let kind = LetterKind::Permanent;
    settle(
        &*consumer,
        taken,
        Verdict::DeadLetter {
            kind,
            failure: long,
        },
    )
    .await;
    let length: i64 = dir
        .raw()
        .query_row(
            "SELECT length(CAST(record AS BLOB)) FROM dead_letters",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!((1000..=4096).contains(&length), "{length}");
}
