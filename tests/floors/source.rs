//! The files of the project as text, and as text without comments and strings.

use std::{collections::BTreeMap, path::Path};

/// A file of Rust.
pub(crate) struct Source {
    pub path: String,
    pub code: String,
}

impl Source {
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path == folder || self.path.starts_with(&format!("{folder}/"))
    }

    /// Returns the code without its tests, which stand at the end of a file.
    pub(crate) fn shipped(&self) -> &str {
        let end = self.code.find("#[cfg(test)]\nmod tests {");
        &self.code[..end.unwrap_or(self.code.len())]
    }

    /// Returns the shipped lines that are not comments.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = self.shipped().lines().map(str::trim);
        lines.filter(|line| !line.starts_with("//"))
    }

    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }
}

/// Reads every `.rs` file below a folder of the project, in order of their paths.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let code = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(path, code);
            }
        }
    }
    assert!(!found.is_empty());
    let source = |(path, code)| Source { path, code };
    found.into_iter().map(source).collect()
}

/// A piece of text and the line on which it begins.
pub(crate) struct Piece {
    pub text: String,
    pub line: usize,
}

/// A file taken apart: its code with blanks for comments and literals, and those for themselves.
#[derive(Default)]
pub(crate) struct Parts {
    pub code: String,
    pub comments: Vec<Piece>,
    pub strings: Vec<Piece>,
    /// Strings that are inline snapshots.
    pub snapshots: Vec<Piece>,
}

/// Takes a file apart. Line numbers stay as they are.
pub(crate) fn take_apart(code: &str) -> Parts {
    let mut parts = Parts::default();
    let (mut rest, mut line) = (code, 1);
    while !rest.is_empty() {
        let (length, kind) = token(rest);
        let text = &rest[..length];
        let is_snapshot = parts.code.ends_with('@');
        match kind {
            Kind::Code => parts.code.push_str(text),
            Kind::Comment | Kind::Text | Kind::Letter => {
                parts
                    .code
                    .extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                let text = text.to_owned();
                match kind {
                    Kind::Comment => parts.comments.push(Piece { text, line }),
                    Kind::Text if is_snapshot => parts.snapshots.push(Piece { text, line }),
                    Kind::Text => parts.strings.push(Piece { text, line }),
                    _ => {}
                }
            }
        }
        line += text.matches('\n').count();
        rest = &rest[length..];
    }
    parts
}

enum Kind {
    Code,
    Comment,
    Text,
    Letter,
}

/// Returns the length of what stands at the front, and what it is.
fn token(rest: &str) -> (usize, Kind) {
    let until = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (until("*/", 2), Kind::Comment);
    }
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    if word > 0 {
        let (word, behind) = rest.split_at(word);
        let hashes = behind.len() - behind.trim_start_matches('#').len();
        return match word {
            "r" | "br" | "cr" if behind[hashes..].starts_with('"') => {
                let end = format!("\"{}", "#".repeat(hashes));
                (until(&end, word.len() + hashes + 1), Kind::Text)
            }
            _ => (word.len(), Kind::Code),
        };
    }
    if rest.starts_with('"') {
        return (quoted(rest, '"'), Kind::Text);
    }
    if rest.starts_with('\'') {
        let mut letters = rest.chars().skip(1);
        let (first, second) = (letters.next(), letters.next());
        // A lifetime has no second quote right behind one letter.
        if first == Some('\\') || second == Some('\'') {
            return (quoted(rest, '\''), Kind::Letter);
        }
    }
    (rest.chars().next().map_or(1, char::len_utf8), Kind::Code)
}

/// Returns the length of a literal with escapes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}
