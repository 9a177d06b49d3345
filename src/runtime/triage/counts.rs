//! Dead letters counted by what they have in common, in bounded memory.

use super::{
    Query, TriageError,
    listing::{DeadLetterListing, FilterFailures, PAGE},
    notes::{Archived, Hiding},
};
use crate::transport::{StatsBuilder, StatsRow, Transport, sort_stats};

/// The most rows; letters beyond are counted together.
const MAX_ROWS: usize = 10_000;

/// Dead letters counted by topic, group, kind and fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// The rows, most frequent first.
    pub rows: Vec<StatsRow>,
    /// Letters that found no row because there are too many.
    pub rest: u64,
    /// Letters that are not counted because the filter of the query failed on them.
    #[serde(skip)]
    pub filter_failures: FilterFailures,
}

impl Counts {
    /// Returns how many dead letters were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|row| row.count).sum::<u64>() + self.rest
    }

    /// Returns a builder that keeps the bound.
    pub(super) fn builder() -> StatsBuilder {
        StatsBuilder::with_limit(MAX_ROWS)
    }
}

impl From<StatsBuilder> for Counts {
    fn from(builder: StatsBuilder) -> Self {
        let rest = builder.rest();
        Self {
            rows: builder.finish(),
            rest,
            filter_failures: FilterFailures::default(),
        }
    }
}

/// Counts the dead letters of a query.
pub(super) async fn count(
    transport: &dyn Transport,
    hiding: Hiding,
    query: Query,
) -> Result<Counts, TriageError> {
    let is_plain = query.selection.ids.is_empty()
        && !query.is_filtered()
        && !query.archived
        && hiding.is_nothing();
    // Without an archive, the transport's own count is the answer.
    if is_plain && Archived::read(transport).await?.is_empty() {
        let mut rows = transport.dead_letters().stats(&query.selection).await?;
        sort_stats(&mut rows);
        return Ok(Counts {
            rows,
            ..Counts::default()
        });
    }
    let letters = DeadLetterListing::open(transport, query).await?;
    let mut letters = letters.hiding(hiding.clone());
    let mut counts = Counts::builder();
    loop {
        let page = letters.next(PAGE).await?;
        if page.is_empty() {
            letters.check_names()?;
            return Ok(Counts {
                filter_failures: letters.filter_failures().clone(),
                ..counts.into()
            });
        }
        for letter in &page {
            counts.add_with(letter, |letter| hiding.failure(letter));
        }
    }
}
