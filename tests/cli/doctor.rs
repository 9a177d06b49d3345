//! `pf doctor`.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn a_sound_store_has_nothing_to_mend() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    assert_snapshot!(pf.run(&["doctor", "--fix"]), @"
    exit: 0
    --- stdout
    ok       integrity            ok

    --- stderr
    looking at sqlite:[HOME]/events.db
    ");
}

#[test]
fn a_file_that_is_no_store_is_left_alone() {
    let pf = Pf::new();
    pf.write(
        "events.db",
        "this is somebody's letter, and quite long enough to be a file",
    );
    let run = pf.run(&["doctor"]);
    assert_ne!(run.code(), Some(0));
    assert_snapshot!(run, @"
    exit: 1
    --- stdout

    --- stderr
    looking at sqlite:[HOME]/events.db
    error: sqlite: `[HOME]/events.db` is not a store: it is no SQLite file
      caused by: file is not a database
      caused by: Error code 26: file is not a database
    hint: name another file; this one was not touched
    ");
    let text = std::fs::read_to_string(pf.path("events.db")).unwrap();
    assert!(text.starts_with("this is somebody's letter"));
}
