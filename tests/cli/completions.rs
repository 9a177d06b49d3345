//! `pf completions` and `pf man`: the checked-in scripts are what the program prints.

use crate::harness::Pf;

/// Shells, and the files that hold their scripts.
const SCRIPTS: [(&str, &str); 5] = [
    ("bash", "pf.bash"),
    ("zsh", "_pf"),
    ("fish", "pf.fish"),
    ("elvish", "pf.elv"),
    ("powershell", "_pf.ps1"),
];

#[test]
fn checked_in_scripts_are_current() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    for (shell, name) in SCRIPTS {
        let path = format!("{folder}/{name}");
        let run = Pf::bare().run(&["completions", shell]).succeeded();
        if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
            std::fs::write(&path, run.stdout()).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == run.stdout(),
            "{name} is old: run this test with UPDATE_COMPLETIONS=1"
        );
    }
}

#[test]
fn zsh_leaves_patterns_alone() {
    let run = Pf::bare().run(&["completions", "zsh"]).succeeded();
    let mut lines = run.stdout().lines();
    assert_eq!(lines.next(), Some("#compdef pf"));
    assert_eq!(lines.next(), Some("alias pf='noglob pf'"));
}

#[test]
fn every_command_has_a_manual_page() {
    let pf = Pf::bare();
    let _ = pf.run(&["man", "--dir", "pages"]).succeeded();
    for page in ["pf.1", "pf-publish.1", "pf-tail.1", "pf-context-add.1"] {
        let text = std::fs::read_to_string(pf.path("pages").join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(pf.run(&["man"]).succeeded().stdout().contains(".TH pf 1"));
}
