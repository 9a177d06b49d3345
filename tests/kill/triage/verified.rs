//! `pf dlq jobs show JOB --verify` against what the independent reader sees.

use std::collections::BTreeSet;

use super::fixture::{Seen, json, output};
use crate::store::Store;

/// Verifies these jobs, and fails unless each answer is what the reader sees and every replay is in one of them.
pub fn agrees(store: &Store, jobs: &BTreeSet<String>, seen: &Seen, what: &str) {
    let mut proven = BTreeSet::new();
    for job in jobs {
        let verified = output(
            store,
            &["dlq", "jobs", "show", job, "--verify", "-o", "json"],
        );
        let lines = json(&verified.stdout);
        let Some((summary, letters)) = lines.split_last() else {
            // Its plan was interrupted, so that it never began.
            assert_eq!(verified.status.code(), Some(1), "{what}: {job}");
            continue;
        };
        let mut all_once = true;
        for letter in letters {
            let id = letter["id"].as_str().unwrap();
            let count = seen.replays.get(id).copied().unwrap_or(0);
            let found = letter["found"].as_str().unwrap();
            let expected: &[_] = match count {
                0 => &["not_replayed", "missing", "unknown"],
                // Its original is still there: another job replayed it as edited, and has it in its list.
                1 if seen.left.contains(id) => &["once", "not_replayed"],
                1 => &["once"],
                _ => &["twice"],
            };
            assert!(
                expected.contains(&found),
                "{what}: {job}: {id} is {found}, and is there {count} times: {letter}"
            );
            all_once &= found == "once";
            if found == "once" {
                proven.insert(id.to_owned());
            }
        }
        let code = if all_once { 0 } else { 4 };
        assert_eq!(verified.status.code(), Some(code), "{what}: {summary}");
        assert_eq!(summary["letters"], letters.len(), "{what}: {summary}");
    }
    let replayed: BTreeSet<_> = seen.replays.keys().cloned().collect();
    assert_eq!(proven, replayed, "{what}: replayed and in no list");
}
