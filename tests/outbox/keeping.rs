//! Published rows that are kept for a while, and their cleaner.

use std::{sync::Arc, time::Duration};

use protoflow::outbox::{RelayNotice, RelayOptions};
use test_support::wait::until;

use crate::{
    harness::{FileTarget, drain_with, options, raw, start, target},
    sqlite::App,
};

fn keeping(keep: Duration) -> RelayOptions {
    RelayOptions {
        keep: Some(keep),
        ..options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_rows_are_marked_and_cleaned() {
    let (app, file) = (App::new().await, FileTarget::new());
    app.insert(0..30, "a");
    let keep = keeping(Duration::from_hours(1));
    let target = target(&file.url()).await;
    assert_eq!(
        drain_with(&app.outbox, &target, keep.clone()).await.sent,
        30
    );
    assert_eq!(drain_with(&app.outbox, &target, keep).await.sent, 0);
    assert_eq!(app.outbox.status().await.unwrap().kept, 30);
    app.insert(30..32, "a");
    assert_eq!(app.outbox.clean(Duration::from_hours(1)).await.unwrap(), 0);
    assert_eq!(app.outbox.clean(Duration::ZERO).await.unwrap(), 30);
    assert_eq!(app.count("1"), 2, "unpublished rows stay");
}

/// Has rows that were published a year ago.
fn published_long_ago(app: &App, rows: u32) {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
         INSERT INTO pf_outbox(topic, event, sent_at) SELECT 't', '{}', 1 FROM n";
    raw(&app.path()).execute(sql, [rows]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_ends_soon_cleans_first() {
    let (app, file) = (App::new().await, FileTarget::new());
    published_long_ago(&app, 25_000);
    app.insert(0..3, "a");
    let keep = keeping(Duration::from_hours(1));
    let sent = drain_with(&app.outbox, &target(&file.url()).await, keep).await;
    assert_eq!((sent.sent, app.count("1")), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_deleted_are_reported_and_hold_up_nothing() {
    let (app, file) = (App::new().await, FileTarget::new());
    published_long_ago(&app, 1);
    let refusing =
        "CREATE TRIGGER refusing BEFORE DELETE ON pf_outbox BEGIN SELECT RAISE(ABORT, 'no'); END";
    raw(&app.path()).execute_batch(refusing).unwrap();
    let keep = keeping(Duration::from_hours(1));
    let relay = start(&app.outbox, &target(&file.url()).await, keep);
    let reported = |notice: &RelayNotice| matches!(notice, RelayNotice::NotCleaned(_));
    until("it is reported", || relay.notices.count(reported) == 1);
    app.insert(0..3, "a");
    until("the others are published", || file.stored().len() == 3);
    assert_eq!(relay.end().await.sent, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cleaner_ends_with_its_relay() {
    let (app, file) = (App::new().await, FileTarget::new());
    published_long_ago(&app, 1);
    let target = target(&file.url()).await;
    let cleaned = |notice: &RelayNotice| matches!(notice, RelayNotice::Cleaned(1));
    for is_aborted in [false, true] {
        let keep = keeping(Duration::from_hours(1));
        let relay = start(&app.outbox, &target, keep);
        let notices = Arc::clone(&relay.notices);
        until("it cleans", || notices.count(cleaned) == 1);
        published_long_ago(&app, 1);
        if is_aborted {
            relay.abort();
        } else {
            relay.end().await;
        }
        until("nobody reports any more", || {
            Arc::strong_count(&notices) == 1
        });
    }
}
