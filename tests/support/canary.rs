//! `pf dlq replay --canary N` without a command, and `pf dlq show`, the same on every broker.

use serde_json::Value;

use crate::harness::Pf;

fn publish(pf: &Pf, events: u32) {
    let event =
        |n| format!(r#"{{"specversion":"1.0","id":"e{n}","source":"s","type":"order.created"}}"#);
    let lines = (1..=events).map(event).collect::<Vec<_>>().join("\n");
    let publish = pf.run_with(&["publish", "--ndjson", "-q"], lines);
    let _ = publish.succeeded();
}

/// Returns the arguments of a consumer.
fn consume<'a>(flags: &[&'a str], script: &'a str) -> Vec<&'a str> {
    let args = ["consume", "order.created", "--group", "billing", "-q"];
    [&args[..], flags, &["--", "sh", "-c", script]].concat()
}

fn ids(pf: &Pf) -> Vec<String> {
    let list = pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    let id = |letter: &Value| letter["dead_letter"]["id"].as_str().unwrap().to_owned();
    list.json().iter().map(id).collect()
}

/// Only two of four dead letters are replayed until their group has handled them, and not if one dies again.
pub fn the_rest_follows_only_once_the_group_has_handled_the_first(pf: &Pf) {
    publish(pf, 4);
    let _ = pf.run(&consume(&["--until-end"], "exit 65"));
    let first = ids(pf);
    assert_eq!(first.len(), 4);
    let canary = [
        "dlq", "replay", "--all", "--canary", "2", "--yes", "-o", "json",
    ];
    let limit = ["--canary-timeout", "300ms"];
    let early = pf.run(&[&canary[..], &limit].concat());
    assert_eq!(early.code(), Some(3), "{early}");
    assert_eq!(ids(pf).len(), 2, "only two were replayed");
    let mut consumer = pf.spawn(&consume(&[], "test $PF_EVENT_ID != e1 || exit 65"));
    let again = pf.run(&canary);
    assert_eq!(again.code(), Some(4), "{again}");
    let lines = again.json();
    let fate = |id: &String| {
        let mut canaries = lines.iter().filter_map(|line| line.get("canary"));
        canaries.find(|one| one["id"] == **id).unwrap()["fate"].clone()
    };
    assert_eq!(fate(&first[0]), "died_again", "{again}");
    let _ = pf
        .run(&[
            "dlq",
            "jobs",
            "cancel",
            lines.last().unwrap()["job"].as_str().unwrap(),
        ])
        .succeeded();
    let rest = pf.run(&[
        "dlq", "replay", &first[2], &first[3], "--canary", "2", "--yes",
    ]);
    consumer.kill().unwrap();
    consumer.wait().unwrap();
    assert_eq!(rest.code(), Some(0), "{rest}");
    assert!(rest.stdout().contains("  handled by billing\n"), "{rest}");
    let record = |id: &str| {
        pf.run(&["dlq", "show", id, "-o", "json"])
            .succeeded()
            .json()
    };
    let handled = &record(&first[2])[0]["dead_letter"]["lineage"][0];
    assert_eq!(handled["fate"], "handled", "{handled}");
    let died = &record(&first[0])[0]["dead_letter"]["lineage"];
    assert_eq!(
        (&died[0]["fate"], &died[1]["step"]),
        (&"died_again".into(), &"dead_letter".into())
    );
}
