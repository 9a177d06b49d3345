//! Commands that cannot be run, input that is not what it should be, and help that cannot be written: what the hint says.

use std::{fs, os::unix::fs::PermissionsExt as _};

use insta::assert_snapshot;

use crate::harness::{Pf, Run};

/// Consumes one event with a program.
fn consume(pf: &Pf, words: &[&str]) -> Run {
    let args = ["consume", "a", "-g", "g", "--count", "1", "--"];
    pf.run(&[&args[..], words].concat())
}

fn with_program(text: &str) -> Pf {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "a", "1"]).succeeded();
    pf.write("handle.sh", text);
    fs::set_permissions(pf.path("handle.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    pf
}

#[test]
fn windows_line_ends_are_named() {
    let pf = with_program("#!/bin/sh\r\nexit 0\r\n");
    assert_snapshot!(consume(&pf, &["./handle.sh"]), @r"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./handle.sh
    error: the handler cannot run: cannot run `./handle.sh`: No such file or directory (os error 2)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: `./handle.sh` has Windows line ends, so its interpreter is not found: `sed -i 's/\r$//' ./handle.sh` removes them
    ");
    let pf = with_program("#!/usr/bin/env bash\r\nexit 0\r\n");
    assert_snapshot!(consume(&pf, &["./handle.sh"]), @r"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./handle.sh
    /usr/bin/env: 'bash\r': No such file or directory
    /usr/bin/env: use -[v]S to pass options in shebang lines
    error: the handler cannot run: exit status 127: /usr/bin/env: use -[v]S to pass options in shebang lines
    hint: the event went back without losing an attempt; run this again once the command works
    hint: `./handle.sh` has Windows line ends, so its interpreter is not found: `sed -i 's/\r$//' ./handle.sh` removes them
    ");
}

#[test]
fn a_missing_interpreter_is_named() {
    let pf = with_program("#!/opt/no/such/python\nexit()\n");
    assert_snapshot!(consume(&pf, &["./handle.sh"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./handle.sh
    error: the handler cannot run: cannot run `./handle.sh`: No such file or directory (os error 2)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: its interpreter `/opt/no/such/python` does not exist: install it, or correct the first line of `./handle.sh`
    ");
    let pf = with_program("#!/usr/bin/env no-such-python\nexit()\n");
    assert_snapshot!(consume(&pf, &["./handle.sh"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./handle.sh
    /usr/bin/env: 'no-such-python': No such file or directory
    error: the handler cannot run: exit status 127: /usr/bin/env: 'no-such-python': No such file or directory
    hint: the event went back without losing an attempt; run this again once the command works
    hint: its interpreter `no-such-python` does not exist: install it, or correct the first line of `./handle.sh`
    ");
    let pf = with_program("exit 0\n");
    assert_snapshot!(consume(&pf, &["./handle.sh"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./handle.sh
    error: the handler cannot run: cannot run `./handle.sh`: Exec format error (os error 8)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: `./handle.sh` has no first line that names its interpreter, such as `#!/bin/sh`
    ");
}

#[test]
fn a_command_line_in_one_word_is_named() {
    let pf = with_program("#!/bin/sh\nexit 0\n");
    assert_snapshot!(consume(&pf, &["./handle.sh --fast"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: './handle.sh --fast'
    error: the handler cannot run: cannot run `./handle.sh --fast`: No such file or directory (os error 2)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: the whole command line is one word; give each word by itself: `-- ./handle.sh --fast`, or run it in a shell: `-- sh -c './handle.sh --fast'`
    ");
    let run = pf.run(&[
        "consume", "a", "-g", "g", "--worker", "--count", "1", "--", "cat x",
    ]);
    assert!(run.stderr().contains("is one word"), "{run}");
    assert_eq!(run.code(), Some(78), "{run}");
    pf.write("a file", "#!/bin/sh\nexit 0\n");
    fs::set_permissions(pf.path("a file"), fs::Permissions::from_mode(0o755)).unwrap();
    let _ = consume(&pf, &["./a file"]).succeeded();
}

#[test]
fn a_program_that_is_not_one_is_named() {
    let pf = with_program("#!/bin/sh\nexit 0\n");
    assert_snapshot!(consume(&pf, &["handle.sh"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: handle.sh
    error: the handler cannot run: cannot run `handle.sh`: No such file or directory (os error 2)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: a program in the working folder needs its path: `./handle.sh`
    ");
    fs::set_permissions(pf.path("handle.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_snapshot!(consume(&pf, &["./handle.sh"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./handle.sh
    error: the handler cannot run: cannot run `./handle.sh`: Permission denied (os error 13)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: make it executable: `chmod +x ./handle.sh`
    ");
    fs::create_dir(pf.path("folder")).unwrap();
    assert_snapshot!(consume(&pf, &["./folder"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming a as group g: ./folder
    error: the handler cannot run: cannot run `./folder`: Permission denied (os error 13)
    hint: the event went back without losing an attempt; run this again once the command works
    hint: `./folder` is a folder, not a program
    ");
}

#[test]
fn two_json_documents_are_named() {
    let pf = Pf::new();
    assert_snapshot!(pf.run_with(&["publish", "a"], "{\"n\":1}\n{\"n\":2}\n"), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not valid JSON: trailing characters at line 2 column 1
    hint: the data is more than one JSON document: publish an event for each line of stdin with `--lines`
    ");
    assert_snapshot!(pf.run(&["publish", "a", "1 2"]), @r#"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not valid JSON: trailing characters at line 1 column 3
    hint: a JSON string needs quotes: '"text"'; text that is not JSON needs `--content-type text/plain`
    "#);
    let run = pf.run_with(&["publish", "a"], "[1]\n[2]");
    assert!(run.stderr().contains("`--lines`"), "{run}");
    let run = pf.run_with(&["publish", "a"], "{\"n\":1} x");
    assert!(!run.stderr().contains("--lines"), "{run}");
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_an_error() {
    use std::{fs::OpenOptions, process::Stdio};

    let pf = Pf::new();
    for args in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["help", "consume"],
        &["consume", "--help"],
        &["dlq", "--help"],
        &["dlq", "replay", "-h"],
        &["--version"],
        &["-V"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["man"],
        &["caps", "--offline", "--url", "memory:"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = pf.command(args);
        command
            .stdin(Stdio::null())
            .stdout(full)
            .stderr(Stdio::piped());
        let run = pf.finish(command.spawn().unwrap());
        assert_eq!(run.code(), Some(1), "{args:?}: {run}");
        assert!(run.stderr().contains("error: "), "{args:?}: {run}");
        assert!(
            run.stderr().contains("No space left on device"),
            "{args:?}: {run}"
        );
    }
    assert_eq!(pf.run(&["--help"]).code(), Some(0));
    assert_eq!(pf.run(&["--version"]).code(), Some(0));
    assert_eq!(pf.run(&["--no-such-flag"]).code(), Some(2));
    assert_eq!(pf.run(&[]).code(), Some(2));
}
