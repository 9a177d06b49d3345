//! Values that do not each stand on one line: pretty-printed ones, the elements of an array, and JSON text sequences (RFC
//! 7464). One value at a time is held, up to a limit.

use protoflow::event::without_byte_order_mark;

use super::{outline::Outline, place::Place};

/// Stands in front of each value of a JSON text sequence.
const RECORD_SEPARATOR: u8 = 0x1e;

/// Finds the values of a stream of bytes.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the place of the reader"
)]
pub struct Values {
    max: usize,
    outline: Outline,
    /// Whether the value is an array, whose elements count.
    is_array: bool,
    /// Elements that were found.
    elements: u64,
    /// The line on which the value, or the array, begins.
    begun: u64,
    /// The line on which the element begins.
    element_begun: u64,
    /// The value so far, on one line.
    value: Vec<u8>,
    is_too_long: bool,
    /// Whether only white space was read since the last line break.
    is_indent: bool,
    /// Whether a value may begin: at the start of a line, or behind a separator.
    may_begin: bool,
}

/// A value that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub place: Place,
    /// The value on one line; `None` if it is too long.
    pub value: Option<Vec<u8>>,
}

/// Returns a line without what may stand in front of its value: separators and a byte order mark.
pub fn start_of(mut line: &[u8]) -> &[u8] {
    while let [RECORD_SEPARATOR, rest @ ..] = line {
        line = rest;
    }
    without_byte_order_mark(line)
}

/// Reports whether a value that begins like this may have more than one line.
pub fn may_span_lines(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Reports whether a line begins an array, or an object that does not end on it.
pub fn goes_on(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'[') || Outline::is_unfinished(text)
}

impl Values {
    /// Expects the first value; those longer than `max` are dropped.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            outline: Outline::new(),
            is_array: false,
            elements: 0,
            begun: 0,
            element_begun: 0,
            value: Vec::new(),
            is_too_long: false,
            is_indent: false,
            may_begin: true,
        }
    }

    /// Reports whether no value has begun.
    pub fn is_idle(&self) -> bool {
        self.outline.depth() == 0
    }

    /// Reports whether the value that is being read is an object, not an array.
    pub fn is_object(&self) -> bool {
        !self.is_idle() && !self.is_array
    }

    /// Reports whether the value that was read last began on an earlier line than this.
    pub fn began_before(&self, line: u64) -> bool {
        self.begun < line
    }

    /// Gives up the value, and returns its place up to this line.
    pub fn give_up(&mut self, line: u64) -> Place {
        let begun = if self.is_idle() { line } else { self.begun };
        *self = Self {
            begun,
            ..Self::new(self.max)
        };
        Place::lines(begun, line)
    }

    /// Reads on until a value ends, or all bytes of this line are read.
    ///
    /// # Errors
    /// The reason why this is not JSON; the bytes behind the place are left.
    pub fn next(&mut self, bytes: &mut &[u8], line: u64) -> Result<Option<Found>, &'static str> {
        while let Some((byte, rest)) = bytes.split_first() {
            let found = if self.is_idle() {
                self.begin(*byte, line).map(|()| None)
            } else {
                self.step(*byte, line)
            };
            let found = found?;
            *bytes = rest;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn begin(&mut self, byte: u8, line: u64) -> Result<(), &'static str> {
        match byte {
            b'\n' | RECORD_SEPARATOR => self.may_begin = true,
            byte if byte.is_ascii_whitespace() => {}
            b'{' | b'[' if self.may_begin => {
                *self = Self::new(self.max);
                (self.begun, self.element_begun) = (line, line);
                self.is_array = byte == b'[';
                self.may_begin = false;
                self.outline.step(byte)?;
                if !self.is_array {
                    self.push(byte);
                }
            }
            _ if self.may_begin => return Err("expected an object"),
            _ => return Err("something follows the value"),
        }
        Ok(())
    }

    fn step(&mut self, byte: u8, line: u64) -> Result<Option<Found>, &'static str> {
        let before = self.outline.depth();
        self.outline.step(byte)?;
        let after = self.outline.depth();
        if !self.is_array {
            self.push(byte);
            return Ok((after == 0).then(|| self.take(Place::lines(self.begun, line))));
        }
        let is_separator =
            after == 0 || before == 1 && after == 1 && self.outline.is_between_values();
        if !is_separator {
            if self.value.is_empty() && !self.is_too_long {
                self.element_begun = line;
            }
            self.push(byte);
        }
        let is_container_end = (before, after) == (2, 1);
        let is_scalar_end = is_separator && (self.is_too_long || !self.value.is_empty());
        Ok((is_container_end || is_scalar_end).then(|| {
            let place = Place::element(self.element_begun, line, self.elements);
            self.elements += 1;
            self.take(place)
        }))
    }

    /// Appends a byte, unless it is a line break or the indentation behind one. In JSON these are never part of a string.
    fn push(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\r') {
            self.is_indent = true;
        }
        let is_space = byte.is_ascii_whitespace();
        if is_space && (self.is_indent || self.value.is_empty()) {
            return;
        }
        self.is_indent = false;
        if self.value.len() == self.max {
            self.is_too_long = true;
            self.value = Vec::new();
        }
        if !self.is_too_long {
            self.value.push(byte);
        }
    }

    fn take(&mut self, place: Place) -> Found {
        let value = std::mem::take(&mut self.value);
        let is_too_long = std::mem::take(&mut self.is_too_long);
        Found {
            place,
            value: (!is_too_long).then_some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns every value with its place, and the reason why reading ended early.
    fn all(text: &str, max: usize) -> Vec<String> {
        let mut values = Values::new(max);
        let mut found = Vec::new();
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let mut bytes = start_of(line.as_bytes());
            loop {
                match values.next(&mut bytes, number) {
                    Ok(None) => break,
                    Ok(Some(Found { place, value })) => {
                        let value = value.map_or("<too long>".into(), |value| {
                            String::from_utf8(value).unwrap()
                        });
                        found.push(format!("{place}: {value}"));
                    }
                    Err(reason) => {
                        found.push(format!("{}: {reason}", values.give_up(number)));
                        return found;
                    }
                }
            }
        }
        if !values.is_idle() {
            found.push("unfinished".to_owned());
        }
        found
    }

    #[test]
    fn a_pretty_value_is_put_on_one_line() {
        let text = "\u{feff}{\r\n  \"a\": \"b  c\",\n\n\t\"d\": [\n 1,\n 2 ]\n}\n\n{\"e\": 1}\n";
        assert_eq!(
            all(text, 100),
            [
                r#"lines 1 to 7: {"a": "b  c","d": [1,2 ]}"#,
                r#"line 9: {"e": 1}"#
            ]
        );
    }

    #[test]
    fn the_elements_of_an_array_are_values() {
        let expected = [
            r#"line 1: element [0]: {"a":[1]}"#,
            "line 1: element [1]: 2",
            r#"line 1: element [2]: "x,y""#,
            "line 1: element [3]: []",
        ];
        assert_eq!(all(r#"[{"a":[1]}, 2,"x,y",[]]"#, 100), expected);
        let pretty = "[\n  {\n    \"a\": 1\n  },\n  {\"b\": 2}\n]\n[]\n";
        assert_eq!(
            all(pretty, 100),
            [
                r#"lines 2 to 4: element [0]: {"a": 1}"#,
                r#"line 5: element [1]: {"b": 2}"#
            ]
        );
    }

    #[test]
    fn a_sequence_has_a_separator_before_each_value() {
        let text = "\u{1e}{\"a\":1}\n\u{1e}{\n\"b\":2}\n\u{1e}\u{1e}{}\u{1e}{}";
        assert_eq!(
            all(text, 100),
            [
                r#"line 1: {"a":1}"#,
                r#"lines 2 to 3: {"b":2}"#,
                "line 4: {}",
                "line 4: {}"
            ]
        );
    }

    #[test]
    fn what_is_too_long_is_dropped_alone() {
        let text = format!(
            "[{{\"a\":\"{}\"}},\n 2, {},3]\n{{\n}}",
            "x".repeat(50),
            "4".repeat(50)
        );
        assert_eq!(
            all(&text, 10),
            [
                "line 1: element [0]: <too long>",
                "line 2: element [1]: 2",
                "line 2: element [2]: <too long>",
                "line 2: element [3]: 3",
                "lines 3 to 4: {}"
            ]
        );
    }

    #[test]
    fn the_lines_of_a_malformed_value_are_named() {
        for (text, expected) in [
            ("{\n\"a\":\n}", "lines 1 to 3: expected a value"),
            ("{}x", "line 1: something follows the value"),
            ("x", "line 1: expected an object"),
            (
                "\n[1\n2]",
                "lines 2 to 3: expected `,` or the end of the object or array",
            ),
            ("{\"a\":\"b\n\"}", "line 1: a string does not end"),
            ("{\n", "unfinished"),
        ] {
            assert_eq!(all(text, 100).last().unwrap(), expected, "{text}");
        }
    }
}
