//! `pf dlq edit` and `pf dlq replay --edit`.

use crate::{
    dead_letters::{consume, failed, ids},
    harness::Pf,
};

const EDIT: &str = ".event.data.n = (.event.data.n | tostring)";

fn handled(pf: &Pf) -> Vec<serde_json::Value> {
    consume(pf, "billing", "cat").succeeded().json()
}

#[test]
fn a_replay_edits_first_and_archives_the_originals() {
    let pf = failed(2);
    let originals = ids(&pf);
    let shown = pf.run(&["dlq", "replay", "--all", "--edit", EDIT, "--dry-run"]);
    assert_eq!(ids(&pf), originals, "nothing was done");
    assert!(
        shown
            .stdout()
            .contains("      2  ~ .data.n number -> string\n"),
        "{shown}"
    );
    let replay = pf
        .run(&["dlq", "replay", "--all", "--edit", EDIT, "--yes"])
        .succeeded();
    assert_eq!(replay.stdout(), "replayed 2 dead letters\n");
    let events = handled(&pf);
    let data: Vec<_> = events.iter().map(|event| &event["data"]["n"]).collect();
    assert_eq!(data, ["1", "2"]);
    for (event, original) in events.iter().zip(["e1", "e2"]) {
        assert_eq!(
            (&event["causationid"], &event["editof"]),
            (&original.into(), &original.into())
        );
        assert!(
            event["id"].as_str().unwrap().starts_with("edit-"),
            "{event}"
        );
    }
    assert_eq!(ids(&pf), [""; 0]);
    let archived = pf
        .run(&["dlq", "list", "--archived", "-o", "json"])
        .succeeded()
        .json();
    assert_eq!(archived.len(), 2);
    let log = pf.run(&["dlq", "log", "-o", "json"]).succeeded().json();
    let actions: Vec<_> = log.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["replay"]);
}

#[test]
fn an_edit_that_changes_nothing_or_makes_no_event_is_refused() {
    let pf = failed(2);
    let edited = pf.run(&[
        "dlq",
        "replay",
        "--all",
        "--edit",
        ".event.data.n = 1",
        "--yes",
    ]);
    assert_eq!(edited.code(), Some(4), "{edited}");
    for part in [
        "edit 1 dead letter\n        1  ~ .data.n\n",
        "the edit changes nothing\n",
        "error: 1 dead letter could not be edited\nhint: what is not edited stays as it is\n",
    ] {
        assert!(edited.stderr().contains(part), "{edited}");
    }
    assert_eq!(ids(&pf).len(), 1, "the other one stays");
    for edit in [
        "del(.event.source)",
        ".message.key = \"k\"",
        "empty",
        ".event = 1",
        "error",
    ] {
        let refused = pf.run(&["dlq", "replay", "--all", "--edit", edit, "--yes"]);
        assert_eq!(refused.code(), Some(1), "{edit}: {refused}");
    }
    assert_eq!(
        pf.run(&["dlq", "replay", "--all", "--edit", ".event ="])
            .code(),
        Some(2)
    );
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn off_a_terminal_an_edit_needs_a_yes() {
    let pf = failed(1);
    let refused = pf.run(&["dlq", "replay", "--all", "--edit", EDIT]);
    assert_eq!(refused.code(), Some(2), "{refused}");
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn an_edit_that_dies_between_any_two_steps_goes_on_and_repeats_nothing() {
    let points = ["planned", "enlisted", "leased", "advanced", "released"];
    for point in points {
        for selection in [
            &["--all"][..],
            &["--where", ".event.data.n | type == \"number\""],
            // The ids.
            &[],
        ] {
            let pf = failed(5);
            let point = format!("triage.{point}");
            let letters = ids(&pf);
            let letters = letters.iter().filter(|_| selection.is_empty());
            let letters: Vec<_> = letters.map(String::as_str).collect();
            let selection = [selection, &letters].concat();
            let args = [
                &["dlq", "replay"],
                &selection[..],
                &["--edit", EDIT, "--yes"],
            ]
            .concat();
            let died = pf
                .command(&args)
                .env("PF_FAILPOINT", &point)
                .output()
                .unwrap();
            assert_eq!(died.status.code(), None, "{point} was not reached");
            let again = pf.run(&args);
            assert!(matches!(again.code(), Some(0 | 1)), "{point}: {again}");
            let events = handled(&pf);
            let mut data: Vec<_> = events
                .iter()
                .map(|event| event["data"]["n"].as_str().unwrap())
                .collect();
            data.sort_unstable();
            assert_eq!(data, ["1", "2", "3", "4", "5"], "{point}");
            assert!(ids(&pf).is_empty(), "{point}");
        }
    }
}

#[test]
fn what_the_policy_would_not_replay_is_not_edited() {
    let left_out = "left out, never replayed by policy: 2";
    for (policy, code, says) in [
        (r#"{"never-replay":["1:"]}"#, 0, left_out),
        (
            r#"{"targets":["payment.**"]}"#,
            77,
            "is not one of its targets",
        ),
    ] {
        let pf = failed(2);
        let letters = ids(&pf);
        let set = pf.run_with(&["dlq", "policy", "set", "-"], policy);
        let _ = set.succeeded();
        let run = pf.run(&["dlq", "replay", "--all", "--edit", EDIT, "--yes"]);
        assert_eq!(run.code(), Some(code), "{run}");
        assert!(run.stderr().contains(says), "{run}");
        assert_eq!(ids(&pf), letters, "{policy}: nothing is archived");
    }
}

#[test]
fn one_is_edited_in_an_editor() {
    let pf = failed(1).env("EDITOR", "sed -i 's/\"n\": 1/\"n\": 7/'");
    let id = ids(&pf).remove(0);
    let edited = pf
        .run(&["dlq", "edit", &id[..6], "--because", "a typo"])
        .succeeded();
    assert!(edited.stderr().contains("is archived"), "{edited}");
    let new = ids(&pf);
    assert!(new.len() == 1 && new[0] != id, "{new:?}");
    let shown = pf.run(&["dlq", "show", &new[0]]).succeeded();
    assert!(
        shown
            .stdout()
            .contains(&format!("from {id}, which is archived")),
        "{shown}"
    );
    let _ = pf.run(&["dlq", "replay", &new[0], "--yes"]).succeeded();
    assert_eq!(handled(&pf)[0]["data"]["n"], 7);
}

#[test]
fn an_editor_that_fails_or_saves_nonsense_changes_nothing() {
    for (editor, code) in [
        ("false", 1),
        ("true", 1),
        ("sed -i s/specversion/version/", 1),
        ("sed -i s/{//", 1),
        ("", 2),
    ] {
        let pf = failed(1).env("EDITOR", editor);
        let id = ids(&pf).remove(0);
        let edited = pf.run(&["dlq", "edit", &id]);
        assert_eq!(edited.code(), Some(code), "{editor}: {edited}");
        assert_eq!(ids(&pf), [id], "{editor}");
    }
    assert_eq!(failed(0).run(&["dlq", "edit", "nosuch"]).code(), Some(1));
}

#[test]
fn an_edit_by_hand_that_dies_is_made_again() {
    for point in ["edit_noted", "edit_archived", "edit_stored"] {
        let pf = failed(1);
        let id = ids(&pf).remove(0);
        let pf = pf.env("EDITOR", r#"sed -i 's/"n": 1/"n": 2/'"#);
        let mut killed = pf.command(&["dlq", "edit", &id]);
        let killed = killed
            .env("PF_FAILPOINT", format!("triage.{point}:1"))
            .output();
        assert!(!killed.unwrap().status.success(), "{point}");
        // What was stored before it died is there, and the original is archived.
        let again = pf.run(&["dlq", "edit", &id]);
        assert_eq!(
            again.code(),
            Some(i32::from(point == "edit_stored")),
            "{again}"
        );
        let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
        let handled = handled(&pf);
        assert_eq!(handled.len(), 1, "{point}");
        assert_eq!(handled[0]["data"]["n"], 2, "{point}");
    }
}
