//! A scanner that steps over the tokens of JSON.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Counts the leading bytes that need no escape in a JSON string.
#[inline]
pub(in crate::event) fn plain_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        if let Some(at) = first_special(*chunk) {
            return bytes.len() - rest.len() + at;
        }
        rest = behind;
    }
    // What was seen before is looked at again, and has nothing special.
    if let Some(chunk) = bytes.last_chunk() {
        return first_special(*chunk).map_or(bytes.len(), |at| bytes.len() - 8 + at);
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Returns the index of the first byte that must be escaped in a JSON string.
#[inline]
fn first_special(chunk: [u8; 8]) -> Option<usize> {
    let word = u64::from_le_bytes(chunk);
    // What is below a byte borrows from it, and sets its top bit; above the first one the marks mean nothing.
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    let special = (control | quote | backslash) & !word & HIGH;
    (special != 0).then(|| (special.trailing_zeros() / 8) as usize)
}

pub(in crate::event) type Scan<T = ()> = Result<T, Flaw>;

/// The reason why text is not JSON.
#[derive(Debug, Clone, Copy)]
pub(in crate::event) enum Flaw {
    Behind,
    Colon,
    Control,
    Deep,
    Digit,
    Early,
    Escape,
    Name,
    Next,
    Open,
    Value,
}

impl Flaw {
    pub(in crate::event) fn text(self) -> &'static str {
        match self {
            Self::Behind => "something follows the object",
            Self::Colon => "expected `:`",
            Self::Control => "a string contains a control character",
            Self::Deep => "it is nested too deeply",
            Self::Digit => "expected a digit",
            Self::Early => "it ends too early",
            Self::Escape => "invalid escape in a string",
            Self::Name => "expected a name in quotes",
            Self::Next => "expected `,` or the end of the object or array",
            Self::Open => "a string does not end",
            Self::Value => "expected a value",
        }
    }
}

/// The range of a name or value.
#[derive(Debug)]
pub(in crate::event) struct Token {
    pub(in crate::event) start: usize,
    pub(in crate::event) end: usize,
    /// Whether it is a string without escapes.
    pub(in crate::event) plain: bool,
}

/// A position in the text. Functions that are called for each token are inlined, so that the position stays in a register.
#[derive(Debug, Clone, Copy)]
pub(in crate::event) struct Scanner<'a> {
    pub(in crate::event) bytes: &'a [u8],
    pub(in crate::event) at: usize,
}

impl<'a> Scanner<'a> {
    pub(in crate::event) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    fn since(self, start: usize, plain: bool) -> Token {
        Token {
            start,
            end: self.at,
            plain,
        }
    }

    #[inline]
    fn peek(self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(in crate::event) fn eat(&mut self, byte: u8) -> bool {
        if self.peek() == Some(byte) {
            self.at += 1;
            return true;
        }
        false
    }

    #[inline]
    pub(in crate::event) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Steps over a member of the outermost object; none behind the last.
    #[inline]
    pub(in crate::event) fn member(
        &mut self,
        depth: u32,
        first: bool,
    ) -> Scan<Option<(Token, Token)>> {
        if !self.another(b'}', first)? {
            self.space();
            return self.peek().map_or(Ok(None), |_| Err(Flaw::Behind));
        }
        let start = self.at;
        let plain = self.name()?;
        let name = self.since(start, plain);
        self.colon()?;
        let start = self.at;
        let plain = self.value(depth)?;
        Ok(Some((name, self.since(start, plain))))
    }

    /// Steps to the next item of an object or array; `false` behind its end.
    #[inline]
    fn another(&mut self, end: u8, first: bool) -> Scan<bool> {
        self.space();
        if self.eat(end) {
            return Ok(false);
        }
        if !first {
            if !self.eat(b',') {
                return Err(Flaw::Next);
            }
            self.space();
        }
        Ok(true)
    }

    #[inline]
    fn name(&mut self) -> Scan<bool> {
        if self.peek() == Some(b'"') {
            self.string()
        } else {
            Err(Flaw::Name)
        }
    }

    #[inline]
    fn colon(&mut self) -> Scan {
        self.space();
        if !self.eat(b':') {
            return Err(Flaw::Colon);
        }
        self.space();
        Ok(())
    }

    /// Steps over a value; reports whether it is a string without escapes.
    #[inline]
    pub(in crate::event) fn value(&mut self, depth: u32) -> Scan<bool> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        let (at, end) = self.other_value(depth);
        self.at = at;
        end.map(|()| false)
    }

    /// Finds the end of a value that is not a string.
    fn other_value(mut self, depth: u32) -> (usize, Scan) {
        let end = match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(_) => Err(Flaw::Value),
            None => Err(Flaw::Early),
        };
        (self.at, end)
    }

    #[inline]
    fn object(&mut self, depth: u32) -> Scan {
        let mut first = self.enter(depth)?;
        while self.another(b'}', std::mem::take(&mut first))? {
            self.name()?;
            self.colon()?;
            self.value(depth - 1)?;
        }
        Ok(())
    }

    #[inline]
    fn array(&mut self, depth: u32) -> Scan {
        let mut first = self.enter(depth)?;
        while self.another(b']', std::mem::take(&mut first))? {
            self.value(depth - 1)?;
        }
        Ok(())
    }

    #[inline]
    fn enter(&mut self, depth: u32) -> Scan<bool> {
        if depth == 0 {
            return Err(Flaw::Deep);
        }
        self.at += 1;
        Ok(true)
    }

    #[inline]
    fn string(&mut self) -> Scan<bool> {
        self.at += 1;
        self.at += plain_len(&self.bytes[self.at..]);
        if self.eat(b'"') {
            return Ok(true);
        }
        let (at, end) = self.escaped();
        self.at = at;
        end.map(|()| false)
    }

    /// Finds the end of a string, from its first byte that needs a closer look.
    #[cold]
    fn escaped(mut self) -> (usize, Scan) {
        let end = loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    break Ok(());
                }
                Some(b'\\') => {
                    if let Err(flaw) = self.escape() {
                        break Err(flaw);
                    }
                }
                Some(_) => break Err(Flaw::Control),
                None => break Err(Flaw::Open),
            }
            self.at += plain_len(&self.bytes[self.at..]);
        };
        (self.at, end)
    }

    fn escape(&mut self) -> Scan {
        self.at += 1;
        let digits = match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return Err(Flaw::Escape),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return Err(Flaw::Escape);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Scan {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Scan {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return Err(Flaw::Digit);
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Scan {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Flaw::Value);
        }
        self.at += word.len();
        Ok(())
    }
}
