//! Archiving and restoring the dead letters of a query.

use super::{
    Guard, Query, TriageError,
    listing::{DeadLetterListing, PAGE},
    notes::Archived,
};
use crate::transport::Transport;

/// Archives or restores the dead letters of a query; returns how many.
pub(super) async fn change(
    transport: &dyn Transport,
    guard: &Guard,
    query: Query,
    adds: bool,
) -> Result<u64, TriageError> {
    guard.check_writable()?;
    let mut listing = DeadLetterListing::open(transport, query).await?;
    let mut ids = Vec::new();
    loop {
        let page = listing.next(PAGE).await?;
        if page.is_empty() {
            break;
        }
        ids.extend(page.into_iter().map(|letter| letter.id));
    }
    listing.check_names()?;
    let mut archived = Archived::read(transport).await?;
    if adds {
        archived.add(transport, &ids).await?;
    } else {
        archived.remove(transport, &ids).await?;
    }
    Ok(ids.len() as u64)
}
