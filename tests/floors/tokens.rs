//! Rust code as words and signs, each with its line.

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

pub(crate) fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (number, text) in code.lines().enumerate() {
        let line = number + 1;
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let end = match end {
                Some(0) if rest.starts_with("::") => 2,
                Some(0) => rest.chars().next().map_or(1, char::len_utf8),
                Some(end) => end,
                None => rest.len(),
            };
            let text = rest[..end].to_owned();
            found.push(Token { text, line });
            rest = rest[end..].trim_start();
        }
    }
    found
}
