//! `pf dlq export` and `pf dlq import`: lossless, checked, never twice.

use insta::assert_snapshot;

use crate::dead_letters::{failed, ids};

#[test]
fn an_import_rebuilds_what_was_exported_once() {
    let pf = failed(3);
    let export = pf.run(&["dlq", "export", "--all"]).succeeded();
    assert_eq!(export.stderr(), "exported 3 dead letters\n");
    let lines = export.stdout().to_owned();
    assert_eq!(lines.lines().count(), 4);
    let import = |args: &[&str], lines: &str| {
        let args = [&["dlq", "import", "-", "--url", "sqlite:other.db"], args].concat();
        pf.run_with(&args, lines)
    };
    assert_eq!(import(&[], &lines).code(), Some(1), "it does not exist");
    assert_eq!(
        import(&["--create"], &lines).succeeded().stdout(),
        "imported 3 dead letters\n"
    );
    let again = import(&[], &lines).succeeded();
    assert_eq!(again.stdout(), "imported 0 dead letters, 3 already there\n");
    let back = pf
        .run(&["dlq", "export", "--all", "--url", "sqlite:other.db"])
        .succeeded();
    assert_eq!(back.stdout(), lines);
    let replayed = pf
        .run(&[
            "dlq",
            "replay",
            "--all",
            "--yes",
            "--url",
            "sqlite:other.db",
        ])
        .succeeded();
    assert_eq!(replayed.stdout(), "replayed 3 dead letters\n");
}

#[test]
fn nothing_of_a_damaged_export_is_imported() {
    let pf = failed(2);
    let lines = pf
        .run(&["dlq", "export", "--all"])
        .succeeded()
        .stdout()
        .to_owned();
    let _ = pf.run(&["dlq", "purge", "--all", "--yes"]).succeeded();
    let cut: String = lines.split_inclusive('\n').take(2).collect();
    assert_snapshot!(pf.run_with(&["dlq", "import", "-"], cut), @"
    exit: 1
    --- stdout

    --- stderr
    error: the export is cut off: its last line is missing, behind 2 dead letters
    hint: nothing was imported; export again
    ");
    assert_snapshot!(pf.run_with(&["dlq", "import", "-"], lines.replace("declined", "accepted")), @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: its checksum does not match: the line was changed
    hint: nothing was imported
    ");
    let half = &lines[..lines.len() / 3];
    assert_eq!(pf.run_with(&["dlq", "import", "-"], half).code(), Some(1));
    let twice = format!("{lines}{lines}");
    assert_eq!(pf.run_with(&["dlq", "import", "-"], twice).code(), Some(1));
    assert_eq!(pf.run_with(&["dlq", "import", "-"], "").code(), Some(1));
    assert_eq!(ids(&pf), [""; 0]);
}

#[test]
fn masked_values_leave_the_house_as_stars_and_do_not_come_back() {
    let pf = failed(1);
    let export = pf
        .run(&["dlq", "export", "--all", "--mask", ".event.data.n"])
        .succeeded();
    let record = &export.json()[0];
    assert_eq!(record["event"]["data"]["n"], "***");
    assert_eq!(record["masked"][0], ".event.data.n");
    assert_snapshot!(pf.run_with(&["dlq", "import", "-"], export.stdout()), @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: it was masked and cannot be replayed
    hint: nothing was imported
    ");
    let wrong = pf.run(&["dlq", "export", "--all", "--mask", ".a ="]);
    assert_eq!(wrong.code(), Some(2), "{wrong}");
    let policy = r#"{"mask":[".event.source"]}"#;
    let _ = pf
        .run_with(&["dlq", "policy", "set", "-"], policy)
        .succeeded();
    let export = pf.run(&["dlq", "export", "--all"]).succeeded();
    assert_eq!(export.json()[0]["event"]["source"], "***");
}

#[test]
fn a_payload_beside_the_event_is_masked_too() {
    let pf = failed(0);
    let args = [
        "publish",
        "order.created",
        r#"{"card":"4111"}"#,
        "--mode",
        "binary",
        "-q",
    ];
    let _ = pf.run(&args).succeeded();
    let _ = crate::dead_letters::consume(&pf, "billing", "exit 65");
    let export = pf
        .run(&["dlq", "export", "--all", "--mask", ".event.data.card"])
        .succeeded();
    assert!(!export.stdout().contains("4111"), "{export}");
}

#[test]
fn a_purge_exports_first() {
    let pf = failed(2);
    let purge = ["dlq", "purge", "--all", "--yes", "--export", "kept.ndjson"];
    let _ = pf.run(&purge).succeeded();
    assert_eq!(ids(&pf), [""; 0]);
    let again = pf.run(&purge);
    assert_eq!(again.code(), Some(1), "the file exists: {again}");
    let back = pf.run(&["dlq", "import", "kept.ndjson"]).succeeded();
    assert_eq!(back.stdout(), "imported 2 dead letters\n");
}

#[test]
fn a_purge_of_what_is_old_leaves_the_rest() {
    let pf = failed(2);
    let none = pf
        .run(&["dlq", "purge", "--older-than", "1h", "--yes"])
        .succeeded();
    assert_eq!((none.stdout(), ids(&pf).len()), ("", 2));
    let all = pf
        .run(&["dlq", "purge", "--older-than", "0s", "--yes"])
        .succeeded();
    assert_eq!(
        (all.stdout(), ids(&pf).len()),
        ("purged 2 dead letters\n", 0)
    );
    let both = [
        "dlq",
        "purge",
        "--older-than",
        "1h",
        "--until",
        "1h",
        "--yes",
    ];
    assert_eq!(pf.run(&both).code(), Some(2));
}

#[test]
fn an_import_into_a_store_that_is_not_there_names_the_flag_that_creates_it() {
    let pf = failed(1);
    let export = pf.run(&["dlq", "export", "--all"]).succeeded();
    pf.write("kept.ndjson", export.stdout());
    let import = ["dlq", "import", "kept.ndjson", "--url", "sqlite:other.db"];
    let refused = pf.run(&import);
    assert_eq!(refused.code(), Some(1), "{refused}");
    let hint = "hint: check the name; `--create` creates the store\n";
    assert!(refused.stderr().ends_with(hint), "{refused}");
    let created = pf.run(&[&import[..], &["--create"]].concat()).succeeded();
    assert_eq!(created.stdout(), "imported 1 dead letter\n");
}
