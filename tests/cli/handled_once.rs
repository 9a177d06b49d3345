//! `pf consume --dedup`: an event that is stored twice is handled once. `pf inbox`: its effect is made once.

use insta::assert_snapshot;

use crate::{
    consume::{consume, letters, store_with},
    harness::Pf,
};

#[test]
fn a_copy_is_a_duplicate() {
    let pf = store_with(&["1", "2", "1", "2"]);
    assert_snapshot!(consume(&pf, &["--dedup"], "echo $PF_EVENT_ID"), @"
    exit: 0
    --- stdout
    1
    2

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    2 handled, 2 duplicates
    ");
}

#[test]
fn a_dead_letter_has_no_twin() {
    let pf = store_with(&["1", "1"]);
    let run = consume(&pf, &["--dedup=1h"], "exit 65");
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(
        run.stderr()
            .contains("0 handled, 1 duplicate, 1 dead letter"),
        "{run}"
    );
    assert_eq!(letters(&pf).len(), 1);
    let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    let run = consume(&pf, &["--dedup=1h"], "true").succeeded();
    assert!(run.stderr().ends_with("1 handled\n"), "{run}");
}

#[test]
fn the_key_is_that_of_the_action_and_the_event() {
    let pf = store_with(&["1", "1"]);
    let keys = |group: &str, flags: &[&str]| {
        let mut args = vec!["consume", "order.created", "--until-end", "--group", group];
        args.extend(flags);
        args.extend(["--", "sh", "-c", "echo $PF_DEDUP_KEY"]);
        let run = pf.run(&args).succeeded();
        run.stdout().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let billing = keys("billing", &[]);
    assert_eq!(billing.len(), 2);
    assert_eq!(billing[0], billing[1]);
    assert_eq!(billing[0].len(), 26);
    assert_ne!(keys("audit", &[])[0], billing[0]);
    assert_eq!(keys("invoices", &["--action", "billing"]), billing);
    let worker = r#"while read -r line; do
        key=${line#*\"pfdedupkey\":\"}; echo "${key%%\"*}" >> keys
        id=${line#*\"id\":\"}; echo "{\"id\":\"${id%%\"*}\",\"action\":\"ack\"}"
    done"#;
    let flags = ["--worker"];
    let mut args = vec!["consume", "order.created", "--until-end", "--group", "w"];
    args.extend(["--action", "billing"]);
    args.extend(flags);
    let keys = pf.path("keys");
    let worker = worker.replace(">> keys", &format!(">> '{}'", keys.display()));
    args.extend(["--", "sh", "-c", &worker]);
    let _ = pf.run(&args).succeeded();
    let written = std::fs::read_to_string(keys).unwrap();
    assert_eq!(written.lines().collect::<Vec<_>>(), billing);
}

#[test]
fn bad_input_is_refused() {
    let pf = store_with(&["1"]);
    let refusal = |flags: &[&str]| {
        let mut args = vec!["consume", "order.created", "-g", "billing", "--until-end"];
        args.extend(flags);
        args.extend(["--", "true"]);
        let run = pf.run(&args);
        let error = run
            .stderr()
            .replace("\n\nFor more information, try '--help'.", "");
        format!("{} {}", run.code().unwrap(), error.trim_end())
    };
    assert_snapshot!(refusal(&["--dedup=2s"]), @"
    2 consuming order.created as group billing: true
    error: the window of 2s is shorter than the longest course of retries, 3s
    hint: marks must outlast the retries: give `--dedup` a longer window, or fewer or shorter `--backoff` pauses
    ");
    assert_snapshot!(refusal(&["--dedup=0s"]), @"2 error: invalid value '0s' for '--dedup[=<WINDOW>]': must be more than zero");
    assert_snapshot!(refusal(&["--dedup=soon"]), @"2 error: invalid value 'soon' for '--dedup[=<WINDOW>]': not a valid duration; use for example `90s` or `2h 30m`");
    assert_snapshot!(refusal(&["--dedup-mode", "settled"]), @"
    2 error: the following required arguments were not provided:
      --dedup[=<WINDOW>]

    Usage: pf consume --dedup[=<WINDOW>] --group <NAME> --until-end --dedup-mode <MODE> <TOPIC>... -- <CMD>...
    ");
    assert_snapshot!(refusal(&["--dedup", "--dedup-mode", "twice"]), @"
    2 error: invalid value 'twice' for '--dedup-mode <MODE>'
      [possible values: settled, at-most-once]
    ");
    assert_snapshot!(refusal(&["--action", ""]), @"2 error: invalid value '' for '--action <NAME>': action `` is empty");
    assert_snapshot!(refusal(&["--action", "a b"]), @"2 error: invalid value 'a b' for '--action <NAME>': action `a b` contains a space or a control character");
}

#[test]
fn an_inbox_is_made_cleaned_and_checked() {
    let pf = Pf::new();
    let url = format!("sqlite:{}", pf.path("app.db").display());
    let inbox = |args: &[&str]| pf.run(&[&["inbox"], args, &["--in", &url]].concat());
    assert_snapshot!(inbox(&["create"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: `[HOME]/app.db` cannot be opened
      caused by: unable to open database file: [HOME]/app.db
      caused by: Error code 14: unable to open database file
    hint: name the database of your own tables; it must exist
    ");
    let database = rusqlite::Connection::open(pf.path("app.db")).unwrap();
    database.execute_batch("CREATE TABLE accounts(n)").unwrap();
    assert_snapshot!(inbox(&["create"]), @"
    exit: 0
    --- stdout
    created the inbox

    --- stderr
    ");
    assert_snapshot!(inbox(&["create"]), @"
    exit: 0
    --- stdout
    the inbox exists already

    --- stderr
    ");
    let enter = "INSERT INTO pf_inbox(key) VALUES('a') ON CONFLICT DO NOTHING";
    assert_eq!(database.execute(enter, []).unwrap(), 1);
    assert_eq!(database.execute(enter, []).unwrap(), 0);
    let old = "INSERT INTO pf_inbox(key, at) WITH RECURSIVE n(i) AS \
               (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT 'k' || i, i FROM n";
    assert_eq!(database.execute(old, []).unwrap(), 12_000);
    assert_snapshot!(inbox(&["clean", "--older-than", "1d"]), @"
    exit: 0
    --- stdout
    deleted 12000 keys

    --- stderr
    ");
}

#[test]
fn an_inbox_of_another_shape_is_refused() {
    let pf = Pf::new();
    let url = format!("sqlite:{}", pf.path("app.db").display());
    let inbox = |args: &[&str]| pf.run(&[&["inbox"], args, &["--in", &url]].concat());
    let database = rusqlite::Connection::open(pf.path("app.db")).unwrap();
    database.execute_batch("CREATE TABLE accounts(n)").unwrap();
    assert_snapshot!(inbox(&["clean"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: there is no inbox
    hint: create it: `pf inbox create --in URL`
    ");
    database
        .execute_batch("CREATE TABLE pf_inbox(key)")
        .unwrap();
    assert_snapshot!(inbox(&["create"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: sqlite: `pf_inbox` has no column `at`: it is not an inbox of this program
    hint: rename that table, or use another file
    ");
    assert_snapshot!(inbox(&["create", "--print"]), @"
    exit: 0
    --- stdout
    BEGIN;
    CREATE TABLE pf_inbox (
        key TEXT PRIMARY KEY,
        at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
    ) WITHOUT ROWID;
    CREATE INDEX pf_inbox_at ON pf_inbox (at);
    COMMIT;

    -- In your own transaction, before the effect; if no row went in, the effect was made before, and there is nothing to do:
    -- INSERT INTO pf_inbox (key) VALUES (:PF_DEDUP_KEY) ON CONFLICT DO NOTHING;

    --- stderr
    ");
    assert_snapshot!(pf.run(&["inbox", "create", "--in", "kafka://h/"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: inbox: an inbox cannot be in `kafka:`
    hint: name a database, as in `postgres://localhost/shop` or `sqlite:app.db`
    ");
    assert_snapshot!(pf.run(&["inbox", "create"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: the database of the inbox is missing: `--in URL`
    hint: as in `postgres://localhost/shop` or `sqlite:app.db`; or set PF_OUTBOX
    ");
}

/// Programs of the version before know no marks, and go on to use a store that was only looked at.
#[test]
fn looking_does_not_migrate_a_store_without_marks() {
    let pf = store_with(&["1"]);
    let version = || {
        let store = rusqlite::Connection::open(pf.path("events.db")).unwrap();
        let version: i64 = store
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        version
    };
    let now = version();
    {
        let store = rusqlite::Connection::open(pf.path("events.db")).unwrap();
        let before = "DROP TABLE marks; DROP TABLE mark_batches;
            ALTER TABLE consumers DROP COLUMN action; ALTER TABLE consumers DROP COLUMN begins;
            PRAGMA user_version = 2";
        store.execute_batch(before).unwrap();
    }
    for look in [
        &["tail", "order.created", "--until-end"][..],
        &["dlq", "list"],
        &["dlq", "stats"],
        &["schedule", "list"],
    ] {
        let _ = pf.run(look).succeeded();
        assert_eq!(version(), 2, "{look:?}");
    }
    let handled = consume(&pf, &["--dedup"], "true").succeeded();
    assert!(handled.stderr().contains("1 handled"), "{handled}");
    assert_eq!(version(), now);
}
