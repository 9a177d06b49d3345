//! The file is removed, renamed or replaced while it is open, by a restore or a deploy for instance.

use std::fs;

use protoflow::transport::{ErrorKind, Verdict};

use crate::{
    files::{
        assert_says, beside, other, shown, tail, take_over_log, texts, told, told_by, try_publish,
        url,
    },
    store::{Store, open, publish, request, settle, take, text},
};

#[tokio::test]
async fn what_is_published_after_the_file_was_replaced_is_in_the_new_one() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["old"]).await;
    let new = other(&store, "new.db", &["there"]).await;
    fs::rename(new, store.path()).unwrap();
    publish(&*transport, "a", &["later"]).await;
    let warnings = transport.warnings();
    assert!(
        warnings[0].contains("was replaced while it was in use"),
        "{warnings:?}"
    );
    assert!(transport.warnings().is_empty(), "each is told once");
    transport.close().await.unwrap();
    assert_eq!(texts(&store.path()).await, ["there", "later"]);
}

#[tokio::test]
async fn a_copy_that_keeps_no_log_gets_one() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one"]).await;
    let copied = beside(&store, "copy.db");
    let sql = format!("VACUUM INTO '{}'", copied.display());
    store.raw().execute_batch(&sql).unwrap();
    fs::rename(copied, store.path()).unwrap();
    publish(&*transport, "a", &["two"]).await;
    transport.close().await.unwrap();
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let mode = store.raw().query_row("PRAGMA journal_mode", [], mode);
    assert_eq!(mode.unwrap(), "wal");
    assert_eq!(texts(&store.path()).await, ["one", "two"]);
}

#[tokio::test]
async fn nothing_is_published_to_a_file_without_the_name_until_it_is_put_back() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one", "two"]).await;
    let moved = beside(&store, "moved.db");
    fs::rename(store.path(), &moved).unwrap();
    let refused = try_publish(&*transport, "three").await.unwrap_err();
    assert_says(&refused, ErrorKind::Unavailable, "was removed or renamed");
    assert!(!store.path().exists(), "no store is made in its place");
    assert_eq!(
        fs::metadata(beside(&store, "store.db-wal")).unwrap().len(),
        0
    );
    assert_eq!(texts(&moved).await, ["one", "two"], "its log went into it");

    take_over_log(&moved);
    fs::rename(&moved, store.path()).unwrap();
    publish(&*transport, "a", &["four"]).await;
    transport.close().await.unwrap();
    assert_eq!(texts(&store.path()).await, ["one", "two", "four"]);
}

#[tokio::test]
async fn a_folder_that_is_renamed_takes_the_store_with_it() {
    let root = tempfile::tempdir().unwrap();
    let (folder, moved) = (root.path().join("data"), root.path().join("moved"));
    fs::create_dir(&folder).unwrap();
    let transport = open(&url(&folder.join("a.db"))).await;
    publish(&*transport, "a", &["one"]).await;
    fs::rename(&folder, &moved).unwrap();
    let refused = try_publish(&*transport, "two").await.unwrap_err();
    assert_says(&refused, ErrorKind::Unavailable, "was removed or renamed");
    transport.close().await.unwrap();
    assert_eq!(texts(&moved.join("a.db")).await, ["one"]);
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one"]).await;
    let wrong = beside(&store, "wrong");
    fs::write(&wrong, vec![b'x'; 4096]).unwrap();
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options()
        .write(true)
        .open(&wrong)
        .unwrap()
        .set_times(old)
        .unwrap();
    fs::rename(&wrong, store.path()).unwrap();
    let refused = try_publish(&*transport, "two").await.unwrap_err();
    assert_says(&refused, ErrorKind::Corrupt, "is not a store");
    assert_eq!(
        fs::read(store.path()).unwrap(),
        vec![b'x'; 4096],
        "it was not touched"
    );
}

#[tokio::test]
async fn a_copy_that_is_not_complete_is_waited_for() {
    let store = Store::new();
    let transport = store.open().await;
    publish(&*transport, "a", &["one"]).await;
    let group = transport.subscribe(request("g", "a")).await.unwrap();
    let held = take(&*group, 1).await;
    settle(&*group, held, Verdict::Ack).await;
    let new = fs::read(other(&store, "new.db", &["two"]).await).unwrap();

    fs::remove_file(store.path()).unwrap();
    for part in [0, 4096, new.len() / 2] {
        fs::write(store.path(), &new[..part]).unwrap();
        let refused = try_publish(&*transport, "three").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
        assert_eq!(
            fs::read(store.path()).unwrap(),
            &new[..part],
            "it is let alone"
        );
    }
    assert_says(
        &told_by(&*group).await,
        ErrorKind::Warning,
        "waiting for a store at that path",
    );
    fs::write(store.path(), &new).unwrap();
    let warning = told_by(&*group).await;
    assert_says(
        &warning,
        ErrorKind::Warning,
        "was replaced while it was in use",
    );
    let taken = take(&*group, 1).await;
    assert_eq!(text(&taken[0].stored), "two");
    settle(&*group, taken, Verdict::Ack).await;
    group.close().await.unwrap();
}

#[tokio::test]
async fn a_log_that_is_removed_is_saved() {
    for name in ["store.db-wal", "store.db-shm"] {
        let store = Store::new();
        let transport = store.open().await;
        publish(&*transport, "a", &["one"]).await;
        let mut following = tail(&*transport, false).await;
        assert_eq!(shown(&mut *following).await, ["one"]);
        fs::remove_file(beside(&store, name)).unwrap();
        publish(&*transport, "a", &["two"]).await;
        assert_says(
            &told(&mut *following).await,
            ErrorKind::Warning,
            "its content was saved",
        );
        assert_eq!(shown(&mut *following).await, ["two"]);
        let another = store.open().await;
        publish(&*another, "a", &["three"]).await;
        assert_eq!(shown(&mut *following).await, ["three"], "others are seen");
        publish(&*transport, "a", &["four"]).await;
        transport.close().await.unwrap();
        another.close().await.unwrap();
        assert_eq!(
            texts(&store.path()).await,
            ["one", "two", "three", "four"],
            "{name}"
        );
    }
}
