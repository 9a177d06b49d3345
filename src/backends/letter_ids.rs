//! Ids of dead letters as numbers, so that sets of millions of them stay small.

use std::collections::HashSet;

use crate::transport::DeadLetterId;

/// The most ids that are kept; beyond them only the offsets count, and a copy that a crash left shows again.
pub(crate) const MAX_IDS: usize = 4_000_000;

/// Returns the id of a letter as a number: twelve letters of base 32 are 60 bits.
pub(crate) fn compact_id(id: &DeadLetterId) -> u64 {
    let bits = |byte: u8| match byte {
        b'a'..=b'z' => Some(u64::from(byte - b'a')),
        b'2'..=b'7' => Some(u64::from(byte - b'2') + 26),
        _ => None,
    };
    let text = id.as_str();
    let known = (text.len() == 12).then(|| {
        text.bytes()
            .try_fold(0, |number, byte| Some(number << 5 | bits(byte)?))
    });
    known.flatten().unwrap_or_else(|| {
        // An id of another form: the highest bit tells it apart.
        super::fnv::fnv1a(text.bytes()) | 1 << 63
    })
}

/// Names seen lately, so that a copy that a crash left is known as one.
#[derive(Debug, Default)]
pub(crate) struct RecentIds {
    now: HashSet<u64>,
    before: HashSet<u64>,
}

impl RecentIds {
    /// Takes a name in; tells whether it is new.
    pub(crate) fn is_new(&mut self, id: u64) -> bool {
        if self.before.contains(&id) || !self.now.insert(id) {
            return false;
        }
        if self.now.len() >= MAX_IDS / 4 {
            self.before = std::mem::take(&mut self.now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers() {
        let id = DeadLetterId::from_stored;
        assert_eq!(compact_id(&id("aaaaaaaaaaab")), 1);
        assert_eq!(compact_id(&id("777777777777")), (1 << 60) - 1);
        assert!(compact_id(&id("nosuchletter")) < 1 << 60);
        assert!(compact_id(&id("no-such-name")) > 1 << 60);
        assert!(compact_id(&id("short")) > 1 << 60);
    }
}
