//! jq filters over records: compiled once, without access to files, input, environment or exit.

mod event_edits;
mod refusal;

use std::{borrow::Cow, fmt, sync::Arc};

use jaq_core::{
    Compiler, Ctx, Vars, data,
    load::{self, Arena, File, Loader},
};
use jaq_json::Val;

pub use self::refusal::FilterError;
use self::refusal::{MAX_QUOTE, compile_error, load_error, quote};

/// Functions that reach outside of the record and are not available.
const OUTSIDE: [&str; 8] = [
    "debug",
    "debug_empty",
    "env",
    "halt",
    "halt_error",
    "input_line_number",
    "stderr",
    "stderr_empty",
];

/// Records nested deeper than this are refused rather than risking the stack.
const MAX_DEPTH: usize = 256;

/// The parts of a record that an edit must leave as they are.
const FIXED: [&str; 2] = ["message", "dead_letter"];

/// A compiled filter; clones share it.
#[derive(Clone)]
pub struct Filter {
    text: String,
    program: Arc<jaq_core::Filter<data::JustLut<Val>>>,
}

impl Filter {
    /// Compiles jq.
    ///
    /// # Errors
    /// If it is not valid jq; the error points at the place.
    pub fn compile(text: &str) -> Result<Self, FilterError> {
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .filter(|definition| !OUTSIDE.contains(&definition.name));
        let functions = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs())
            .filter(|(name, ..)| !OUTSIDE.contains(name));
        let arena = Arena::default();
        let file = File {
            code: text,
            path: (),
        };
        let modules = Loader::new(definitions)
            .load(&arena, file)
            .map_err(|errors| load_error(text, &errors))?;
        load::import(&modules, |_| Err("files cannot be read here".to_owned()))
            .map_err(|errors| load_error(text, &errors))?;
        let program = Compiler::default()
            .with_funs(functions)
            .compile(modules)
            .map_err(|errors| compile_error(text, &errors))?;
        Ok(Self {
            text: text.to_owned(),
            program: Arc::new(program),
        })
    }

    /// Returns the filter as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reports whether the first output for this record (one line of `-o json`) is neither `false` nor
    /// `null`. A filter without output does not match.
    ///
    /// # Errors
    /// If the filter fails on the record.
    pub fn matches(&self, record: &[u8]) -> Result<bool, FilterError> {
        let output = self.first_output(record)?;
        Ok(output.is_some_and(|value| !matches!(value, Val::Null | Val::Bool(false))))
    }

    /// Returns the only output for this record, as JSON on one line.
    ///
    /// # Errors
    /// If the filter fails on the record, or has no output.
    pub fn transform(&self, record: &[u8]) -> Result<String, FilterError> {
        let output = self.first_output(record)?;
        Ok(output.ok_or_else(no_output)?.to_string())
    }

    /// Reports whether it is an edit that plainly reads and changes nothing but `.event`: then [`edit_event`](Self::edit_event)
    /// needs a record with nothing else.
    #[must_use]
    pub fn is_event_edit(&self) -> bool {
        event_edits::is_event_edit(&self.text)
    }

    /// Returns the `.event` of the only output for this record, as JSON on one line.
    ///
    /// # Errors
    /// If the filter fails on the record, has no output, changes more than the event, or leaves none.
    pub fn edit_event(&self, record: &[u8]) -> Result<String, FilterError> {
        let input = parse_record(record)?;
        let fixed = FIXED.map(|name| (name, part(&input, name)));
        let output = self.run(input)?.ok_or_else(no_output)?;
        let mut fixed = fixed.into_iter();
        if let Some((name, _)) = fixed.find(|(name, before)| part(&output, name) != *before) {
            return Err(FilterError(format!(
                "the edit changes `.{name}`; only `.event` can be edited"
            )));
        }
        let event = part(&output, "event");
        let event = event.ok_or_else(|| FilterError("the edit leaves no `.event`".to_owned()))?;
        Ok(event.to_string())
    }

    fn first_output(&self, record: &[u8]) -> Result<Option<Val>, FilterError> {
        self.run(parse_record(record)?)
    }

    fn run(&self, input: Val) -> Result<Option<Val>, FilterError> {
        let context = Ctx::<data::JustLut<Val>>::new(&self.program.lut, Vars::new([]));
        let output = self.program.id.run((context, input)).next().transpose();
        output.map_err(|exception| {
            FilterError(match exception.get_err() {
                Ok(error) => quote(&error.to_string(), 3 * MAX_QUOTE),
                Err(_) => "the filter was stopped".to_owned(),
            })
        })
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter").field(&self.text).finish()
    }
}

fn parse_record(record: &[u8]) -> Result<Val, FilterError> {
    if depth(record) > MAX_DEPTH {
        return Err(FilterError(format!(
            "the record is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    jaq_json::read::parse_single(&without_lone_surrogates(record))
        .map_err(|error| FilterError(format!("the record is not JSON: {error}")))
}

fn no_output() -> FilterError {
    FilterError("it has no output".to_owned())
}

/// Returns a member of an object; objects share it until one of them changes it.
fn part(value: &Val, name: &str) -> Option<Val> {
    match value {
        Val::Obj(members) => members.get(&Val::utf8_str(name.to_owned())).cloned(),
        _ => None,
    }
}

/// Replaces escapes of lone surrogates, which JSON may have and text may not, by one of U+FFFD.
fn without_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Cow::Borrowed(json);
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'\\', &json[at..]) {
        let escape = at + next;
        at = escape + 2;
        match surrogate(json, escape) {
            Some(0xd800..=0xdbff) if matches!(surrogate(json, escape + 6), Some(0xdc00..)) => {
                at = escape + 12;
            }
            Some(_) => out.to_mut()[escape..escape + 6].copy_from_slice(b"\\ufffd"),
            None => {}
        }
        if at > json.len() {
            break;
        }
    }
    out
}

/// Returns the surrogate whose escape is at this place.
fn surrogate(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

/// Returns how deep arrays and objects are nested in a JSON text.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    loop {
        let rest = bytes.as_slice();
        let Some(at) = memchr::memchr2(b'"', b'\\', rest) else {
            *bytes = [].iter();
            return;
        };
        let end = rest[at] == b'"';
        let next = at + if end { 1 } else { 2 };
        *bytes = rest.get(next..).unwrap_or_default().iter();
        if end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(filter: &str, record: &str) -> bool {
        Filter::compile(filter)
            .unwrap()
            .matches(record.as_bytes())
            .unwrap()
    }

    fn error(filter: &str) -> String {
        Filter::compile(filter).unwrap_err().to_string()
    }

    #[test]
    fn the_first_output_decides() {
        assert!(says(".a == 1", r#"{"a":1}"#));
        assert!(!says(".a == 1", r#"{"a":2}"#));
        assert!(says(".a", r#"{"a":0}"#));
        assert!(!says(".a", "{}"));
        assert!(!says("empty", "{}"));
        assert!(!says("false, true", "{}"));
        assert!(says(r#".a | test("^x")"#, r#"{"a":"xy"}"#));
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert!(says(".a == 9007199254740993", r#"{"a":9007199254740993}"#));
        assert!(!says(".a == 9007199254740993", r#"{"a":9007199254740992}"#));
        assert!(says(".a > 1e300", r#"{"a":1e400}"#));
        assert!(says(".a == 1", r#"{"a":1.0}"#));
    }

    #[test]
    fn a_lone_surrogate_is_read_as_a_replacement() {
        for text in [
            r"\ud800",
            r"\uDFFF",
            r"\udc00\ud800",
            r"\ud800\ud83d\ude00",
            r"\\\ud800",
        ] {
            let record = format!(r#"{{"a":"{text}"}}"#);
            assert!(says(".a | contains(\"\\ufffd\")", &record), "{text}");
        }
        assert!(says(".a == \"😀\"", r#"{"a":"\ud83d\ude00"}"#));
        assert!(says(".a == \"\\\\ud800\"", r#"{"a":"\\ud800"}"#));
        assert!(Filter::compile(".").unwrap().matches(b"\"\\").is_err());
    }

    #[test]
    fn errors_point_at_the_place() {
        assert_eq!(
            error(".event.type = = 1"),
            "expected a term at column 15: `= 1`"
        );
        assert_eq!(error(".a | "), "expected a term at the end");
        assert_eq!(
            error("slect(.a)"),
            "there is no function `slect/1` at column 1: `slect(.a)`"
        );
        assert_eq!(
            error(".a == $x"),
            "there is no variable `$x` at column 7: `$x`"
        );
        assert_eq!(error("(.a"), "expected a closing parenthesis at the end");
        assert_eq!(error(r#".a == "x"#), "expected a closing quote at the end");
        assert_eq!(error(""), "expected a term at the end");
    }

    #[test]
    fn nothing_outside_of_the_record_is_reached() {
        for text in [
            "env",
            "$ENV",
            "input",
            "inputs",
            "halt",
            "halt_error",
            "debug",
            "stderr",
            r#"import "a" as a; ."#,
            r#"import "a" as $a; $a"#,
            r#"include "a"; ."#,
        ] {
            assert!(Filter::compile(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failing_filter_says_why_in_one_line() {
        let filter = Filter::compile(".a.b").unwrap();
        let long = format!(r#"{{"a":"{}\n"}}"#, "x".repeat(10_000));
        let text = filter.matches(long.as_bytes()).unwrap_err().to_string();
        assert!(text.starts_with("cannot index \"xxx"), "{text}");
        assert!(text.chars().count() < 130 && !text.contains('\n'), "{text}");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!(
            "{{\"s\":\"[[\\\"[[\",\"a\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        let filter = Filter::compile(".a").unwrap();
        assert!(filter.matches(deep.as_bytes()).is_err());
        assert_eq!(depth(br#"{"a":"[[[\"[[[","b":[{}]}"#), 3);
    }

    #[test]
    fn filters_cross_threads() {
        fn check<T: Send + Sync>() {}
        check::<Filter>();
    }
}
