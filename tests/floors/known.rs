//! Exceptions that are known: a file of them per rule, asserted exactly, so that none is added and none outlives its reason.

use std::{collections::BTreeMap, fs, path::PathBuf};

/// What breaks a rule, by what names it, with what to do about it.
pub(crate) type Broken = BTreeMap<String, String>;

/// Compares what breaks a rule with the exceptions that are known. `PF_FLOORS_UPDATE=1` writes them anew.
pub(crate) fn compare(rule: &str, broken: &Broken) {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/floors/known/{rule}.txt"));
    if std::env::var_os("PF_FLOORS_UPDATE").is_some() {
        let keys: Vec<_> = broken.keys().map(String::as_str).collect();
        let written = if keys.is_empty() {
            fs::remove_file(&file).or(Ok(()))
        } else {
            fs::write(&file, keys.join("\n") + "\n")
        };
        return written
            .unwrap_or_else(|error: std::io::Error| panic!("{}: {error}", file.display()));
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    let is_known = |key: &str| known.lines().any(|line| line == key);
    let mut new: Vec<_> = broken
        .iter()
        .filter(|(key, _)| !is_known(key))
        .map(|(_, advice)| advice.clone())
        .collect();
    new.sort();
    new.dedup();
    assert!(new.is_empty(), "{rule}\n\n{}", new.join("\n"));
    let gone: Vec<_> = known
        .lines()
        .filter(|line| !broken.contains_key(*line))
        .collect();
    assert!(
        gone.is_empty(),
        "these keep the rule now, take them out of {}:\n{}",
        file.display(),
        gone.join("\n")
    );
}
