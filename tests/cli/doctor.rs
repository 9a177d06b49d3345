//! `pf doctor`.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn a_sound_store_has_nothing_to_mend() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    let run = pf.run(&["doctor", "--fix"]).succeeded();
    assert!(run.stderr().starts_with("checking sqlite:"), "{run}");
    assert!(
        run.stdout().lines().all(|line| line.starts_with("ok ")),
        "{run}"
    );
    let json = pf.run(&["doctor", "-o", "json"]).succeeded().json();
    assert!(
        json.iter().all(|finding| finding["level"] == "ok"),
        "{json:?}"
    );
    assert!(
        json.iter().any(|finding| finding["name"] == "integrity"),
        "{json:?}"
    );
    assert!(run.stdout().contains("1 event was stored so far"), "{run}");
}

#[test]
fn a_file_that_is_no_store_is_left_alone() {
    let pf = Pf::new();
    pf.write(
        "events.db",
        "this is a private letter, and quite long enough to be a file",
    );
    let run = pf.run(&["doctor"]);
    assert_ne!(run.code(), Some(0));
    assert_snapshot!(run, @"
    exit: 1
    --- stdout

    --- stderr
    checking sqlite:[HOME]/events.db
    error: sqlite: `[HOME]/events.db` is not a store: it is not an SQLite file
      caused by: file is not a database
    hint: name another file; this one was not touched
    ");
    let text = std::fs::read_to_string(pf.path("events.db")).unwrap();
    assert!(text.starts_with("this is a private letter"));
}

/// Has a database whose outbox has a parked row, and one that waits.
fn shop() -> Pf {
    let pf = Pf::new();
    let database = rusqlite::Connection::open(pf.path("app.db")).unwrap();
    let _ = pf
        .run(&["outbox", "create", "--in", "sqlite:app.db"])
        .succeeded();
    let rows = "INSERT INTO pf_outbox (topic, event) VALUES ('t', '{}'), ('t', '{}'); \
         UPDATE pf_outbox SET parked_at = 1 WHERE id = 1; UPDATE pf_outbox SET created_at = 9999999999999; \
         UPDATE pf_outbox_meta SET value = 'abc' WHERE name = 'outbox'";
    database.execute_batch(rows).unwrap();
    pf
}

#[test]
fn an_outbox_is_checked_by_itself() {
    let pf = shop();
    assert_snapshot!(pf.run(&["doctor", "--in", "sqlite:app.db"]), @"
    exit: 1
    --- stdout
    ok       outbox               created, its name is abc
    problem  outbox-relays        no relay runs, and 1 row is to be published
                                  fix: pf outbox relay --from URL --to URL
    ok       outbox-waiting       1 row is to be published, the oldest for 0s
    ok       outbox-refused       no row is refused
    warning  outbox-parked        1 row is parked and will not be published
                                  fix: pf outbox list --in URL --parked

    --- stderr
    checking the outbox in sqlite:app.db
    error: 1 problem
    ");
    assert_snapshot!(pf.run(&["doctor", "--in", "sqlite:app.db", "-o", "json"]), @r#"
    exit: 1
    --- stdout
    {"name":"outbox","level":"ok","text":"created, its name is abc","mend":null}
    {"name":"outbox-relays","level":"problem","text":"no relay runs, and 1 row is to be published","mend":"pf outbox relay --from URL --to URL"}
    {"name":"outbox-waiting","level":"ok","text":"1 row is to be published, the oldest for 0s","mend":null}
    {"name":"outbox-refused","level":"ok","text":"no row is refused","mend":null}
    {"name":"outbox-parked","level":"warning","text":"1 row is parked and will not be published","mend":"pf outbox list --in URL --parked"}

    --- stderr
    checking the outbox in sqlite:app.db
    error: 1 problem
    "#);
    assert_snapshot!(pf.run(&["doctor", "--in", "sqlite:missing.db"]), @"
    exit: 1
    --- stdout

    --- stderr
    checking the outbox in sqlite:missing.db
    error: sqlite: `missing.db` cannot be opened
      caused by: unable to open database file: missing.db
      caused by: Error code 14: unable to open database file
    hint: name the database of your own tables; it must exist
    ");
    let empty = pf.path("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert_snapshot!(pf.run(&["doctor", "--in", "sqlite:empty.db"]), @"
    exit: 1
    --- stdout
    problem  outbox               there is no outbox in `empty.db`
                                  fix: pf outbox create --in URL

    --- stderr
    checking the outbox in sqlite:empty.db
    error: 1 problem
    ");
    assert_snapshot!(pf.run(&["doctor", "--in", "sqlite:app.db", "--fix"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: the argument '--in <URL>' cannot be used with '--fix'

    Usage: pf doctor --in <URL>

    For more information, try '--help'.
    ");
}

#[test]
fn the_outbox_of_a_context_is_checked_beside_its_store() {
    let pf = shop();
    let add = [
        "context",
        "add",
        "local",
        "--url",
        "sqlite:events.db",
        "--outbox",
        "sqlite:app.db",
    ];
    let _ = pf.run(&add).succeeded();
    assert_snapshot!(pf.run(&["context", "show", "local"]), @"
    exit: 0
    --- stdout
      local            sqlite:[HOME]/events.db  outbox sqlite:[HOME]/app.db

    --- stderr
    ");
    let _ = pf
        .run(&["publish", "a", "1", "--context", "local"])
        .succeeded();
    let run = pf.run(&["doctor", "--context", "local"]);
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stdout().contains("integrity"), "{run}");
    assert!(
        run.stdout()
            .contains("no relay runs, and 1 row is to be published"),
        "{run}"
    );
    let status = pf
        .run(&["outbox", "status", "--context", "local"])
        .succeeded();
    assert!(status.stdout().contains("pending  1"), "{status}");
    let refused = [
        "context",
        "add",
        "x",
        "--url",
        "sqlite:e.db",
        "--outbox",
        "postgres://me:secret@db/shop",
    ];
    assert_snapshot!(pf.run(&refused), @"
    exit: 2
    --- stdout

    --- stderr
    error: a password in --outbox is visible to every user of this machine
    hint: leave only the user name in the URL, and set PGPASSWORD or PF_OUTBOX
    ");
}

#[test]
fn an_outbox_in_postgres_is_checked_with_its_rights() {
    let server = test_support::postgres::Postgres::start();
    let pf = Pf::new().env("PF_OUTBOX", &server.url("test", "postgres"));
    let run = pf.run(&["doctor", "--in", &server.url("test", "postgres")]);
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(
        run.stdout()
            .contains("there is no outbox in the schema `public`"),
        "{run}"
    );
    let _ = pf.run(&["outbox", "create"]).succeeded();
    let found = pf.run(&[
        "doctor",
        "--in",
        &server.url("test", "postgres"),
        "-o",
        "json",
    ]);
    let names = found.succeeded().json();
    let names: Vec<_> = names
        .iter()
        .map(|finding| finding["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "outbox",
            "outbox-rights",
            "outbox-connection",
            "outbox-vacuum",
            "outbox-relays",
            "outbox-waiting",
            "outbox-refused",
            "outbox-parked"
        ]
    );
}
