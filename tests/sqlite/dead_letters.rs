//! Dead letters: selecting, replaying, and jobs whose holder died.

use std::time::{Duration, SystemTime};

use protoflow::{
    event::{Message, from_unix_nanos},
    transport::{
        DeadLetter, DeadLetterKind, DeadLetterRef, ErrorKind, JOB_LEASE, JobAction, Resolution,
        Selection, Transport, Verdict,
    },
};

use crate::store::{Store, failure, publish, read, request, settle, store, take, texts};

/// Makes letters that differ in all that a selection can name.
async fn bury(transport: &dyn Transport) -> Vec<DeadLetter> {
    for (topic, group) in [("order.created", "g"), ("order.paid", "h")] {
        publish(transport, topic, &["1", "2"]).await;
        let consumer = transport.subscribe(request(group, topic)).await.unwrap();
        let taken = take(&*consumer, 2).await;
        let verdicts = [
            (DeadLetterKind::Permanent, "Größe is wrong"),
            (DeadLetterKind::Exhausted, "timeout after 3 s"),
        ];
        let batch = taken
            .into_iter()
            .zip(verdicts)
            .map(|(delivery, (kind, text))| {
                let failure = Box::new(failure(text));
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

/// One selection for each thing that can be named.
#[rustfmt::skip]
fn selections(letters: &[DeadLetter]) -> Vec<Selection> {
    let all = Selection::default;
    let id = letters[1].id.as_str();
    let since = letters[2].record.dead_lettered_at;
    vec![
        all(),
        Selection { ids: vec![DeadLetterRef(id[..6].to_owned())], ..all() },
        Selection { ids: vec![DeadLetterRef("3".to_owned()), DeadLetterRef(id.to_owned())], ..all() },
        Selection { topics: vec!["order.*".to_owned()], ..all() },
        Selection { topics: vec!["order.paid".to_owned(), "no".to_owned()], ..all() },
        Selection { group: Some("g".parse().unwrap()), ..all() },
        Selection { reason: Some("GRÖSSE".to_owned()), ..all() },
        Selection { reason: Some("größe".to_owned()), ..all() },
        Selection { reason: Some("EXIT 1".to_owned()), ..all() },
        Selection { kind: Some(DeadLetterKind::Exhausted), ..all() },
        Selection { fingerprint: Some("ab".to_owned()), ..all() },
        Selection { fingerprint: Some("2".to_owned()), ..all() },
        Selection { since: Some(since), ..all() },
        Selection { until: Some(since), ..all() },
        Selection { min_attempts: Some(1), ..all() },
        Selection { event_type: Some("order".to_owned()), ..all() },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_means_the_same_to_the_engine() {
    let dir = Store::new();
    let transport = dir.open().await;
    let letters = bury(&*transport).await;
    assert_eq!(letters.len(), 4);
    for selection in selections(&letters) {
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
    let done = dead.advance(&lease, 10, None).await.unwrap();
    assert!(
        done.iter()
            .all(|(_, resolution)| *resolution == Resolution::Done)
    );
    assert!(dead.advance(&lease, 10, None).await.unwrap().is_empty());
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
    let until = "SELECT lease_until FROM jobs";
    let until: i64 = dir.raw().query_row(until, [], |row| row.get(0)).unwrap();
    let left = from_unix_nanos(until.unsigned_abs())
        .duration_since(SystemTime::now())
        .unwrap();
    let whole = JOB_LEASE.saturating_sub(Duration::from_secs(10))..=JOB_LEASE;
    assert!(whole.contains(&left), "the lease that every transport has");
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
    let kind = DeadLetterKind::Permanent;
    settle(
        &*consumer,
        taken,
        Verdict::DeadLetter {
            kind,
            failure: Box::new(long),
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

/// Letters of another store stand at positions that are taken here, too.
#[tokio::test(flavor = "multi_thread")]
async fn an_imported_letter_never_takes_the_name_of_one_of_our_own() {
    let (here, there) = (Store::new(), Store::new());
    let (ours, theirs) = (here.open().await, there.open().await);
    for (transport, text) in [(&ours, "ours"), (&theirs, "theirs")] {
        publish(&**transport, "t", &[text]).await;
        die(&**transport, 1).await;
    }
    let foreign = scan(&*theirs, &Selection::default()).await;
    for result in ours.dead_letters().import(foreign).await {
        assert!(result.unwrap());
    }
    for _ in 0..2 {
        replay_all(&*ours).await;
        die(&*ours, 2).await;
        let letters = scan(&*ours, &Selection::default()).await;
        let mut texts: Vec<_> = letters.iter().map(|l| l.message.bytes().to_vec()).collect();
        texts.sort();
        assert_eq!(texts, [b"ours".to_vec(), b"theirs".to_vec()]);
    }
}

/// Gives up so many events of the group `g`.
async fn die(transport: &dyn Transport, count: usize) {
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*consumer, count).await;
    let kind = DeadLetterKind::Permanent;
    let failure = Box::new(failure("no"));
    settle(&*consumer, taken, Verdict::DeadLetter { kind, failure }).await;
    consumer.close().await.unwrap();
}

async fn replay_all(transport: &dyn Transport) {
    let letters = transport.dead_letters();
    let job = letters
        .plan(JobAction::Replay { to: None }, "all")
        .await
        .unwrap();
    let all = scan(transport, &Selection::default()).await;
    letters.enlist(&job, &all).await.unwrap();
    let lease = letters.lease(&job, "test").await.unwrap();
    assert_eq!(
        letters.advance(&lease, 10, None).await.unwrap().len(),
        all.len()
    );
    letters.release(lease, true).await.unwrap();
}
