//! Outboxes in SQLite.

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use protoflow::{
    outbox::{Outbox, RelayNotice, RelayOptions, RowFilter, RowState, sqlite::enqueue},
    transport::ErrorKind,
};
use test_support::wait::until;

use crate::harness::{
    FileTarget, Verdict, drain, entry, judge, options, outbox, raw, start, target,
};

/// A user's database with an outbox.
pub(crate) struct App {
    folder: tempfile::TempDir,
    pub(crate) outbox: Outbox,
}

impl App {
    pub(crate) async fn new() -> Self {
        let app = Self::without_outbox();
        assert!(app.outbox.create().await.unwrap());
        app
    }

    fn without_outbox() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        raw(&path)
            .execute_batch("CREATE TABLE orders(id TEXT, n INTEGER)")
            .unwrap();
        let outbox = outbox(&format!("sqlite:{}", path.display()));
        Self { folder, outbox }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    pub(crate) fn insert(&self, ids: std::ops::Range<u64>, key: &str) -> Vec<String> {
        let mut connection = raw(&self.path());
        let transaction = connection.transaction().unwrap();
        let ids: Vec<_> = ids.map(|n| (format!("{key}-{n}"), n)).collect();
        for (id, n) in &ids {
            enqueue(&transaction, &entry(id, key, *n)).unwrap();
        }
        transaction.commit().unwrap();
        ids.into_iter().map(|(id, _)| id).collect()
    }

    pub(crate) fn count(&self, filter: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM pf_outbox WHERE {filter}");
        raw(&self.path())
            .query_row(&sql, [], |row| row.get(0))
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_is_published_once_and_what_is_rolled_back_is_not() {
    let (app, file) = (App::new().await, FileTarget::new());
    let mut connection = raw(&app.path());
    let transaction = connection.transaction().unwrap();
    enqueue(&transaction, &entry("gone", "a", 0)).unwrap();
    transaction.rollback().unwrap();
    let committed = app.insert(0..1200, "a");
    let target = target(&file.url()).await;
    assert_eq!(drain(&app.outbox, &target).await.sent, 1200);
    assert_eq!(drain(&app.outbox, &target).await.sent, 0);
    let stored = file.stored();
    assert_eq!(judge(&stored, &committed), Verdict::default());
    assert_eq!(stored[7].topic, "order.created");
    assert_eq!(app.count("1"), 0);
    assert!(!app.outbox.create().await.unwrap(), "once is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_plain_sql_are_published_byte_for_byte() {
    let (app, file) = (App::new().await, FileTarget::new());
    let event = r#"{"specversion":"1.0",  "id":"x-1","source":"/s","type":"t","data":{"n": 1.50}}"#;
    raw(&app.path())
        .execute(
            "INSERT INTO pf_outbox(topic, key, event) VALUES('orders', 'k', ?1)",
            [event],
        )
        .unwrap();
    drain(&app.outbox, &target(&file.url()).await).await;
    let stored = file.stored();
    assert_eq!(
        (stored[0].topic.as_str(), stored[0].event.as_str()),
        ("orders", event)
    );
    assert_eq!(stored[0].key.as_deref(), Some("k"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_row_waits_for_its_time_and_holds_up_nothing() {
    let (app, file) = (App::new().await, FileTarget::new());
    let due = SystemTime::now() + Duration::from_secs(2);
    let mut connection = raw(&app.path());
    let transaction = connection.transaction().unwrap();
    enqueue(&transaction, &entry("later", "a", 0).due(due)).unwrap();
    enqueue(
        &transaction,
        &entry("past", "a", 0).due(SystemTime::UNIX_EPOCH),
    )
    .unwrap();
    enqueue(&transaction, &entry("now", "a", 1)).unwrap();
    transaction.commit().unwrap();
    let target = target(&file.url()).await;
    assert_eq!(drain(&app.outbox, &target).await.sent, 2);
    assert_eq!(app.outbox.status().await.unwrap().delayed, 1);
    let relay = start(&app.outbox, &target, options());
    until("the delayed event is published", || {
        file.stored().len() == 3
    });
    assert!(SystemTime::now() >= due);
    assert_eq!(file.stored()[2].text("/id"), "later");
    assert_eq!(relay.end().await.sent, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_wakes_a_relay_soon() {
    let (app, file) = (App::new().await, FileTarget::new());
    let relay = start(&app.outbox, &target(&file.url()).await, options());
    app.insert(0..1, "warm");
    until("the relay is awake", || file.stored().len() == 1);
    let mut times = Vec::new();
    for n in 1..=9 {
        app.insert(n..n + 1, "a");
        let began = Instant::now();
        until("the event is published", || {
            file.stored().len() as u64 == n + 1
        });
        times.push(began.elapsed());
    }
    times.sort_unstable();
    assert!(times[4] < Duration::from_millis(500), "{times:?}");
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_relay_waits_and_takes_over() {
    let (app, file) = (App::new().await, FileTarget::new());
    let target = target(&file.url()).await;
    let first = start(&app.outbox, &target, options());
    let leads = |notice: &RelayNotice| matches!(notice, RelayNotice::Leads { .. });
    until("the first leads", || first.notices.count(leads) == 1);
    let second = start(&app.outbox, &target, options());
    let waits = |notice: &RelayNotice| matches!(notice, RelayNotice::Waits { .. });
    until("the second waits", || second.notices.count(waits) == 1);
    first.abort();
    until("the second leads", || second.notices.count(leads) == 1);
    let status = app.outbox.status().await.unwrap();
    assert!(status.relays[0].is_live && status.relays[0].fence == 2);
    second.end().await;
    let after = app.outbox.status().await.unwrap();
    assert!(!after.relays[0].is_live, "the lease is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_was_published_and_not_removed_is_found_by_its_receipt() {
    let (app, file) = (App::new().await, FileTarget::new());
    let committed = app.insert(0..20, "a");
    let copy = app.folder.path().join("copy.db");
    std::fs::copy(app.path(), &copy).unwrap();
    let target = target(&file.url()).await;
    drain(&app.outbox, &target).await;
    // The deletion is undone, as if the relay had died before it. Row 21 was not published.
    std::fs::copy(&copy, app.path()).unwrap();
    let committed = [committed, app.insert(20..21, "a")].concat();
    let until_end = RelayOptions {
        until_end: true,
        ..options()
    };
    let (notices, summary) = start(&app.outbox, &target, until_end).finish().await;
    assert_eq!(summary.sent, 1, "20 are found by the receipt");
    let recovers =
        |notice: &RelayNotice| matches!(notice, RelayNotice::Leads { recovered: 20, .. });
    assert_eq!(notices.count(recovers), 1);
    assert_eq!(judge(&file.stored(), &committed), Verdict::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_event_under_a_receipted_identifier_is_published() {
    let (app, file) = (App::new().await, FileTarget::new());
    let copy = app.folder.path().join("copy.db");
    std::fs::copy(app.path(), &copy).unwrap();
    let first = app.insert(0..5, "a");
    let target = target(&file.url()).await;
    drain(&app.outbox, &target).await;
    // Restored from a copy, the database gives out the same identifiers.
    std::fs::copy(&copy, app.path()).unwrap();
    let second = app.insert(0..5, "b");
    drain(&app.outbox, &target).await;
    assert_eq!(
        judge(&file.stored(), &[first, second].concat()),
        Verdict::default()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_outbox_is_refused() {
    let app = App::without_outbox();
    let refused = app.outbox.status().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(
        refused
            .advice()
            .unwrap()
            .contains("pf outbox create --in sqlite:")
    );
    raw(&app.path())
        .execute_batch("CREATE TABLE pf_outbox(id INTEGER, topic TEXT)")
        .unwrap();
    let refused = app.outbox.create().await.unwrap_err();
    assert_eq!(
        refused.message(),
        "`pf_outbox` has no column `key`: it is not an outbox of this program"
    );
    raw(&app.path())
        .execute_batch("DROP TABLE pf_outbox")
        .unwrap();
    app.outbox.create().await.unwrap();
    raw(&app.path())
        .execute_batch("UPDATE pf_outbox_meta SET value = '2' WHERE name = 'version'")
        .unwrap();
    let refused = app.outbox.status().await.unwrap_err();
    assert_eq!(
        refused.message(),
        "the outbox has version 2; this program knows version 1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_listed_and_shown() {
    let app = App::new().await;
    app.insert(0..3, "a");
    let rows = app.outbox.list(RowFilter::Unsent, 1, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
    assert!(
        app.outbox
            .list(RowFilter::Refused, 0, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let row = app.outbox.show(1).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.key.as_deref()),
        (RowState::Pending, Some("a"))
    );
    assert!(app.outbox.show(9).await.unwrap().is_none());
}
