//! What one file imports, in `use` and in paths of its code, and what it defines.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    source::{Source, take_apart},
    tokens::{Token, is_word, tokens},
};

/// A path in a file, from a `use` or from the code.
pub(crate) struct Written {
    pub line: usize,
    pub segments: Vec<String>,
    /// The name under which a `use` brings it in.
    pub name: Option<String>,
}

/// A file, what it imports and what it has.
pub(crate) struct Module {
    pub file: usize,
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    pub paths: Vec<Written>,
    /// Paths by the names under which `use` brings them in.
    pub names: BTreeMap<String, Vec<String>>,
    pub globs: Vec<Vec<String>>,
    pub defined: BTreeSet<String>,
    /// How often each word stands outside of `use`.
    words: BTreeSet<String>,
    is_root_of_folder: bool,
}

impl Module {
    /// A `mod.rs` that only passes a name of a child on does not depend on it.
    pub(crate) fn only_re_exports(&self, path: &Written) -> bool {
        let Some(name) = &path.name else { return false };
        let first = path.segments[0].as_str();
        let is_below = first == "self" || self.children.contains_key(first);
        self.is_root_of_folder && is_below && !self.words.contains(name)
    }

    /// Reads a file.
    pub(crate) fn read(file: usize, source: &Source) -> Self {
        let code = take_apart(source.shipped()).code;
        let name = source.path.rsplit('/').next().unwrap();
        let mut module = Self {
            file,
            parent: None,
            children: BTreeMap::new(),
            paths: Vec::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
            defined: BTreeSet::new(),
            words: BTreeSet::new(),
            is_root_of_folder: matches!(name, "mod.rs" | "lib.rs" | "main.rs"),
        };
        let tokens = tokens(&code);
        let mut at = 0;
        while at < tokens.len() {
            let token = &tokens[at];
            let follows = tokens.get(at + 1).map_or("", |next| next.text.as_str());
            match token.text.as_str() {
                "use" => at = module.read_use(&tokens, at + 1),
                // `pub(in path)` says who may look, and imports nothing.
                "pub" if follows == "(" => {
                    let rest = &tokens[at..];
                    at += rest
                        .iter()
                        .position(|token| token.text == ")")
                        .unwrap_or(rest.len());
                }
                "struct" | "enum" | "trait" | "fn" | "const" | "static" | "type" | "union"
                | "mod" => {
                    module.defined.insert(follows.to_owned());
                    at += 1;
                }
                _ if follows == "::" && is_word(&token.text) => at = module.read_path(&tokens, at),
                word => {
                    module.words.insert(word.to_owned());
                    at += 1;
                }
            }
        }
        module
    }

    /// Reads a path in the code, and returns where it ends.
    fn read_path(&mut self, tokens: &[Token], mut at: usize) -> usize {
        let line = tokens[at].line;
        let mut segments = vec![tokens[at].text.clone()];
        self.words.insert(tokens[at].text.clone());
        while tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && tokens.get(at + 2).is_some_and(|next| is_word(&next.text))
        {
            segments.push(tokens[at + 2].text.clone());
            at += 2;
        }
        let name = None;
        self.paths.push(Written {
            line,
            segments,
            name,
        });
        at + 1
    }

    /// Reads the tree of a `use`, and returns where it ends.
    fn read_use(&mut self, tokens: &[Token], mut at: usize) -> usize {
        let mut stack: Vec<Vec<String>> = Vec::new();
        let mut path: Vec<String> = Vec::new();
        // Whether a name has come since the last comma or brace.
        let mut is_named = false;
        while let Some(token) = tokens.get(at) {
            match token.text.as_str() {
                "{" => {
                    stack.push(path.clone());
                    is_named = false;
                }
                "::" => {}
                "as" => {
                    at += 1;
                    let alias = tokens[at].text.clone();
                    self.bring_in(token.line, &path, Some(alias));
                    is_named = false;
                }
                end @ ("," | "}" | ";") => {
                    if is_named {
                        self.bring_in(token.line, &path, None);
                    }
                    is_named = false;
                    if end == ";" {
                        return at + 1;
                    }
                    path = match end {
                        "}" => stack.pop().unwrap_or_default(),
                        _ => stack.last().cloned().unwrap_or_default(),
                    };
                }
                word => {
                    path.push(word.to_owned());
                    is_named = true;
                }
            }
            at += 1;
        }
        at
    }

    fn bring_in(&mut self, line: usize, path: &[String], alias: Option<String>) {
        let Some(last) = path.last() else { return };
        let mut segments = path.to_vec();
        if last == "*" {
            segments.pop();
            self.globs.push(segments.clone());
        } else if last == "self" && path.len() > 1 {
            segments.pop();
        }
        let name = alias.unwrap_or_else(|| segments.last().cloned().unwrap_or_default());
        if name != "_" {
            self.names.insert(name.clone(), segments.clone());
        }
        let name = Some(name);
        self.paths.push(Written {
            line,
            segments,
            name,
        });
    }
}
