//! What differs between two events, by path and kind.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::NAMES;

/// Returns what differs between two values, by path; the index of an array does not count.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    differing_leaves(before, after, String::new(), (&mut old, &mut new));
    let mut found = BTreeSet::new();
    for (path, values) in &new {
        match old.get(path) {
            None => drop(found.insert(format!("+ {path}"))),
            Some(earlier) if earlier == values => {}
            Some(earlier) => {
                let (from, to) = (kinds(earlier), kinds(values));
                let kinds = if from == to {
                    String::new()
                } else {
                    format!(" {from} -> {to}")
                };
                found.insert(format!("~ {path}{kinds}"));
            }
        }
    }
    let gone = old.keys().filter(|path| !new.contains_key(*path));
    found.extend(gone.map(|path| format!("- {path}")));
    // These change with every edit.
    let is_own = |change: &String| NAMES.iter().any(|name| change[2..] == format!(".{name}"));
    found.into_iter().filter(|change| !is_own(change)).collect()
}

/// Collects the leaves of members that differ. Elements of arrays share a path, so that an array counts as a whole.
fn differing_leaves(
    before: &Value,
    after: &Value,
    path: String,
    (old, new): (&mut Leaves, &mut Leaves),
) {
    match (before, after) {
        (Value::Object(earlier), Value::Object(later))
            if !earlier.is_empty() && !later.is_empty() =>
        {
            for (name, value) in later {
                let path = || format!("{path}.{name}");
                match earlier.get(name) {
                    Some(same) if same == value => {}
                    Some(other) => differing_leaves(other, value, path(), (&mut *old, &mut *new)),
                    None => leaves(value, path(), new),
                }
            }
            for (name, value) in earlier {
                if !later.contains_key(name) {
                    leaves(value, format!("{path}.{name}"), old);
                }
            }
        }
        _ => {
            leaves(before, path.clone(), old);
            leaves(after, path, new);
        }
    }
}

/// Values by path.
type Leaves = BTreeMap<String, Vec<Value>>;

fn leaves(value: &Value, path: String, found: &mut Leaves) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                leaves(value, format!("{path}.{name}"), found);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for value in values {
                leaves(value, format!("{path}[]"), found);
            }
        }
        leaf => found.entry(path).or_default().push(leaf.clone()),
    }
}

fn kinds(values: &[Value]) -> String {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds: BTreeSet<_> = values.iter().map(kind).collect();
    kinds.into_iter().collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_named_by_path_and_kind() {
        let before = json!({"id": "1", "data": {"amount": "7", "items": [{"n": 1}], "old": true}});
        let after = json!({"id": "2", "data": {"amount": 7, "items": [{"n": 2}], "new": 1}});
        assert_eq!(
            changes(&before, &after),
            [
                "+ .data.new",
                "- .data.old",
                "~ .data.amount string -> number",
                "~ .data.items[].n"
            ]
        );
        assert_eq!(changes(&before, &before), [""; 0]);
    }
}
