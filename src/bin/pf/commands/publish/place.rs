//! Places in a stream: a line, the lines of one value, or an element of an array.

use std::fmt;

/// The place of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    first: u64,
    last: u64,
    element: Option<u64>,
}

impl Place {
    /// Returns the place of a value that has one line.
    pub fn line(line: u64) -> Self {
        Self::lines(line, line)
    }

    /// Returns the place of a value that has these lines.
    pub fn lines(first: u64, last: u64) -> Self {
        Self {
            first,
            last,
            element: None,
        }
    }

    /// Returns the place of an element, counted from 0.
    pub fn element(first: u64, last: u64, element: u64) -> Self {
        Self {
            first,
            last,
            element: Some(element),
        }
    }

    /// Returns the first line.
    pub fn first_line(self) -> u64 {
        self.first
    }

    /// Reports whether there are several lines.
    pub fn spans_lines(self) -> bool {
        self.first < self.last
    }

    /// Returns the index in the array.
    pub fn index(self) -> Option<u64> {
        self.element
    }

    /// Reports whether the next value follows this one without a gap.
    pub fn is_followed_by(self, next: Self) -> bool {
        match (self.element, next.element) {
            (None, None) => self.last + 1 == next.first,
            (Some(element), Some(next)) => element + 1 == next,
            _ => false,
        }
    }

    /// Returns the name of this place and all up to another one.
    pub fn up_to(self, end: Self) -> String {
        match (self.element, end.element) {
            _ if self == end => self.to_string(),
            (Some(first), Some(last)) => format!("elements [{first}] to [{last}]"),
            _ => Self::lines(self.first, end.last).to_string(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.spans_lines() {
            write!(f, "lines {} to {}", self.first, self.last)?;
        } else {
            write!(f, "line {}", self.first)?;
        }
        match self.element {
            Some(element) => write!(f, ": element [{element}]"),
            None => Ok(()),
        }
    }
}
