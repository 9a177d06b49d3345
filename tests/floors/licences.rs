//! The program may be given away: every crate that it is built from has a licence that asks for no more than to be named.

use std::{env, process::Command};

use serde_json::Value;

use crate::broken::assert_kept;

/// The licences that are allowed.
const ALLOWED: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Crates that have a file with their licence, and no expression.
const IN_A_FILE: [(&str, &str); 1] = [("cloudevents-sdk", "Apache-2.0")];

/// Reports whether a licence expression can be met with licences that are allowed.
fn is_met(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ");
    let spaced = spaced.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let is_met = any(&mut words);
    is_met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>) -> bool {
    let mut is_met = all(words);
    while words.next_if_eq(&"OR").is_some() {
        is_met |= all(words);
    }
    is_met
}

fn all(words: &mut Words<'_>) -> bool {
    let mut is_met = one(words);
    while words.next_if_eq(&"AND").is_some() {
        is_met &= one(words);
    }
    is_met
}

fn one(words: &mut Words<'_>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        return any(words) & words.next_if_eq(&")").is_some();
    }
    let is_met = words.next().is_some_and(|name| ALLOWED.contains(&name));
    // An exception only adds to what is allowed.
    if words.next_if_eq(&"WITH").is_some() {
        words.next();
    }
    is_met
}

#[test]
fn expressions_are_read() {
    for met in [
        "MIT",
        "GPL-2.0-only OR MIT",
        "MIT/Apache-2.0",
        "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_met(met), "{met}");
    }
    for not_met in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT",
        "MIT MIT",
    ] {
        assert!(!is_met(not_met), "{not_met}");
    }
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let asked = Command::new(cargo)
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args(["--features", "full,conformance,failpoints"])
        .args(["--filter-platform", host.unwrap()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let crates = metadata["packages"].as_array().unwrap().iter();
    let foreign: Vec<_> = crates.filter(|one| !one["source"].is_null()).collect();
    assert!(foreign.len() > 100, "{}", foreign.len());
    let refused = foreign.iter().filter_map(|one| {
        let name = one["name"].as_str().unwrap();
        let in_a_file = IN_A_FILE.iter().find(|(known, _)| *known == name);
        let licence = one["license"]
            .as_str()
            .or(in_a_file.map(|(_, licence)| *licence));
        let licence = licence.unwrap_or_default();
        let advice = format!("{name} is under `{licence}`");
        (!is_met(licence)).then(|| (name.to_owned(), advice))
    });
    assert_kept(
        "every_crate_has_a_licence_that_is_allowed",
        &refused.collect(),
    );
}
