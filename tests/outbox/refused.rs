//! Rows that the target refuses.

use protoflow::outbox::{RelayOptions, RowFilter, RowState, sqlite::enqueue};
use test_support::wait::until;

use crate::harness::{FileTarget, drain, drain_with, entry, options, outbox, raw, start, target};

const POISON: &str = "INSERT INTO pf_outbox(topic, key, event) VALUES('t', 'a', '{\"id\": 1}')";

/// Creates an outbox with a poison row of key `a` between good ones.
async fn poisoned() -> (tempfile::TempDir, protoflow::outbox::Outbox) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    drop(raw(&path));
    std::fs::File::create(&path).unwrap();
    let outbox = outbox(&format!("sqlite:{}", path.display()));
    outbox.create().await.unwrap();
    let mut connection = raw(&path);
    let transaction = connection.transaction().unwrap();
    enqueue(&transaction, &entry("a-1", "a", 1)).unwrap();
    transaction.execute(POISON, []).unwrap();
    for n in 2..4 {
        enqueue(&transaction, &entry(&format!("a-{n}"), "a", n)).unwrap();
        enqueue(&transaction, &entry(&format!("b-{n}"), "b", n)).unwrap();
    }
    transaction.commit().unwrap();
    (folder, outbox)
}

fn ids(file: &FileTarget) -> Vec<String> {
    file.stored()
        .iter()
        .map(|event| event.text("/id"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_row_holds_up_its_key_only() {
    for url in ["file", "memory"] {
        let ((_folder, outbox), file) = (poisoned().await, FileTarget::new());
        let target = match url {
            "file" => target(&file.url()).await,
            _ => target("memory:").await,
        };
        let summary = drain(&outbox, &target).await;
        assert_eq!((summary.sent, summary.refused, summary.parked), (3, 1, 0));
        if url == "file" {
            assert_eq!(ids(&file), ["a-1", "b-2", "b-3"]);
        }
        let rows = outbox.list(RowFilter::Refused, 0, 10).await.unwrap();
        assert_eq!(
            (rows.len(), rows[0].id, rows[0].state),
            (1, 2, RowState::Refused)
        );
        let why = rows[0].error.as_deref().unwrap();
        assert!(
            why.starts_with("outbox: the row is not a CloudEvent: "),
            "{why}"
        );
        let status = outbox.status().await.unwrap();
        assert_eq!((status.pending, status.refused), (3, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_parked_lets_its_key_go_on() {
    let ((_folder, outbox), file) = (poisoned().await, FileTarget::new());
    let park = RelayOptions {
        park: true,
        ..options()
    };
    let summary = drain_with(&outbox, &target(&file.url()).await, park).await;
    assert_eq!((summary.sent, summary.refused, summary.parked), (5, 0, 1));
    assert_eq!(ids(&file), ["a-1", "a-2", "b-2", "a-3", "b-3"]);
    let rows = outbox.list(RowFilter::Parked, 0, 10).await.unwrap();
    assert_eq!(rows[0].state, RowState::Parked);
    assert!(outbox.unblock(2).await.unwrap());
    assert!(!outbox.unblock(2).await.unwrap());
    assert_eq!(
        outbox.show(2).await.unwrap().unwrap().state,
        RowState::Pending
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_parks_a_row_and_a_running_relay_goes_on_in_order() {
    let ((_folder, outbox), file) = (poisoned().await, FileTarget::new());
    let relay = start(&outbox, &target(&file.url()).await, options());
    until("the other keys are published", || file.stored().len() == 3);
    assert!(outbox.park(2).await.unwrap());
    until("the key goes on", || file.stored().len() == 5);
    assert_eq!(ids(&file), ["a-1", "b-2", "b-3", "a-2", "a-3"]);
    let summary = relay.end().await;
    assert_eq!((summary.sent, summary.refused), (5, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mended_row_is_published_before_those_behind_it() {
    let ((folder, outbox), file) = (poisoned().await, FileTarget::new());
    let relay = start(&outbox, &target(&file.url()).await, options());
    until("the other keys are published", || file.stored().len() == 3);
    let good = r#"{"specversion":"1.0","id":"fixed","source":"/s","type":"t"}"#;
    raw(&folder.path().join("app.db"))
        .execute("UPDATE pf_outbox SET event = ?1 WHERE id = 2", [good])
        .unwrap();
    assert!(outbox.unblock(2).await.unwrap());
    until("the key goes on", || file.stored().len() == 6);
    assert_eq!(ids(&file)[3..], ["fixed", "a-2", "a-3"]);
    relay.end().await;
}
