//! A store that has several names.

use std::{fs, os::unix::fs::symlink};

use protoflow::transport::{ErrorKind, FindingLevel};

use crate::{
    files::{assert_says, beside, other, tail, texts, told, told_by, url},
    store::{Store, open, publish, request},
};

#[tokio::test]
async fn a_symlink_is_one_name_more_for_the_same_store_until_it_leads_elsewhere() {
    let store = Store::new();
    let link = beside(&store, "link.db");
    let direct = store.open().await;
    publish(&*direct, "a", &["one"]).await;
    symlink(store.path(), &link).unwrap();
    let linked = open(&url(&link)).await;
    publish(&*linked, "a", &["two"]).await;
    publish(&*direct, "a", &["three"]).await;
    assert!(linked.warnings().is_empty());
    assert!(!beside(&store, "link.db-wal").exists(), "one log");

    let group = linked.subscribe(request("g", "a")).await.unwrap();
    assert!(
        !beside(&store, "link.db-consumers").exists(),
        "one place of locks"
    );
    group.close().await.unwrap();

    let elsewhere = other(&store, "elsewhere.db", &[]).await;
    symlink(&elsewhere, beside(&store, "next")).unwrap();
    fs::rename(beside(&store, "next"), &link).unwrap();
    publish(&*linked, "a", &["four"]).await;
    assert!(linked.warnings()[0].contains("was replaced"));
    assert_eq!(texts(&elsewhere).await, ["four"]);
    assert_eq!(texts(&store.path()).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_hard_link_is_warned_of_once_and_found_by_the_doctor() {
    let store = Store::new();
    let first = store.open().await;
    publish(&*first, "a", &["one"]).await;
    assert!(first.warnings().is_empty());
    first.close().await.unwrap();
    fs::hard_link(store.path(), beside(&store, "second.db")).unwrap();

    let transport = store.open().await;
    publish(&*transport, "a", &["two"]).await;
    let warnings = transport.warnings();
    assert!(
        warnings[0].contains("has 2 names (hard links)"),
        "{warnings:?}"
    );
    let findings = transport.diagnose().await.unwrap();
    let found = findings
        .iter()
        .find(|finding| finding.name == "names")
        .unwrap();
    assert_eq!(found.level, FindingLevel::Problem);
    assert_eq!(transport.warnings(), [""; 0], "once");

    let another = store.open().await;
    let mut following = tail(&*another, false).await;
    assert_says(
        &told(&mut *following).await,
        ErrorKind::Warning,
        "has 2 names",
    );
    let third = store.open().await;
    let group = third.subscribe(request("g", "a")).await.unwrap();
    assert_says(&told_by(&*group).await, ErrorKind::Warning, "has 2 names");
}
