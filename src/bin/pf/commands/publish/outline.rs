//! The outline of JSON, byte by byte: where objects, arrays and strings begin and end. Numbers, words and escapes are left to
//! the parser that reads the whole value.

/// Deeper values are refused by every parser of events.
const DEEPEST: usize = 128;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
}

/// The token that the last byte was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    String,
    Escape,
    /// A number, `true`, `false` or `null`.
    Word,
}

/// An object or array that is being read.
#[derive(Debug)]
pub struct Outline {
    /// The brackets that are open.
    open: Vec<u8>,
    expected: Expected,
    token: Token,
}

impl Outline {
    /// Creates an outline of which nothing was read.
    pub fn new() -> Self {
        Self {
            open: Vec::new(),
            expected: Expected::Value,
            token: Token::None,
        }
    }

    /// Returns how many objects and arrays are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Reports whether the last byte separated two values of an array.
    pub fn is_between_values(&self) -> bool {
        self.expected == Expected::Value && self.open.last() == Some(&b'[')
    }

    /// Reports whether the text begins an object or array that does not end in it, and is JSON so far.
    pub fn is_unfinished(text: &[u8]) -> bool {
        let mut outline = Self::new();
        let mut begun = false;
        for byte in text.iter().chain(b"\n") {
            if begun && outline.depth() == 0 || outline.step(*byte).is_err() {
                return false;
            }
            begun |= outline.depth() > 0;
        }
        outline.depth() > 0
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// The reason why this is not JSON.
    pub fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        match self.token {
            Token::String | Token::Escape => return self.step_in_string(byte),
            Token::Word if is_of_word(byte) => return Ok(()),
            Token::Word | Token::None => self.token = Token::None,
        }
        let takes_value = matches!(self.expected, Expected::Value | Expected::ValueOrEnd);
        let takes_name = matches!(self.expected, Expected::Name | Expected::NameOrEnd);
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'{' | b'[' if takes_value => return self.enter(byte),
            b'"' if takes_name => self.begin(Token::String, Expected::Colon),
            b'"' if takes_value => self.begin(Token::String, Expected::CommaOrEnd),
            b':' if self.expected == Expected::Colon => self.expected = Expected::Value,
            b',' if self.expected == Expected::CommaOrEnd => {
                self.expected = match self.open.last() {
                    Some(b'{') => Expected::Name,
                    _ => Expected::Value,
                };
            }
            b'}' | b']' if self.is_end(byte) => {
                self.open.pop();
                self.expected = Expected::CommaOrEnd;
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if takes_value => {
                self.begin(Token::Word, Expected::CommaOrEnd);
            }
            _ => return Err(self.wanted()),
        }
        Ok(())
    }

    fn step_in_string(&mut self, byte: u8) -> Result<(), &'static str> {
        self.token = match (self.token, byte) {
            (_, b'\r' | b'\n') => return Err("a string does not end"),
            (_, 0..0x20) => return Err("a string contains a control character"),
            (Token::String, b'\\') => Token::Escape,
            (Token::String, b'"') => Token::None,
            _ => Token::String,
        };
        Ok(())
    }

    fn begin(&mut self, token: Token, expected: Expected) {
        self.token = token;
        self.expected = expected;
    }

    fn enter(&mut self, bracket: u8) -> Result<(), &'static str> {
        if self.open.len() == DEEPEST {
            return Err("it is nested too deeply");
        }
        self.open.push(bracket);
        self.expected = match bracket {
            b'{' => Expected::NameOrEnd,
            _ => Expected::ValueOrEnd,
        };
        Ok(())
    }

    fn is_end(&self, bracket: u8) -> bool {
        match bracket {
            b'}' => {
                self.open.last() == Some(&b'{')
                    && matches!(self.expected, Expected::NameOrEnd | Expected::CommaOrEnd)
            }
            _ => {
                self.open.last() == Some(&b'[')
                    && matches!(self.expected, Expected::ValueOrEnd | Expected::CommaOrEnd)
            }
        }
    }

    fn wanted(&self) -> &'static str {
        match self.expected {
            Expected::Value | Expected::ValueOrEnd => "expected a value",
            Expected::Name | Expected::NameOrEnd => "expected a name in quotes",
            Expected::Colon => "expected `:`",
            Expected::CommaOrEnd => "expected `,` or the end of the object or array",
        }
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the depth behind the text, or what is wrong with it.
    fn read(text: &str) -> Result<usize, &'static str> {
        let mut outline = Outline::new();
        text.bytes().try_for_each(|byte| outline.step(byte))?;
        Ok(outline.depth())
    }

    #[test]
    fn the_end_is_where_brackets_close() {
        for text in [
            "{}",
            "[]",
            "[[],{}]",
            r#"{"a":1,"b":[true,null,-1.5e+3],"c":{"d":"}\"]\\"}}"#,
            "{\n  \"a\" :\t1\r\n}",
        ] {
            assert_eq!(read(text), Ok(0), "{text}");
            assert!(!Outline::is_unfinished(text.as_bytes()), "{text}");
            let cut = &text[..text.len() - 1];
            assert_eq!(read(cut), Ok(1), "{cut}");
            assert!(Outline::is_unfinished(cut.as_bytes()), "{cut}");
        }
    }

    #[test]
    fn what_is_not_json_is_found_at_once() {
        for (text, reason) in [
            ("{a", "expected a name in quotes"),
            ("{,", "expected a name in quotes"),
            ("{\"a\"}", "expected `:`"),
            ("{\"a\":}", "expected a value"),
            ("{\"a\":1,}", "expected a name in quotes"),
            ("[1,]", "expected a value"),
            ("[oops", "expected a value"),
            ("[1 2", "expected `,` or the end of the object or array"),
            ("[1}", "expected `,` or the end of the object or array"),
            ("[\"a\n", "a string does not end"),
            ("[\"a\\\n", "a string does not end"),
            ("[\"a\u{1}", "a string contains a control character"),
        ] {
            assert_eq!(read(text), Err(reason), "{text}");
            assert!(!Outline::is_unfinished(text.as_bytes()), "{text}");
        }
        assert_eq!(read(&"[".repeat(129)), Err("it is nested too deeply"));
    }

    #[test]
    fn every_prefix_of_a_value_is_unfinished() {
        let text = r#"{"a":[1,2.5,{"b":null}],"c":"xy","d":false}"#;
        let in_string = |end: usize| text[..end].matches('"').count() % 2 == 1;
        for end in (1..text.len()).filter(|end| !in_string(*end)) {
            assert!(Outline::is_unfinished(&text.as_bytes()[..end]), "{end}");
        }
        assert!(!Outline::is_unfinished(b""));
        assert!(!Outline::is_unfinished(b"1"));
        assert!(!Outline::is_unfinished(b"{}{"));
    }
}
