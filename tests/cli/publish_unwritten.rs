//! `pf publish` where what it prints cannot be written.

use std::{io::Write as _, process::Stdio};

use insta::{allow_duplicates, assert_snapshot};

use crate::{harness::Pf, publish::stored};

/// A place where nothing can be written.
fn full() -> std::fs::File {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).open("/dev/full").unwrap()
}

#[test]
fn a_receipt_that_cannot_be_written_is_told() {
    let pf = Pf::new();
    for args in [&["1"][..], &["--lines"][..]] {
        let mut publish = pf.command(&[&["publish", "a", "-o", "json", "-q"], args].concat());
        let mut child = publish
            .stdin(Stdio::piped())
            .stdout(full())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"2\n");
        allow_duplicates!(assert_snapshot!(pf.finish(child), @"
        exit: 4
        --- stdout

        --- stderr
        error: published, but the receipt could not be written
          caused by: No space left on device (os error 28)
        "));
    }
    assert_snapshot!(stored(&pf), @"
    1
    2
    ");
}

#[test]
fn nor_does_an_error_that_cannot_be_written_hide_what_is_stored() {
    let pf = Pf::new();
    let stream = ["publish", "a", "--lines", "-o", "json", "-q"];
    let mut publish = pf.command(&[&stream[..], &["--on-error", "continue"]].concat());
    let mut child = publish
        .stdin(Stdio::piped())
        .stdout(full())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = format!("1\n{}", "bad\n".repeat(2000));
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    assert_eq!(pf.finish(child).code(), Some(4));
}
