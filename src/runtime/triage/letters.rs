//! Reading the letters that a query means, page by page.

use super::{Query, TriageError, names::Names};
use crate::transport::{DeadLetter, LetterScan, Result, Selection, Transport};

/// More names than this are not sent to the broker but looked up here.
const SENT_NAMES: usize = 500;

/// Letters read from the broker at a time.
pub(super) const PAGE: usize = 500;

/// An open listing of letters, oldest first.
pub struct Letters {
    scan: Box<dyn LetterScan>,
    conditions: Selection,
    names: Names,
    #[cfg(feature = "filter")]
    filter: Option<crate::runtime::Filter>,
    unfiltered: Unfiltered,
    #[cfg(feature = "filter")]
    record: Vec<u8>,
}

/// Letters that a filter failed on; they are not meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfiltered {
    /// How many.
    pub letters: u64,
    /// Why it failed on the first of them.
    pub reason: String,
}

impl Letters {
    pub(super) async fn open(transport: &dyn Transport, query: Query) -> Result<Self> {
        let mut conditions = query.selection;
        let scan = if conditions.letters.len() <= SENT_NAMES {
            transport.dead_letters().scan(&conditions).await?
        } else {
            let names = std::mem::take(&mut conditions.letters);
            let scan = transport.dead_letters().scan(&conditions).await?;
            conditions.letters = names;
            scan
        };
        let names = Names::new(std::mem::take(&mut conditions.letters));
        Ok(Self {
            scan,
            conditions,
            names,
            #[cfg(feature = "filter")]
            filter: query.filter,
            unfiltered: Unfiltered::default(),
            #[cfg(feature = "filter")]
            record: Vec::new(),
        })
    }

    /// Returns at most `max` letters; none means that the end was reached.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        loop {
            let mut page = self.scan.next(max.clamp(1, PAGE)).await?;
            if page.is_empty() {
                return Ok(page);
            }
            page.retain(|letter| self.means(letter));
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// Returns the names of the query under which no letter was read so far.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        self.names.missing()
    }

    /// Makes sure, at the end, that some letter was named and that each name fits only one.
    ///
    /// # Errors
    /// [`TriageError::Unknown`] or [`TriageError::Ambiguous`].
    pub fn check_names(&self) -> std::result::Result<(), TriageError> {
        self.names.check()
    }

    /// Returns the letters that the filter failed on so far.
    #[must_use]
    pub fn unfiltered(&self) -> &Unfiltered {
        &self.unfiltered
    }

    fn means(&mut self, letter: &DeadLetter) -> bool {
        self.conditions.matches(letter) && self.passes(letter) && self.names.mean(letter)
    }

    #[cfg(feature = "filter")]
    fn passes(&mut self, letter: &DeadLetter) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        self.record.clear();
        super::write_letter(&mut self.record, letter);
        filter.matches(&self.record).unwrap_or_else(|error| {
            if self.unfiltered.letters == 0 {
                self.unfiltered.reason = format!("{}: {error}", letter.id);
            }
            self.unfiltered.letters += 1;
            false
        })
    }

    #[cfg(not(feature = "filter"))]
    #[expect(
        clippy::unused_self,
        reason = "without the feature nothing is filtered"
    )]
    fn passes(&mut self, _: &DeadLetter) -> bool {
        true
    }
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters")
            .field("conditions", &self.conditions)
            .finish_non_exhaustive()
    }
}
