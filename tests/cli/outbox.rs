//! `pf outbox`: what an operator does with the rows of an outbox.

use insta::assert_snapshot;

use crate::harness::Pf;

const RELAY: [&str; 4] = ["outbox", "relay", "--until-end", "--create"];

/// Has a database with four rows: the second is no event, and the third is behind it under the same key.
fn shop() -> Pf {
    let pf = Pf::new();
    let database = rusqlite::Connection::open(pf.path("app.db")).unwrap();
    let pf = pf.env("PF_OUTBOX", "sqlite:app.db");
    let _ = pf.run(&["outbox", "create"]).succeeded();
    let event = |id: &str| {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"order.created"}}"#)
    };
    let rows = [
        ("a", event("1")),
        ("a", "nonsense".to_owned()),
        ("a", event("3")),
        ("b", event("4")),
    ];
    for (key, event) in rows {
        let sql = "INSERT INTO pf_outbox (topic, key, event) VALUES ('order.created', ?1, ?2)";
        database.execute(sql, [key, &event]).unwrap();
    }
    pf
}

fn ids(pf: &Pf) -> Vec<String> {
    let tail = pf.run(&["tail", "order.created", "--until-end", "-o", "json"]);
    let id = |line: &serde_json::Value| line["event"]["id"].as_str().unwrap().to_owned();
    tail.succeeded().json().iter().map(id).collect()
}

#[test]
fn a_refused_row_is_listed_and_shown() {
    let pf = shop();
    assert_snapshot!(pf.run(&RELAY), @"
    exit: 4
    --- stdout
    published 2 rows, 1 refused

    --- stderr
    relaying, exactly once
    warning: row 2 was refused, it holds up the key `a`: outbox: the row is not a CloudEvent
    error: 1 refused row holds up its key
    hint: `pf outbox list` shows them; fix the cause, or `pf outbox park ID`
    ");
    assert_snapshot!(pf.run(&["outbox", "list"]), @"
    exit: 0
    --- stdout
    2  [TIME]  refused   order.created  a  outbox: the row is not a CloudEvent: not valid JSON: expected an object at byte 1

    --- stderr
    ");
    assert_snapshot!(pf.run(&["outbox", "show", "2"]), @"
    exit: 0
    --- stdout
    row       2
    state     refused
    topic     order.created
    key       a
    created   [TIME]
    refused   1 time
    error     outbox: the row is not a CloudEvent: not valid JSON: expected an object at byte 1
    nonsense

    --- stderr
    ");
}

#[test]
fn a_refused_row_is_parked_and_unblocked() {
    let pf = shop();
    assert_eq!(pf.run(&RELAY).code(), Some(4));
    assert_snapshot!(pf.run(&["outbox", "park", "2"]), @"
    exit: 0
    --- stdout
    parked 2

    --- stderr
    ");
    assert_snapshot!(pf.run(&RELAY), @"
    exit: 0
    --- stdout
    published 1 row

    --- stderr
    relaying, exactly once
    ");
    assert_snapshot!(pf.run(&["outbox", "list", "--parked"]), @"
    exit: 0
    --- stdout
    2  [TIME]  parked    order.created  a  outbox: the row is not a CloudEvent: not valid JSON: expected an object at byte 1

    --- stderr
    ");
    assert_snapshot!(pf.run(&["outbox", "unblock", "2", "77"]), @"
    exit: 4
    --- stdout
    unblocked 2
    neither refused nor parked: 77

    --- stderr
    error: 1 row was not changed
    ");
    assert_snapshot!(pf.run(&["outbox", "show", "99"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: there is no row 99: published rows are deleted
    ");
    assert_snapshot!(pf.run(&["outbox", "clean"]), @"
    exit: 0
    --- stdout
    deleted 0 rows

    --- stderr
    ");
    assert_eq!(ids(&pf), ["1", "4", "3"]);
}

#[test]
fn a_parked_row_lets_its_key_go_on() {
    let pf = shop();
    let relay = [
        "outbox",
        "relay",
        "--until-end",
        "--create",
        "--park",
        "--keep",
        "1d",
    ];
    assert_snapshot!(pf.run(&relay), @"
    exit: 0
    --- stdout
    published 3 rows, 1 parked

    --- stderr
    relaying, exactly once
    warning: row 2 was refused, it is parked: outbox: the row is not a CloudEvent
    ");
    assert_eq!(ids(&pf), ["1", "3", "4"]);
    let status = pf.run(&["outbox", "status", "-o", "json"]).succeeded();
    let status = &status.json()[0];
    let counts = ["pending", "refused", "parked", "kept"].map(|name| status[name].as_u64());
    assert_eq!(counts, [Some(0), Some(0), Some(1), Some(3)]);
}

/// Every verb says so, and how to create one.
#[test]
fn a_database_without_an_outbox_is_named() {
    let pf = Pf::new();
    drop(rusqlite::Connection::open(pf.path("app.db")).unwrap());
    std::fs::write(pf.path("app.db"), "").unwrap();
    let pf = pf.env("PF_OUTBOX", "sqlite:app.db");
    assert_snapshot!(pf.run(&["outbox", "status"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: there is no outbox in `app.db`
    hint: create it: `pf outbox create --in sqlite:app.db`
    ");
    for verb in [
        &["list"][..],
        &["show", "1"],
        &["unblock", "1"],
        &["park", "1"],
        &["clean"],
        &["relay", "--until-end"],
    ] {
        let run = pf.run(&[&["outbox"][..], verb].concat());
        assert_eq!(run.code(), Some(1), "{run}");
        assert!(
            run.stderr().contains("there is no outbox in `app.db`"),
            "{run}"
        );
        assert!(run.stderr().contains("pf outbox create"), "{run}");
    }
    assert_snapshot!(pf.run(&["outbox", "status", "--in", "sqlite:missing.db"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: `missing.db` cannot be opened
      caused by: unable to open database file: missing.db
      caused by: Error code 14: unable to open database file
    hint: name the database of your own tables; it must exist
    ");
    assert_snapshot!(pf.run(&["outbox", "status", "--in", "mysql:shop"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: outbox: an outbox cannot be in `mysql:`
    hint: name a database, as in `postgres://localhost/shop` or `sqlite:app.db`
    ");
}
