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
