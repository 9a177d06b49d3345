//! `pf caps`.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn an_unknown_ability_is_usage() {
    assert_snapshot!(Pf::new().run(&["caps", "--require", "delay:sometimes"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'delay:sometimes' for '--require <ABILITY>': `sometimes` is not `native`

    For more information, try '--help'.
    ");
}

#[test]
fn abilities_are_listed_for_people_and_programs() {
    let pf = Pf::new();
    let text = pf.run(&["caps"]).succeeded();
    assert!(text.stdout().starts_with("sqlite (SQLite 3."), "{text}");
    assert!(
        text.stdout().contains("\n  delay                native"),
        "{text}"
    );
    let json = &pf.run(&["caps", "-o", "json"]).succeeded().json()[0];
    assert_eq!(json["delay"]["support"], "native");
    assert_eq!(json["transport"], "sqlite");
    assert_eq!(json["limits"]["lateness"], 0.02);
}

#[test]
fn what_is_required_and_there_is_not_worth_a_word() {
    assert_snapshot!(Pf::new().run(&["caps", "--require", "delay,dlq:native"]), @"
    exit: 0
    --- stdout

    --- stderr
    ");
}

#[test]
fn an_ability_that_nobody_knows_gets_a_suggestion() {
    assert_snapshot!(Pf::new().run(&["caps", "--require", "delya"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: unknown ability `delya`
    hint: did you mean `delay`?
    ");
}

#[test]
fn offline_knows_every_transport_of_the_build() {
    let pf = Pf::new();
    let run = pf.run(&["caps", "--offline", "-o", "json"]).succeeded();
    let known: Vec<_> = run
        .json()
        .iter()
        .map(|line| line["transport"].to_string())
        .collect();
    assert!(known.contains(&"\"sqlite\"".to_owned()), "{run}");
    assert!(!pf.path("events.db").exists());
}
