//! Takes out of an output what differs from run to run: times, ids, short durations.

use std::{collections::HashSet, path::Path, sync::OnceLock};

/// Replaces times, ULIDs, ids of dead letters and durations in milliseconds.
pub fn normalise(text: &str) -> String {
    let mut normal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = time(rest.as_bytes()) {
            normal += "[TIME]";
            rest = &rest[length..];
            continue;
        }
        let word = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let length = if word == 0 { first.len_utf8() } else { word };
        normal += name(&rest[..length]).unwrap_or(&rest[..length]);
        rest = &rest[length..];
    }
    normal
}

/// Returns the length of an RFC 3339 time at the start, if there is one.
fn time(text: &[u8]) -> Option<usize> {
    let shape = b"0000-00-00T00:00:00";
    let start = text.get(..shape.len())?;
    let fits = start.iter().zip(shape).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        shape => byte == shape,
    });
    let rest = &text[shape.len()..];
    let fraction = rest
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    let zone = match rest.get(fraction) {
        Some(b'Z') => 1,
        Some(b'+' | b'-') => 6,
        _ => return None,
    };
    fits.then_some(shape.len() + fraction + zone)
}

fn name(word: &str) -> Option<&'static str> {
    let ulid = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"ILOU".contains(c));
    let letter = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
    if word.len() == 26 && word.starts_with("01") && word.chars().all(ulid) {
        return Some("[ULID]");
    }
    if word.len() == 12 && word.chars().all(letter) && !words().contains(word) {
        return Some("[LETTER]");
    }
    let number = word.strip_suffix("ms").unwrap_or_default();
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some("[MS]")
}

/// Words of twelve letters that the program itself uses.
fn words() -> &'static HashSet<String> {
    static WORDS: OnceLock<HashSet<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        // What the parser of the command line says.
        let mut words = HashSet::from(["unrecognized".to_owned()]);
        collect(
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../src")),
            &mut words,
        );
        words
    })
}

fn collect(folder: &Path, words: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, words);
        } else {
            let code = std::fs::read_to_string(&path).unwrap();
            let all = code.split(|c: char| !c.is_ascii_alphanumeric());
            words.extend(all.filter(|word| word.len() == 12).map(str::to_owned));
        }
    }
}
