//! Ids given by a user: each must match exactly one dead letter.

use std::collections::HashMap;

use super::TriageError;
use crate::transport::{DeadLetter, DeadLetterId, DeadLetterRef};

/// Candidates listed for an ambiguous id.
const CANDIDATES: usize = 5;

/// The given ids, and the dead letters that matched each.
#[derive(Debug, Default)]
pub(super) struct Names {
    found: HashMap<String, Found>,
    lengths: Vec<usize>,
}

#[derive(Debug, Default)]
struct Found {
    count: u64,
    candidates: Vec<DeadLetterId>,
}

impl Names {
    pub(super) fn new(letters: Vec<DeadLetterRef>) -> Self {
        let found: HashMap<_, _> = letters
            .into_iter()
            .map(|name| (name.0, Found::default()))
            .collect();
        let mut lengths: Vec<_> = found.keys().map(String::len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Self { found, lengths }
    }

    /// Reports whether an id matches the dead letter, or there are no ids.
    pub(super) fn matches(&mut self, letter: &DeadLetter) -> bool {
        if self.found.is_empty() {
            return true;
        }
        let id = letter.id.as_str();
        let prefixes = self.lengths.iter().map_while(|length| id.get(..*length));
        let position = letter.record.origin.position.as_str();
        let mut named = false;
        for name in prefixes.chain([position]) {
            if let Some(found) = self.found.get_mut(name) {
                named = true;
                found.count += 1;
                if found.candidates.len() < CANDIDATES {
                    found.candidates.push(letter.id.clone());
                }
            }
        }
        named
    }

    /// Returns the ids that matched nothing so far, in order.
    pub(super) fn missing(&self) -> Vec<&str> {
        let mut missing: Vec<_> = self
            .found
            .iter()
            .filter(|(_, found)| found.count == 0)
            .map(|(name, _)| name.as_str())
            .collect();
        missing.sort_unstable();
        missing
    }

    /// Checks that no id matched several dead letters, and that at least one matched.
    pub(super) fn check(&self) -> Result<(), TriageError> {
        let missing = self.missing();
        if let Some(name) = missing.first()
            && missing.len() == self.found.len()
        {
            return Err(TriageError::Unknown((*name).to_owned()));
        }
        self.check_unambiguous()
    }

    /// Checks that no id matched several dead letters.
    pub(super) fn check_unambiguous(&self) -> Result<(), TriageError> {
        let mut ambiguous: Vec<_> = self.found.iter().filter(|(_, f)| f.count > 1).collect();
        ambiguous.sort_unstable_by_key(|(name, _)| name.as_str());
        match ambiguous.first() {
            None => Ok(()),
            Some((name, found)) => Err(TriageError::Ambiguous {
                name: (*name).clone(),
                count: found.count,
                candidates: found.candidates.clone(),
            }),
        }
    }
}
