//! Dead letters counted by what they have in common, in bounded memory.

use super::listing::FilterFailures;
use crate::transport::{StatsBuilder, StatsRow};

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
