//! Files that are not what they should be, disks that are full, locks that others hold.

use std::{
    fs,
    time::{Duration, Instant},
};

use protoflow::transport::{ErrorKind, FindingLevel, TransportError, Verdict};

use crate::child::Child;
use crate::store::{Store, message, open, publish, read, request, settle, take, text, within};

/// Publishes one message and returns why that failed.
async fn refused(store: &Store, parameters: &str) -> TransportError {
    let transport = store.open_with(parameters).await;
    let mut results = transport
        .publish(vec![message("t", None, "1").into()])
        .await;
    results.remove(0).unwrap_err()
}

#[tokio::test]
async fn a_file_that_is_no_store_is_not_touched() {
    let dir = Store::new();
    let bytes = b"dear diary, today I was no database".repeat(100);
    fs::write(dir.path(), &bytes).unwrap();
    let error = refused(&dir, "").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("not an SQLite file"), "{error}");
    assert_eq!(fs::read(dir.path()).unwrap(), bytes);
}

#[tokio::test]
async fn a_database_of_another_program_is_not_touched() {
    let dir = Store::new();
    dir.raw()
        .execute_batch("CREATE TABLE recipes(name)")
        .unwrap();
    let before = fs::read(dir.path()).unwrap();
    let error = refused(&dir, "").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("another program"), "{error}");
    assert!(error.advice().is_some());
    assert_eq!(fs::read(dir.path()).unwrap(), before);
}

#[tokio::test]
async fn a_folder_is_no_store() {
    let dir = Store::new();
    fs::create_dir(dir.path()).unwrap();
    for error in [
        refused(&dir, "").await,
        dir.open().await.topics().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("is a folder"), "{error}");
    }
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let dir = Store::new();
    publish(&*dir.open().await, "t", &["1"]).await;
    dir.raw().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(&dir, "").await;
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[tokio::test]
async fn a_damaged_store_says_so() {
    let dir = Store::new();
    let transport = dir.open().await;
    let long = "x".repeat(3000);
    publish(&*transport, "t", &[long.as_str(); 200]).await;
    transport.close().await.unwrap();
    dir.raw()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let mut bytes = fs::read(dir.path()).unwrap();
    // Everything behind the header page.
    bytes[4096..].fill(0x5a);
    fs::write(dir.path(), bytes).unwrap();
    let error = refused(&dir, "").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(error.advice().unwrap().contains("recover"));
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let dir = Store::new();
    let transport = dir.open().await;
    let error = transport.topics().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!dir.path().exists(), "looking makes nothing");
    assert!(transport.capabilities().await.unwrap().publish.is_native());
    assert!(!dir.path().exists());
    let transport = open(&format!(
        "sqlite://{}/no/such/store.db",
        dir.path().display()
    ))
    .await;
    let mut results = transport
        .publish(vec![message("t", None, "1").into()])
        .await;
    let error = results.remove(0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("folder"), "{error}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_there_is_a_way_on() {
    let dir = Store::new();
    publish(&*dir.open().await, "t", &["first"]).await;
    // 2 MiB, in blocks of 512 bytes or 1 KiB, depending on the shell.
    let limit = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let lines = Child::start_in_shell(limit, "fill", &dir.path()).output();
    let stored: usize = lines[0].parse().unwrap();
    assert_eq!(lines[1], "Full", "{lines:?}");
    let transport = dir.open().await;
    assert_eq!(read(&*transport, "t").await.len(), 1 + stored);
    publish(&*transport, "t", &["again"]).await;
    let all = read(&*transport, "t").await;
    assert_eq!(text(all.last().unwrap()), "again");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_still_read() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(&*transport, "t", &["1", "2"]).await;
    transport.close().await.unwrap();
    dir.raw()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let lines = Child::start_powerless(&dir).output();
    assert_eq!(lines, ["2", "Denied"]);
    assert_eq!(read(&*dir.open().await, "t").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_held_for_long_is_waited_for() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(&*transport, "t", &["1"]).await;
    let lock = dir.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let other = std::sync::Arc::clone(&transport);
    let waiting = tokio::spawn(async move { publish(&*other, "t", &["2"]).await });
    // Reading goes on meanwhile.
    while start.elapsed() < Duration::from_secs(2) {
        assert_eq!(read(&*transport, "t").await.len(), 1);
    }
    lock.execute_batch("COMMIT").unwrap();
    within(5, waiting).await.unwrap();
    assert_eq!(read(&*transport, "t").await.len(), 2);
}

#[tokio::test]
async fn a_lock_held_for_ever_is_named() {
    let dir = Store::new();
    publish(&*dir.open().await, "t", &["1"]).await;
    let lock = dir.raw();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = refused(&dir, "busy_timeout=50ms").await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.to_string().contains("locked by another process"),
        "{error}"
    );
}

#[tokio::test]
async fn the_doctor_finds_what_will_bite() {
    let dir = Store::new();
    let transport = dir.open_with("synchronous=off").await;
    publish(&*transport, "t", &["1"]).await;
    drop(take(&*transport.subscribe(request("g", "t")).await.unwrap(), 1).await);
    let level = |findings: &[protoflow::transport::Finding], name: &str| {
        findings
            .iter()
            .find(|finding| finding.name == name)
            .unwrap()
            .level
    };
    let findings = transport.diagnose().await.unwrap();
    assert_eq!(level(&findings, "integrity"), FindingLevel::Ok);
    assert_eq!(level(&findings, "durability"), FindingLevel::Warning);
    assert_eq!(level(&findings, "consumers"), FindingLevel::Warning);
    transport.fix("consumers").await.unwrap();
    transport.fix("log").await.unwrap();
    let findings = transport.diagnose().await.unwrap();
    assert_eq!(level(&findings, "consumers"), FindingLevel::Ok);
    assert_eq!(level(&findings, "folder"), FindingLevel::Ok);
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*consumer, 1).await;
    assert_eq!(taken[0].attempts.crashed, 1);
    settle(&*consumer, taken, Verdict::Ack).await;
}
