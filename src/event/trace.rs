//! W3C trace context: the `traceparent` attribute.

use std::{fmt, str::FromStr};

use crate::event::EventError;

/// The value of a `traceparent`: the trace that an event belongs to, and the span that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    parent: u64,
    flags: u8,
}

impl TraceParent {
    /// Starts a sampled trace.
    #[must_use]
    pub fn start() -> Self {
        Self {
            trace: fastrand::u128(1..),
            parent: fastrand::u64(1..),
            flags: 1,
        }
    }

    /// Returns a new span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        self.with_parent(fastrand::u64(1..))
    }

    /// Returns the span of this number in the same trace.
    pub(super) fn with_parent(self, parent: u64) -> Self {
        Self {
            parent: parent.max(1),
            ..self
        }
    }

    /// Builds one from ids that are stored separately. If no span is known, one is derived from the trace, so that every
    /// reader derives the same.
    pub(super) fn from_ids(trace: &str, parent: Option<&str>) -> Option<Self> {
        let derived = trace.get(16..)?;
        let trace = hex(trace, 32)?;
        let parent = parent.and_then(|parent| hex(parent, 16));
        let parent = parent.or_else(|| digits(derived, 16))?;
        let context = Self {
            trace,
            parent: 1,
            flags: 1,
        };
        Some(context.with_parent(u64::try_from(parent).ok()?))
    }

    /// Returns the trace id, 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// Returns the id of the span that sent the event, 16 hexadecimal digits.
    #[must_use]
    pub fn parent_id(&self) -> String {
        format!("{:016x}", self.parent)
    }

    /// Reports whether the trace is recorded.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '-');
        let version = digits(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let parent = hex(parts.next()?, 16)?;
        let rest = parts.next()?;
        // Later versions may append more; the first one may not.
        let flags = match rest.split_once('-') {
            Some((flags, _)) if version != 0 => flags,
            _ => rest,
        };
        (version != 0xff).then_some(())?;
        Some(Self {
            trace,
            parent: u64::try_from(parent).ok()?,
            flags: u8::try_from(digits(flags, 2)?).ok()?,
        })
    }
}

fn hex(text: &str, length: usize) -> Option<u128> {
    digits(text, length).filter(|number| *number != 0)
}

fn digits(text: &str, length: usize) -> Option<u128> {
    let valid = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != length || !text.as_bytes().iter().all(valid) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl FromStr for TraceParent {
    type Err = EventError;

    fn from_str(text: &str) -> Result<Self, EventError> {
        Self::parse(text).ok_or_else(|| {
            EventError::attribute(
                "traceparent",
                format!("is `{text}`, which is not a W3C trace parent"),
            )
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace, self.parent, self.flags
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent: TraceParent = GIVEN.parse().unwrap();
        assert_eq!(parent.to_string(), GIVEN);
        assert_eq!(
            parent.child().trace_id(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_ne!(parent.child().parent_id(), "00f067aa0ba902b7");
        assert!(TraceParent::start().sampled());
    }

    #[test]
    fn only_what_the_standard_allows_is_read() {
        let parse = |text: &str| text.parse::<TraceParent>().is_ok();
        assert!(parse(
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
        ));
        assert!(!parse(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
        ));
        assert!(!parse(
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
        assert!(!parse(
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"
        ));
        assert!(!parse(
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01"
        ));
        assert!(!parse(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"
        ));
    }
}
