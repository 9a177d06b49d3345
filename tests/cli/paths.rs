//! Paths that are wrong, and configuration files that are not needed.

use std::{fs, os::unix::fs::symlink, process::Stdio};

use insta::assert_snapshot;

use crate::harness::{Pf, Run};

/// Runs `pf` with another home.
fn at_home(pf: &Pf, home: Option<&str>, args: &[&str]) -> Run {
    let mut command = pf.command(args);
    match home {
        Some(home) => command.env("HOME", home),
        None => command.env_remove("HOME"),
    };
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped());
    pf.finish(streams.stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn a_configuration_that_is_not_needed_stops_nothing() {
    let pf = Pf::new();
    pf.write("other/.config/pf/config.toml", "broken = [");
    let other = pf.path("other").display().to_string();
    for home in ["/dev/null", "/nonexistent", &other] {
        let by_variable = at_home(&pf, Some(home), &["publish", "a", "1"]);
        let _ = by_variable.succeeded();
        let by_flag = ["publish", "a", "1", "--url", "sqlite:events.db"];
        let _ = at_home(&pf, Some(home), &by_flag).succeeded();
    }
    let run = at_home(&pf, Some(&other), &["publish", "a", "1"]);
    assert_snapshot!(run, @"
    exit: 0
    --- stdout

    --- stderr
    warning: [HOME]/other/.config/pf/config.toml is invalid at line 1: unclosed array, expected `]`; it is ignored
    published [ULID] to a
    ");
    pf.write(".pf.toml", "url = 1");
    let run = pf.run(&["consume", "a", "-g", "g", "--until-end", "--", "true"]);
    assert_snapshot!(run, @"
    exit: 0
    --- stdout

    --- stderr
    warning: [HOME]/.pf.toml is invalid at line 1: invalid type: integer `1`, expected a string; it is ignored
    consuming a as group g: true
    7 handled
    ");
    let run = pf.run(&["consume", "a", "--until-end", "--", "true"]);
    assert_eq!(run.code(), Some(2), "{run}");
}

#[test]
fn a_configuration_that_is_needed_and_broken_is_an_error() {
    let pf = Pf::bare();
    pf.write(".pf.toml", "url = 1");
    let run = pf.run(&["publish", "a", "1"]);
    assert_snapshot!(run, @"
    exit: 78
    --- stdout

    --- stderr
    error: [HOME]/.pf.toml is invalid at line 1
      caused by: invalid type: integer `1`, expected a string
    ");
    assert_eq!(pf.run(&["context", "list"]).code(), Some(78));
    fs::remove_file(pf.path(".pf.toml")).unwrap();
    symlink("elsewhere/pf.toml", pf.path(".pf.toml")).unwrap();
    assert_snapshot!(pf.run(&["tail", "--until-end"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: [HOME]/.pf.toml cannot be read
      caused by: `[HOME]/.pf.toml` is a link to `elsewhere/pf.toml`, which does not exist
    ");
    let run = at_home(&Pf::bare(), Some("/dev/null"), &["tail", "--until-end"]);
    assert_snapshot!(run, @"
    exit: 78
    --- stdout

    --- stderr
    using /dev/null/.local/share/pf/events.db
    error: cannot create the folder /dev/null/.local/share/pf
      caused by: `/dev/null` is a file, not a folder
    hint: choose another store, such as `--url sqlite:events.db`
    ");
}

#[test]
fn a_working_folder_is_needed_only_for_relative_paths() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    let url = format!("sqlite://{}", pf.path("events.db").display());
    let script = r#"mkdir gone && cd gone && rmdir ../gone && exec "$0" "$@""#;
    let run = |url: &str| {
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", script])
            .arg(crate::harness::program())
            .args(["tail", "--until-end", "-o", "data", "--url", url])
            .env("HOME", pf.path(""))
            .current_dir(pf.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        pf.finish(command.spawn().unwrap())
    };
    assert_eq!(run(&url).succeeded().stdout(), "1\n");
    let refused = run("sqlite:events.db");
    assert_eq!(refused.code(), Some(78), "{refused}");
    assert!(
        refused
            .stderr()
            .contains("the working folder does not exist"),
        "{refused}"
    );
}

#[test]
fn white_space_and_a_trailing_slash_in_a_store_are_refused() {
    let pf = Pf::bare();
    for url in ["sqlite:a\tb.db", "sqlite:a.db\n", "sqlite:a.db "] {
        let run = pf.run(&["publish", "a", "1", "--url", url]);
        assert_eq!(run.code(), Some(78), "{run}");
        assert!(run.stderr().contains("which a URL cannot hold"), "{run}");
        assert!(run.stderr().contains("hint: write it as `%"), "{run}");
    }
    assert_snapshot!(pf.run(&["publish", "a", "1", "--url", "sqlite:a\tb.db"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: --url is not a valid store URL
      caused by: it has a tab, which a URL cannot hold
    hint: write it as `%09` if the name has it
    ");
    assert_snapshot!(pf.run(&["publish", "a", "1", "--url", "sqlite:a.db/"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: sqlite: `[HOME]/a.db/` names a folder: it ends with `/`
    hint: name a file, as in `sqlite:some/file.db`
    ");
    assert_eq!(
        fs::read_dir(pf.path("")).unwrap().count(),
        0,
        "nothing was created"
    );
    let _ = pf
        .run(&["publish", "a", "1", "--url", "sqlite:a%09b.db"])
        .succeeded();
    assert!(pf.path("a\tb.db").exists());
}

#[test]
fn a_parent_folder_is_left_to_the_system() {
    let pf = Pf::bare();
    fs::create_dir_all(pf.path("real/deep")).unwrap();
    symlink("real/deep", pf.path("link")).unwrap();
    let absolute = format!("sqlite://{}/link/../store.db", pf.path("").display());
    let _ = pf
        .run(&["publish", "a", "1", "--url", &absolute])
        .succeeded();
    let _ = pf
        .run(&["publish", "a", "2", "--url", "sqlite:link/../store.db"])
        .succeeded();
    assert!(pf.path("real/store.db").exists());
    assert!(!pf.path("store.db").exists());
    let _ = pf
        .run(&["context", "add", "dots", "--url", "sqlite:link/../store.db"])
        .succeeded();
    let run = pf.run(&["tail", "--until-end", "-o", "data", "--context", "dots"]);
    assert_eq!(run.succeeded().stdout(), "1\n2\n");
    let nested = [
        "consume",
        "a",
        "-g",
        "g",
        "--count",
        "2",
        "--context",
        "dots",
        "--",
    ];
    let program = crate::harness::program().display().to_string();
    let run = pf.run(&[&nested[..], &[&program, "publish", "b", "3"]].concat());
    let _ = run.succeeded();
    let run = pf.run(&[
        "tail",
        "b",
        "--until-end",
        "-o",
        "data",
        "--context",
        "dots",
    ]);
    assert_eq!(run.succeeded().stdout(), "3\n3\n");
}

/// Prepares a folder with every kind of wrong path.
fn with_wrong_paths() -> Pf {
    let pf = Pf::bare();
    pf.write("file", "text");
    symlink("nowhere/at/all", pf.path("dangling")).unwrap();
    symlink("loop", pf.path("loop")).unwrap();
    pf
}

#[test]
fn a_store_at_a_wrong_path_is_named_as_such() {
    let pf = with_wrong_paths();
    let long = format!("sqlite:{}.db", "x".repeat(300));
    let deep = format!("sqlite:{}x.db", "folder/".repeat(80));
    for (url, code, problem) in [
        (
            "sqlite:dangling",
            78,
            "/dangling` is a link to `nowhere/at/all`, which does not exist",
        ),
        (
            "sqlite:dangling/x.db",
            78,
            "/dangling` is a link to `nowhere/at/all`, which does not exist",
        ),
        (
            "sqlite:loop",
            78,
            "/loop` is a link that leads back to itself",
        ),
        (
            "sqlite:loop/x.db",
            78,
            "/loop` is a link that leads back to itself",
        ),
        ("sqlite:file/x.db", 78, "/file` is a file, not a folder"),
        (
            &long,
            78,
            "the name `xxxxxxxxxxxxxxxxxxxx…` is too long: 303 bytes, at most 255",
        ),
        (&deep, 78, "SQLite takes up to 503"),
    ] {
        for create in [&[][..], &["--create"]] {
            let args = [&["publish", "a", "1", "--url", url], create].concat();
            let run = pf.run(&args);
            assert_eq!(run.code(), Some(code), "{args:?}: {run}");
            assert!(run.stderr().contains(problem), "{args:?}: {run}");
            assert!(run.stderr().contains("hint: "), "{args:?}: {run}");
        }
        let run = pf.run(&["tail", "--until-end", "--url", url]);
        let is_missing = url.contains("dangling") || url == deep;
        assert_eq!(run.code(), Some(if is_missing { 1 } else { code }), "{run}");
        assert!(url == deep || run.stderr().contains(problem), "{run}");
    }
    symlink("file.db", pf.path("ahead")).unwrap();
    let _ = pf
        .run(&["publish", "a", "1", "--url", "sqlite:ahead"])
        .succeeded();
    assert!(
        pf.path("file.db").exists(),
        "a link may be there before its file"
    );
}

#[test]
fn other_files_at_a_wrong_path_are_named_as_such() {
    let pf = with_wrong_paths().env("PF_URL", "sqlite:events.db");
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    let long = "x".repeat(300);
    let wrong = [
        (
            "dangling",
            "dangling` is a link to `nowhere/at/all`, which does not exist",
        ),
        ("loop", "loop` is a link that leads back to itself"),
        ("file/x", "file` is a file, not a folder"),
        (&long, "is too long: 300 bytes, at most 255"),
    ];
    for (path, problem) in wrong {
        let program = format!("./{path}");
        let run = pf.run(&["consume", "a", "-g", "g", "--count", "1", "--", &program]);
        assert_eq!(run.code(), Some(78), "{run}");
        assert!(run.stderr().contains(problem), "{path}: {run}");
        for args in [&["man", "--dir", path][..], &["dlq", "list", "--ids", path]] {
            let run = pf.run(args);
            assert_eq!(run.code(), Some(1), "{run}");
            assert!(run.stderr().contains(problem), "{args:?}: {run}");
        }
        let other = Pf::bare().env("XDG_CONFIG_HOME", &pf.path(path).display().to_string());
        let run = other.run(&["context", "add", "a", "--url", "memory:"]);
        assert_eq!(run.code(), Some(78), "{run}");
        assert!(run.stderr().contains(problem), "{path}: {run}");
        let config = format!(
            "[contexts.a]\nurl = \"nats://me@host\"\npassword_file = \"{}\"",
            pf.path(path).display()
        );
        pf.write(".config/pf/config.toml", config);
        let run = pf.run(&["tail", "--context", "a"]);
        assert_eq!(run.code(), Some(78), "{run}");
        assert!(run.stderr().contains(problem), "{path}: {run}");
        fs::remove_file(pf.path(".config/pf/config.toml")).unwrap();
    }
}
