//! Consumers, tails and jobs whose store is removed or replaced.

use std::fs;

use protoflow::transport::{ErrorKind, JobAction, Selection, Verdict};

use crate::{
    files::{assert_says, beside, burial, copy, other, shown, tail, take_over_log, told, told_by},
    store::{Store, publish, request, settle, take, text, within},
};

#[tokio::test]
async fn a_consumer_goes_over_to_the_store_that_has_the_name() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one", "two"]).await;
    let group = transport.subscribe(request("g", "a")).await.unwrap();
    let mut held = take(&*group, 2).await;
    let second = held.split_off(1);
    settle(&*group, held, Verdict::Ack).await;

    let new = other(&store, "new.db", &["new"]).await;
    fs::rename(new, store.path()).unwrap();
    let warning = told_by(&*group).await;
    assert_says(
        &warning,
        ErrorKind::Warning,
        "was replaced while it was in use",
    );
    let batch = second.into_iter().map(|one| one.conclude(Verdict::Ack));
    let settled = group.settle(batch.collect()).await.remove(0);
    assert_eq!(settled.unwrap_err().kind(), ErrorKind::Lost);
    let taken = take(&*group, 1).await;
    assert_eq!(text(&taken[0].stored), "new");
    settle(&*group, taken, Verdict::Ack).await;
    group.close().await.unwrap();
    transport.close().await.unwrap();

    let raw = store.raw();
    let count = |sql: &str| raw.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        count("SELECT seq FROM cursors"),
        1,
        "what was done is written down"
    );
    assert_eq!(count("SELECT count(*) FROM consumers"), 0, "it left");
    let locks = fs::read_dir(beside(&store, "store.db-consumers")).unwrap();
    assert_eq!(locks.count(), 0, "no lock is left");
}

#[tokio::test]
async fn verdicts_of_what_was_in_flight_when_the_file_was_replaced_are_lost() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one"]).await;
    let group = transport.subscribe(request("g", "a")).await.unwrap();
    let held = take(&*group, 1).await.remove(0);
    let new = other(&store, "new.db", &["new"]).await;
    fs::rename(new, store.path()).unwrap();
    let settled = group
        .settle(vec![held.conclude(Verdict::Ack)])
        .await
        .remove(0);
    assert_eq!(settled.unwrap_err().kind(), ErrorKind::Lost);
}

#[tokio::test]
async fn a_bounded_consumer_ends_where_the_store_is_gone() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one", "two"]).await;
    let mut bounded = request("g", "a");
    bounded.until_end = true;
    bounded.max_in_flight = 1;
    let group = transport.subscribe(bounded).await.unwrap();
    let held = take(&*group, 1).await;
    settle(&*group, held, Verdict::Ack).await;
    fs::remove_file(store.path()).unwrap();
    assert_says(
        &told_by(&*group).await,
        ErrorKind::Other,
        "before its end was reached",
    );
}

#[tokio::test]
async fn a_tail_reads_another_store_from_its_beginning_and_a_copy_from_where_it_was() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one", "two"]).await;
    let mut following = tail(&*transport, false).await;
    assert_eq!(shown(&mut *following).await, ["one", "two"]);
    let backup = copy(&store, "backup.db");
    publish(&*transport, "a", &["three"]).await;
    assert_eq!(shown(&mut *following).await, ["three"]);

    fs::rename(backup, store.path()).unwrap();
    publish(&*transport, "a", &["four"]).await;
    assert_says(
        &told(&mut *following).await,
        ErrorKind::Warning,
        "was replaced",
    );
    loop {
        match within(10, following.next(100)).await {
            Ok(batch) => {
                let new: Vec<_> = batch.iter().map(text).collect();
                break assert_eq!(new, ["four"], "what a copy holds was shown before");
            }
            Err(error) => assert_says(&error, ErrorKind::Warning, "the new messages"),
        }
    }

    let new = other(&store, "new.db", &["five", "six"]).await;
    fs::rename(new, store.path()).unwrap();
    assert_says(
        &told(&mut *following).await,
        ErrorKind::Warning,
        "the beginning",
    );
    assert_eq!(shown(&mut *following).await, ["five", "six"]);
}

#[tokio::test]
async fn a_tail_waits_for_a_store_that_is_gone_and_a_bounded_one_ends() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one"]).await;
    let (mut following, mut bounded) = (
        tail(&*transport, false).await,
        tail(&*transport, true).await,
    );
    assert_eq!(shown(&mut *following).await, ["one"]);
    let moved = beside(&store, "moved.db");
    take_over_log(&store.path());
    fs::rename(store.path(), &moved).unwrap();
    assert_says(
        &told(&mut *following).await,
        ErrorKind::Warning,
        "waiting for a store at that path",
    );
    assert_says(
        &told(&mut *bounded).await,
        ErrorKind::Other,
        "before its end was reached",
    );
    fs::rename(&moved, store.path()).unwrap();
    publish(&*transport, "a", &["two"]).await;
    loop {
        match within(10, following.next(100)).await {
            Ok(batch) => break assert_eq!(text(&batch[0]), "two"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Warning, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_job_on_dead_letters_does_not_go_on_in_another_store() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one", "two"]).await;
    let group = transport.subscribe(request("g", "a")).await.unwrap();
    let held = take(&*group, 2).await;
    settle(&*group, held, burial()).await;
    group.close().await.unwrap();
    let copied = copy(&store, "copy.db");

    let letters = transport.dead_letters();
    let mut scan = letters.scan(&Selection::default()).await.unwrap();
    let found = scan.next(10).await.unwrap();
    let job = letters.plan(JobAction::Purge, "--all").await.unwrap();
    letters.enlist(&job, &found).await.unwrap();
    let lease = letters.lease(&job, "tester").await.unwrap();
    assert_eq!(letters.advance(&lease, 1, None).await.unwrap().len(), 1);
    fs::rename(copied, store.path()).unwrap();
    let refused = letters.advance(&lease, 1, None).await.unwrap_err();
    assert_says(
        &refused,
        ErrorKind::Lost,
        "was replaced while it was in use",
    );
    let mut scan = letters.scan(&Selection::default()).await.unwrap();
    assert_eq!(
        scan.next(10).await.unwrap().len(),
        2,
        "the copy is as it was"
    );
}
