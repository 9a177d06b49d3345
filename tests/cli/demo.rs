//! `pf demo`: it tells the whole story and leaves nothing behind.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn the_story_is_told_and_leaves_nothing_behind() {
    let pf = Pf::bare();
    let folder = pf.path("tmp");
    std::fs::create_dir(&folder).unwrap();
    let pf = pf.env("TMPDIR", folder.to_str().unwrap());
    let run = pf.run(&["demo"]).succeeded();
    let lines = run
        .stdout()
        .lines()
        .filter(|line| !line.contains("it came after"));
    assert_snapshot!(crate::normalise::normalise(&lines.collect::<Vec<_>>().join("\n")), @"");
    assert_eq!(run.stderr(), "");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn it_can_be_played_again_on_a_store_of_ones_own() {
    let pf = Pf::new();
    for _ in 0..2 {
        let _ = pf.run(&["demo", "--url", "sqlite:own.db"]).succeeded();
    }
}
