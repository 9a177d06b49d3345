//! What breaks a rule of the shape of the code, and the failure that says so.

use std::collections::BTreeMap;

/// What breaks a rule, by what names it, with what to do about it.
pub(crate) type Broken = BTreeMap<String, String>;

/// Fails with what to do if anything breaks the rule.
pub(crate) fn assert_kept(rule: &str, broken: &Broken) {
    let mut advice: Vec<_> = broken.values().map(String::as_str).collect();
    advice.sort_unstable();
    advice.dedup();
    assert!(advice.is_empty(), "{rule}\n\n{}", advice.join("\n"));
}
