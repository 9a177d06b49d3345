//! The file is removed, renamed or replaced while it is open, by a restore or a deploy for instance.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use protoflow::transport::{
    ErrorKind, FindingLevel, JobAction, LetterKind, Receipt, Result, Selection, Subscription, Tail,
    TailFrom, TailRequest, Transport, TransportError, Verdict,
};

use crate::store::{
    Store, failure, message, open, publish, read, request, settle, take, text, within,
};

fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

fn beside(store: &Store, name: &str) -> PathBuf {
    store.path().with_file_name(name)
}

/// Makes another store beside one, with these events in it and nothing of it in a log.
async fn other(store: &Store, name: &str, texts: &[&str]) -> PathBuf {
    let path = beside(store, name);
    let transport = open(&url(&path)).await;
    transport.create(&"a".parse().unwrap()).await.unwrap();
    publish(&*transport, "a", texts).await;
    transport.close().await.unwrap();
    take_over_log(&path);
    path
}

fn take_over_log(path: &Path) {
    let raw = rusqlite::Connection::open(path).unwrap();
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    raw.query_row(sql, [], |_| Ok(())).unwrap();
}

/// Makes a complete copy of a store.
fn copy(store: &Store, name: &str) -> PathBuf {
    take_over_log(&store.path());
    let path = beside(store, name);
    fs::copy(store.path(), &path).unwrap();
    path
}

async fn try_publish(transport: &dyn Transport, what: &str) -> Result<Receipt> {
    let batch = vec![message("a", None, what).into()];
    transport.publish(batch).await.remove(0)
}

async fn texts(path: &Path) -> Vec<String> {
    let transport = open(&url(path)).await;
    let found = read(&*transport, "a").await;
    transport.close().await.unwrap();
    found.iter().map(text).collect()
}

fn burial() -> Verdict {
    Verdict::DeadLetter {
        kind: LetterKind::Permanent,
        failure: Box::new(failure("no")),
    }
}

async fn tail(transport: &dyn Transport, until_end: bool) -> Box<dyn Tail> {
    let request = TailRequest {
        patterns: vec!["a".parse().unwrap()],
        from: TailFrom::Earliest,
        until_end,
    };
    transport.tail(request).await.unwrap()
}

async fn shown(tail: &mut dyn Tail) -> Vec<String> {
    let batch = within(10, tail.next(100)).await.unwrap();
    batch.iter().map(text).collect()
}

/// Waits for a failure to read on.
async fn told(tail: &mut dyn Tail) -> TransportError {
    within(10, tail.next(100)).await.unwrap_err()
}

async fn told_by(group: &dyn Subscription) -> TransportError {
    within(10, group.next(1)).await.unwrap_err()
}

fn assert_says(error: &TransportError, kind: ErrorKind, words: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

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
    assert_says(&refused, ErrorKind::Unavailable, "is gone");
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
    assert_says(&refused, ErrorKind::Unavailable, "is gone");
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
        "waiting for a store of that name",
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
            "what it held was saved",
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
            Err(error) => assert_says(&error, ErrorKind::Warning, "what is new"),
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
        "waiting for a store of that name",
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
    assert_eq!(letters.advance(&lease, 1).await.unwrap().len(), 1);
    fs::rename(copied, store.path()).unwrap();
    let refused = letters.advance(&lease, 1).await.unwrap_err();
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
