//! Reading the dead letters of a query, page by page.

use super::{
    Query, TriageError,
    names::Names,
    notes::{Archived, Fix, Fixes, Hiding},
};
use crate::transport::{DeadLetter, DeadLetterScan, PAGE_BYTES, Result, Selection, Transport};

/// Most ids that are sent to the broker; more are matched here.
const SENT_NAMES: usize = 500;

/// Dead letters per page, which has fewer if they are large.
pub(super) const PAGE: usize = 500;

/// Dead letters that are added to a job at a time.
pub(super) const BATCH: usize = 2000;

/// An open listing of dead letters, oldest first.
pub struct DeadLetterListing {
    scan: Box<dyn DeadLetterScan>,
    conditions: Selection,
    names: Names,
    #[cfg(feature = "filter")]
    filter: Option<crate::runtime::Filter>,
    filter_failures: FilterFailures,
    archived: Archived,
    is_archive: bool,
    fixes: Fixes,
    #[cfg(feature = "filter")]
    hiding: Hiding,
    #[cfg(feature = "filter")]
    record: Vec<u8>,
}

/// Dead letters on which the filter failed; they are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterFailures {
    /// Number of dead letters.
    pub count: u64,
    /// The error on the first of them.
    pub reason: String,
}

impl DeadLetterListing {
    pub(super) async fn open(transport: &dyn Transport, query: Query) -> Result<Self> {
        let mut conditions = query.selection;
        let scan = if conditions.ids.len() <= SENT_NAMES {
            transport.dead_letters().scan(&conditions).await?
        } else {
            let names = std::mem::take(&mut conditions.ids);
            let scan = transport.dead_letters().scan(&conditions).await?;
            conditions.ids = names;
            scan
        };
        let names = Names::new(std::mem::take(&mut conditions.ids));
        Ok(Self {
            scan,
            conditions,
            names,
            #[cfg(feature = "filter")]
            filter: query.filter,
            filter_failures: FilterFailures::default(),
            archived: Archived::read(transport).await?,
            is_archive: query.archived,
            fixes: Fixes::default(),
            #[cfg(feature = "filter")]
            hiding: Hiding::Nothing,
            #[cfg(feature = "filter")]
            record: Vec::new(),
        })
    }

    /// Marks the first dead letter that refutes each of these fixes.
    pub(super) fn marking(self, fixes: Fixes) -> Self {
        Self { fixes, ..self }
    }

    /// Hides what is masked in what it reports of the filter.
    #[cfg(feature = "filter")]
    pub(super) fn hiding(self, hiding: Hiding) -> Self {
        Self { hiding, ..self }
    }

    /// Without the feature, nothing is filtered.
    #[cfg(not(feature = "filter"))]
    pub(super) fn hiding(self, _: Hiding) -> Self {
        self
    }

    /// Returns at most `max` dead letters; none at the end.
    ///
    /// # Errors
    /// If the transport fails.
    pub async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        loop {
            let mut page = self.scan.next(max.clamp(1, PAGE)).await?;
            if page.is_empty() {
                return Ok(page);
            }
            page.retain(|letter| self.matches(letter));
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// Returns the next dead letters, pages up to this many where they are small; none at the end. For what is stored a batch at a
    /// time: each time costs round trips, or a flush of the disk.
    pub(super) async fn batch(&mut self, most: usize) -> Result<Vec<DeadLetter>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() + PAGE <= most && bytes < PAGE_BYTES {
            let page = self.next(PAGE).await?;
            if page.is_empty() {
                break;
            }
            let sizes = page.iter().map(|letter| letter.message.size());
            bytes += sizes.sum::<usize>();
            batch.extend(page);
        }
        Ok(batch)
    }

    /// Returns the ids of the query that matched no dead letter so far.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        self.names.missing()
    }

    /// Checks, at the end, that some id matched and that none matched several dead letters.
    ///
    /// # Errors
    /// [`TriageError::Unknown`] or [`TriageError::Ambiguous`].
    pub fn check_names(&self) -> std::result::Result<(), TriageError> {
        self.names.check()
    }

    /// Checks that no id matched several dead letters so far.
    ///
    /// # Errors
    /// [`TriageError::Ambiguous`].
    pub(super) fn check_unambiguous(&self) -> std::result::Result<(), TriageError> {
        self.names.check_unambiguous()
    }

    /// Checks that this many more fit into the archive.
    pub(super) fn check_archive(&self, more: u64) -> Result<()> {
        self.archived.check_room(more, "")
    }

    /// Returns the dead letters on which the filter failed so far.
    #[must_use]
    pub fn filter_failures(&self) -> &FilterFailures {
        &self.filter_failures
    }

    /// Returns the fix that a dead letter of this listing is the first to refute.
    pub fn take_regression(&mut self, letter: &DeadLetter) -> Option<Fix> {
        self.fixes.take_refuted(letter)
    }

    fn matches(&mut self, letter: &DeadLetter) -> bool {
        self.archived.contains(&letter.id) == self.is_archive
            && self.conditions.matches(letter)
            && self.passes(letter)
            && self.names.matches(letter)
    }

    #[cfg(feature = "filter")]
    fn passes(&mut self, letter: &DeadLetter) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        self.record.clear();
        super::write_dead_letter(&mut self.record, letter);
        filter.matches(&self.record).unwrap_or_else(|error| {
            if self.filter_failures.count == 0 {
                let error = self.hiding.text(letter, error.to_string());
                self.filter_failures.reason = format!("{}: {error}", letter.id);
            }
            self.filter_failures.count += 1;
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

impl std::fmt::Debug for DeadLetterListing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeadLetterListing")
            .field("conditions", &self.conditions)
            .finish_non_exhaustive()
    }
}
