//! Stores beside others, and what is read of them: set-up of the tests that move files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use protoflow::transport::{
    DeadLetterKind, ErrorKind, Receipt, Result, Subscription, Tail, TailFrom, TailRequest,
    Transport, TransportError, Verdict,
};

use crate::store::{Store, failure, message, open, publish, read, text, within};

pub(crate) fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

pub(crate) fn beside(store: &Store, name: &str) -> PathBuf {
    store.path().with_file_name(name)
}

/// Makes another store beside one, with these events in it and nothing of it in a log.
pub(crate) async fn other(store: &Store, name: &str, texts: &[&str]) -> PathBuf {
    let path = beside(store, name);
    let transport = open(&url(&path)).await;
    transport.create(&"a".parse().unwrap()).await.unwrap();
    publish(&*transport, "a", texts).await;
    transport.close().await.unwrap();
    take_over_log(&path);
    path
}

pub(crate) fn take_over_log(path: &Path) {
    let raw = rusqlite::Connection::open(path).unwrap();
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    raw.query_row(sql, [], |_| Ok(())).unwrap();
}

/// Makes a complete copy of a store.
pub(crate) fn copy(store: &Store, name: &str) -> PathBuf {
    take_over_log(&store.path());
    let path = beside(store, name);
    fs::copy(store.path(), &path).unwrap();
    path
}

pub(crate) async fn try_publish(transport: &dyn Transport, what: &str) -> Result<Receipt> {
    let batch = vec![message("a", None, what).into()];
    transport.publish(batch).await.remove(0)
}

pub(crate) async fn texts(path: &Path) -> Vec<String> {
    let transport = open(&url(path)).await;
    let found = read(&*transport, "a").await;
    transport.close().await.unwrap();
    found.iter().map(text).collect()
}

pub(crate) fn burial() -> Verdict {
    Verdict::DeadLetter {
        kind: DeadLetterKind::Permanent,
        failure: Box::new(failure("no")),
    }
}

pub(crate) async fn tail(transport: &dyn Transport, until_end: bool) -> Box<dyn Tail> {
    let request = TailRequest {
        patterns: vec!["a".parse().unwrap()],
        from: TailFrom::Earliest,
        until_end,
    };
    transport.tail(request).await.unwrap()
}

pub(crate) async fn shown(tail: &mut dyn Tail) -> Vec<String> {
    let batch = within(10, tail.next(100)).await.unwrap();
    batch.iter().map(text).collect()
}

/// Waits for a failure to read on.
pub(crate) async fn told(tail: &mut dyn Tail) -> TransportError {
    within(10, tail.next(100)).await.unwrap_err()
}

pub(crate) async fn told_by(group: &dyn Subscription) -> TransportError {
    within(10, group.next(1)).await.unwrap_err()
}

pub(crate) fn assert_says(error: &TransportError, kind: ErrorKind, words: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}
