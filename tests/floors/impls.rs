//! Which types have methods of their own in which file.

use std::collections::BTreeSet;

use super::{
    source::{Source, take_apart},
    tokens::{is_word, tokens},
};

/// Lists the types that have methods in a file which does not define them.
pub(crate) fn inherent_impls(source: &Source) -> Vec<(usize, String)> {
    let tokens = tokens(&take_apart(source.shipped()).code);
    let words: Vec<_> = tokens.iter().map(|token| token.text.as_str()).collect();
    let defines = |word: &str| matches!(word, "struct" | "enum" | "union" | "type" | "trait");
    let own_types: BTreeSet<_> = words
        .windows(2)
        .filter(|pair| defines(pair[0]))
        .map(|pair| pair[1])
        .collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("}", |before| words[before]);
        if token.text != "impl" || !matches!(before, "}" | ";" | "]" | "{" | "unsafe") {
            continue;
        }
        if let Some(name) = implemented(&words[at + 1..])
            && !own_types.contains(name)
        {
            found.push((token.line, name.to_owned()));
        }
    }
    found
}

/// Returns the type of an `impl` without a trait.
fn implemented<'a>(words: &[&'a str]) -> Option<&'a str> {
    let (mut depth, mut name) = (0, None);
    for word in words {
        match *word {
            "<" => depth += 1,
            ">" => depth -= 1,
            "for" if depth == 0 => return None,
            "{" | "where" => break,
            // Inside of a macro.
            "$" => return None,
            word if depth == 0 && is_word(word) => name = Some(word),
            _ => {}
        }
    }
    name
}
