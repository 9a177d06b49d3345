//! What is kept, for how long, and what is found again: retention, schedules, places in the log.

use std::time::{Duration, SystemTime};

use protoflow::transport::{ErrorKind, Outgoing, StartFrom, TailFrom, TailRequest, Verdict};

use crate::store::{
    Store, message, publish, read, request, settle, store, take, text, texts, within,
};

/// Counts messages behind the store's back.
fn kept(dir: &Store) -> i64 {
    let sql = "SELECT count(*) FROM messages";
    dir.raw().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Makes all groups look as if they had not been there for years.
fn forget_groups(dir: &Store) {
    dir.raw()
        .execute_batch("UPDATE groups SET seen = 0")
        .unwrap();
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
    // What it deleted is noted, so that a missing message can be told from a deleted one.
    let noted = "SELECT value FROM meta WHERE name = 'removed_until'";
    let noted: String = dir.raw().query_row(noted, [], |row| row.get(0)).unwrap();
    let kept = "SELECT max(time) FROM messages";
    let kept: i64 = dir.raw().query_row(kept, [], |row| row.get(0)).unwrap();
    assert!(noted.parse::<i64>().unwrap() <= kept);
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
    let hour = Duration::from_hours(1);
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
    forget_groups(&dir);
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
async fn a_group_at_work_lives_however_short_the_retention() {
    let dir = Store::new();
    let transport = dir.open_with("retention=1ms").await;
    transport.create(&"t".parse().unwrap()).await.unwrap();
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    publish(&*transport, "t", &["1", "2", "3"]).await;
    publish(&*transport, "other", &["gone", "newest"]).await;
    until(async || kept(&dir) == 4).await;
    let taken = take(&*consumer, 3).await;
    assert_eq!(texts(&taken), ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_events_keeps_nobody_from_cleaning_up() {
    let dir = Store::new();
    let transport = dir.open_with("retention=1ms").await;
    publish(&*transport, "t", &["1", "2", "3"]).await;
    let consumer = transport.subscribe(request("g", "other")).await.unwrap();
    tokio::select! {
        more = consumer.next(1) => panic!("{more:?}"),
        () = until(async || kept(&dir) == 1) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_consumer_tells_of_a_gap_even_if_nothing_is_left() {
    let dir = Store::new();
    let transport = dir.open_with("retention=1ms").await;
    for topic in ["t", "u"] {
        publish(&*transport, topic, &["1"]).await;
        let consumer = transport.subscribe(request("g", topic)).await.unwrap();
        let taken = take(&*consumer, 1).await;
        settle(&*consumer, taken, Verdict::Ack).await;
        consumer.close().await.unwrap();
    }
    for topic in ["t", "u", "other"] {
        publish(&*transport, topic, &["2"]).await;
    }
    forget_groups(&dir);
    until(async || kept(&dir) == 1).await;
    let mut bounded = request("g", "**");
    bounded.until_end = true;
    let consumer = transport.subscribe(bounded).await.unwrap();
    let error = within(5, consumer.next(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gap);
    let text = error.to_string();
    assert!(text.contains("`t`") && text.contains("`u`"), "{text}");
    let last = take(&*consumer, 1).await;
    assert_eq!(texts(&last), ["2"]);
    settle(&*consumer, last, Verdict::Ack).await;
    assert_eq!(within(5, consumer.next(10)).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_there_for_a_bounded_consumer_however_much_it_is() {
    let dir = Store::new();
    let transport = dir.open().await;
    let soon = SystemTime::now() + Duration::from_millis(30);
    let outgoing = || Outgoing {
        message: message("t", None, "x"),
        due: Some(soon),
        dedup: false,
    };
    store(&*transport, (0..2500).map(|_| outgoing()).collect()).await;
    until(async || SystemTime::now() > soon).await;
    let mut bounded = request("g", "t");
    (bounded.until_end, bounded.max_in_flight) = (true, 5000);
    let consumer = dir.open().await.subscribe(bounded).await.unwrap();
    assert_eq!(take(&*consumer, 2500).await.len(), 2500);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_shown_until_the_end() {
    let dir = Store::new();
    let transport = dir.open().await;
    let due = SystemTime::now() + Duration::from_millis(30);
    let message = message("t", None, "x");
    let outgoing = Outgoing {
        message,
        due: Some(due),
        dedup: false,
    };
    store(&*transport, vec![outgoing]).await;
    until(async || SystemTime::now() > due).await;
    assert_eq!(read(&*transport, "t").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_event_is_not_held_up_by_many_that_are_not() {
    let later = SystemTime::now() + Duration::from_hours(1);
    let (empty, full) = (Store::new(), Store::new());
    let waiting = (0..20_000).map(|_| due_at(later)).collect();
    store(&*full.open().await, waiting).await;
    let (mut alone, mut among_many) = (Vec::new(), Vec::new());
    for _ in 0..11 {
        alone.push(lateness(&empty).await);
        among_many.push(lateness(&full).await);
    }
    // The least of each: what a busy machine adds is not in it, what a search costs is.
    let least = |times: &[Duration]| times.iter().min().copied().unwrap_or_default();
    assert!(
        least(&among_many) < least(&alone) + Duration::from_millis(10),
        "{alone:?} {among_many:?}"
    );
}

fn due_at(due: SystemTime) -> Outgoing {
    Outgoing {
        message: message("t", None, "x"),
        due: Some(due),
        dedup: false,
    }
}

/// Returns how late a waiting consumer gets an event that is due soon.
async fn lateness(dir: &Store) -> Duration {
    let transport = dir.open().await;
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let due = SystemTime::now() + Duration::from_millis(50);
    store(&*transport, vec![due_at(due)]).await;
    let taken = take(&*consumer, 1).await;
    let late = SystemTime::now().duration_since(due).expect("not early");
    settle(&*consumer, taken, Verdict::Ack).await;
    late
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

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_short_where_every_process_publishes_once_and_ends() {
    let dir = Store::new();
    for _ in 0..200 {
        let transport = dir.open_with("synchronous=off").await;
        publish(&*transport, "t", &["1"]).await;
        transport.close().await.unwrap();
    }
    let log = dir.path().with_extension("db-wal");
    let length = std::fs::metadata(log).map_or(0, |log| log.len());
    assert!(length < 1 << 20, "{length} bytes");
    assert_eq!(read(&*dir.open().await, "t").await.len(), 200);
}
