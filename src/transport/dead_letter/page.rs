//! Pages of dead letters, bounded in number and in bytes.

use super::letter::DeadLetter;

/// A page ends with the dead letter that brings its messages to this many bytes.
pub const PAGE_BYTES: usize = 4 << 20;

/// A page that is being filled.
#[derive(Debug)]
pub struct LetterPage {
    letters: Vec<DeadLetter>,
    bytes: usize,
    max: usize,
}

impl LetterPage {
    /// Creates an empty page of at most this many dead letters, and at least one.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            letters: Vec::new(),
            bytes: 0,
            max: max.max(1),
        }
    }

    /// Adds a dead letter.
    pub fn push(&mut self, letter: DeadLetter) {
        self.bytes += letter.message.size();
        self.letters.push(letter);
    }

    /// Reports whether it takes no further dead letter.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.letters.len() >= self.max || self.bytes >= PAGE_BYTES
    }

    /// Reports whether it has none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Returns the dead letters.
    #[must_use]
    pub fn finish(self) -> Vec<DeadLetter> {
        self.letters
    }
}
