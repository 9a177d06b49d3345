//! Counting dead letters.

use std::sync::Arc;

use super::scan::LetterScan;
use crate::{
    backends::pulsar::connection::handle::Connection,
    transport::{DeadLetterScan as _, Result, Selection, Stats, StatsBuilder},
};

/// Counts the selected dead letters.
pub(crate) async fn stats(connection: &Arc<Connection>, selection: &Selection) -> Result<Stats> {
    let mut scan = LetterScan::open(connection, selection).await?;
    let mut counts = StatsBuilder::default();
    loop {
        let letters = scan.next(500).await?;
        if letters.is_empty() {
            return Ok(counts.finish());
        }
        let selected = letters.iter().filter(|letter| selection.matches(letter));
        selected.for_each(|letter| counts.add(letter));
    }
}
