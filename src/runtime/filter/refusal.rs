//! Why a filter does not compile, on one line with the place in it.

use jaq_core::{
    compile,
    load::{self, lex, parse},
};

/// The longest quotation in an error.
pub(super) const MAX_QUOTE: usize = 40;

/// Error of a filter, on one line with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(pub String);

pub(super) fn load_error(text: &str, errors: &load::Errors<&str, ()>) -> FilterError {
    let first = errors.first().map(|(_, error)| match error {
        load::Error::Io(list) => list
            .first()
            .map(|(part, why)| format!("{why} {}", place(text, part))),
        load::Error::Lex(list) => list.first().map(|(expected, found)| {
            format!("expected {} {}", token(expected), place(text, found))
        }),
        load::Error::Parse(list) => list
            .first()
            .map(|(expected, found)| format!("expected {} {}", term(expected), place(text, found))),
    });
    FilterError(first.flatten().unwrap_or_else(|| "not valid jq".to_owned()))
}

fn token(expected: &lex::Expect<&str>) -> String {
    match expected {
        lex::Expect::Token => "valid jq".to_owned(),
        other => format!("a {}", other.as_str()),
    }
}

fn term(expected: &parse::Expect<&str>) -> String {
    match expected {
        parse::Expect::Just(text) => format!("`{text}`"),
        parse::Expect::Nothing => "the end".to_owned(),
        parse::Expect::Key => "a field name".to_owned(),
        other => format!("a {}", other.as_str()),
    }
}

pub(super) fn compile_error(text: &str, errors: &compile::Errors<&str, ()>) -> FilterError {
    let first = errors.first().and_then(|(_, list)| list.first());
    FilterError(first.map_or_else(
        || "not valid jq".to_owned(),
        |(name, undefined)| {
            let what = match undefined {
                compile::Undefined::Filter(arity) => format!("no function `{name}/{arity}`"),
                other => format!("no {} `{name}`", other.as_str()),
            };
            format!("there is {what} {}", place(text, name))
        },
    ))
}

/// Returns the place of a part of the filter, with a quotation.
fn place(text: &str, part: &str) -> String {
    let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    match text.get(start..) {
        Some("") => "at the end".to_owned(),
        Some(rest) => {
            let column = text[..start].chars().count() + 1;
            format!("at column {column}: `{}`", quote(rest, MAX_QUOTE))
        }
        None => "in it".to_owned(),
    }
}

/// Returns the text on one line, cut to a number of characters.
pub(super) fn quote(text: &str, most: usize) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}
