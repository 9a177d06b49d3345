//! The inbox: keys of events whose effects are in the user's own database, each entered in the transaction of the effect.
//!
//! A handler enters the key of its event ([`HandlingKey`](crate::event::HandlingKey), `PF_DEDUP_KEY`) in the transaction that
//! makes the effect, with [`postgres::enter`](super::postgres::enter) or [`sqlite::enter`](super::sqlite::enter), or by plain
//! SQL. If the key is not new, an earlier run made the effect, and there is nothing to do.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{outbox_handle::unknown, table::InboxTable};
use crate::transport::Result;

/// Keys deleted by one transaction of a clean-up.
const CLEAN: i64 = 10_000;
/// An inbox in a database: the table `pf_inbox`.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<dyn InboxTable>);

impl Inbox {
    /// Names the inbox of a database: `postgres://USER@HOST/DATABASE`, with `?schema=NAME` if it is not in `public`, or
    /// `sqlite:FILE`. Nothing is connected to yet.
    ///
    /// # Errors
    /// If the URL is not valid, or its database is not built in.
    pub fn new(url: &Url) -> Result<Self> {
        let table: Arc<dyn InboxTable> = match url.scheme() {
            #[cfg(feature = "outbox-postgres")]
            "postgres" | "postgresql" => Arc::new(super::postgres::PostgresInbox::new(url)?),
            #[cfg(feature = "outbox-sqlite")]
            "sqlite" => Arc::new(super::sqlite::SqliteInbox::new(url)?),
            other => return Err(unknown("inbox", other)),
        };
        Ok(Self(table))
    }

    /// Returns the SQL that creates the inbox, and the rights that a handler needs.
    #[must_use]
    pub fn ddl(&self) -> String {
        self.0.ddl()
    }

    /// Creates the inbox unless it exists; returns whether it did not.
    ///
    /// # Errors
    /// If the database refuses, or has a table of this name and another shape.
    pub async fn create(&self) -> Result<bool> {
        self.0.create().await
    }

    /// Deletes keys that were entered longer than `age` ago, in transactions of 10,000; returns how many. A copy of an event
    /// that comes later than that makes its effect again.
    ///
    /// # Errors
    /// If the database does not answer, or has no inbox.
    pub async fn clean(&self, age: Duration) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let step = self.0.clean(age, CLEAN).await?;
            deleted += step;
            if step < CLEAN.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }
}
