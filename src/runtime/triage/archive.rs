//! Archiving and restoring the dead letters of a query.

use std::collections::HashSet;

use super::{
    FilterFailures, Guard, Query, TriageError,
    listing::{DeadLetterListing, PAGE},
    notes::Archived,
};
use crate::transport::{Result as Answer, Transport};

/// How many dead letters were archived or restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archiving {
    /// Those that were.
    pub changed: u64,
    /// Those that were left out because the filter failed on them.
    pub filter_failures: FilterFailures,
}

/// Archives or restores the dead letters of a query.
pub(super) async fn change(
    transport: &dyn Transport,
    guard: &Guard,
    query: Query,
    adds: bool,
) -> Result<Archiving, TriageError> {
    guard.check_writable()?;
    let query = Query {
        archived: !adds,
        ..query
    };
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
    Ok(Archiving {
        changed: ids.len() as u64,
        filter_failures: listing.filter_failures().clone(),
    })
}

/// Removes the marks of archived dead letters that are not in the store any more.
pub(super) async fn prune(transport: &dyn Transport) -> Answer<()> {
    let mut archived = Archived::read(transport).await?;
    let query = Query {
        archived: true,
        ..Query::default()
    };
    let mut listing = DeadLetterListing::open(transport, query).await?;
    let mut present = HashSet::new();
    loop {
        let page = listing.next(PAGE).await?;
        if page.is_empty() {
            break;
        }
        present.extend(page.into_iter().map(|letter| letter.id));
    }
    let gone = archived.others(&present);
    archived.remove(transport, &gone).await
}
