//! Edits that read and change nothing but the event, recognised by their text.
//!
//! They are most of those that are written by hand: assignments of constants, and updates of a value by itself. For these, the rest
//! of a record need not be written and parsed. What is not plainly one of them counts as reading everything.

/// Words of jq by which a value may come from elsewhere than its syntax says.
const WORDS: [&str; 8] = [
    "as", "def", "foreach", "import", "include", "input", "label", "reduce",
];

/// Reports whether an edit is a chain of assignments to paths in `.event`, each by a constant or an update by the value itself.
pub(super) fn is_event_edit(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    if !has_plain_strings(text) || words.any(|word| WORDS.contains(&word)) {
        return false;
    }
    let Some(steps) = steps(text) else {
        return false;
    };
    steps.iter().all(|step| is_assignment(step.trim()))
}

/// Reports whether there are no comments and variables, and no strings with escapes or other programs in them.
fn has_plain_strings(text: &str) -> bool {
    !text.contains(['#', '$', '\\']) && text.matches('"').count().is_multiple_of(2)
}

/// Splits a program at its pipes; none if it has brackets that do not match, or commas outside of them.
fn steps(text: &str) -> Option<Vec<&str>> {
    let (mut steps, mut start, mut depth, mut is_string) = (Vec::new(), 0, 0_usize, false);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => return None,
            b'/' if depth == 0 && bytes.get(at + 1) == Some(&b'/') => return None,
            b'|' if depth == 0 && bytes.get(at + 1) != Some(&b'=') => {
                steps.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    steps.push(&text[start..]);
    (depth == 0 && !is_string).then_some(steps)
}

fn is_assignment(step: &str) -> bool {
    let Some(rest) = step.strip_prefix(".event") else {
        return false;
    };
    let rest = after_path(rest).trim_start();
    if let Some(value) = rest.strip_prefix("|=") {
        // What is behind it gets the value at the path, and nothing else.
        return !value.trim().is_empty();
    }
    let operators = ["=", "+=", "-=", "*="];
    let constant = operators
        .iter()
        .find_map(|operator| rest.strip_prefix(operator));
    constant.is_some_and(|text| serde_json::from_str::<serde_json::Value>(text).is_ok())
}

/// Returns what is behind the names of a path.
fn after_path(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let end = end.unwrap_or(rest.len());
        if end == 0 || rest.as_bytes()[0].is_ascii_digit() {
            break;
        }
        text = &rest[end..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::is_event_edit;

    #[test]
    fn assignments_to_the_event_read_nothing_else() {
        for text in [
            ".event.data.total = 1",
            ".event.data.currency=\"EUR\"",
            ".event.data.total |= tonumber | .event.data.edited = true",
            ".event.data.items |= map(.n + 1)",
            ".event.data |= (.a = .b | .c = 1)",
            ".event.data.n += 1",
            ".event |= del(.source)",
        ] {
            assert!(is_event_edit(text), "{text}");
        }
    }

    #[test]
    fn whatever_may_read_the_rest_of_the_record_is_told_apart() {
        for text in [
            ".",
            ".event",
            ".event.data.n = .message.key",
            ".event.data.n = (.event.data.n | tostring)",
            ".event.data.n |= . // .message",
            ".event.data.n |= 1, .message",
            ".event.data.n = 1 | .message.key = 2",
            ". as $all | .event.data.n |= $all.message.key",
            ".event.data.n |= . as $n | .message",
            ".event.data.n = \"\\(.message.key)\"",
            ".event.data.n |= \"\\(.)\"",
            ".events.n = 1",
            ".event[\"data\"] = 1",
            ".event.data = 1 # | .message = 2",
            ".event.data.n |= (1",
            "del(.event.data)",
            ".event.data.n = .event",
        ] {
            assert!(!is_event_edit(text), "{text}");
        }
    }
}
