//! The handle of an outbox: creating it, looking at it, and resolving refused rows.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    doctor,
    row::{OutboxRow, OutboxStatus, RowFilter},
    table::Table,
};
use crate::transport::{ErrorKind, Finding, Result, TransportError};

/// Rows deleted by one transaction of a clean-up.
const CLEAN: i64 = 10_000;

/// An outbox in a database.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub(super) table: Arc<dyn Table>,
    pub(super) url: Url,
}

impl Outbox {
    /// Names the outbox of a database: `postgres://USER@HOST/DATABASE`, with `?schema=NAME` if it is not in `public`, or
    /// `sqlite:FILE`. Nothing is connected to yet.
    ///
    /// # Errors
    /// If the URL is not valid, or its database is not built in.
    pub fn new(url: &Url) -> Result<Self> {
        Ok(Self {
            table: open(url)?,
            url: url.clone(),
        })
    }

    /// Returns a second handle with a connection of its own.
    pub(super) fn again(&self) -> Result<Self> {
        Self::new(&self.url)
    }

    /// Returns the SQL that creates the outbox, and the rights that a writer and a relay need.
    #[must_use]
    pub fn ddl(&self) -> String {
        self.table.ddl()
    }

    /// Creates the outbox unless it exists; returns whether it did not.
    ///
    /// # Errors
    /// If the database refuses, or has tables of these names and another shape.
    pub async fn create(&self) -> Result<bool> {
        self.table.create().await
    }

    /// Returns the rows of a filter with identifiers above one, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer, or has no outbox.
    pub async fn list(&self, filter: RowFilter, above: i64, limit: i64) -> Result<Vec<OutboxRow>> {
        self.existing().await?.list(filter, above, limit).await
    }

    /// Returns a row.
    ///
    /// # Errors
    /// If the database does not answer, or has no outbox.
    pub async fn show(&self, id: i64) -> Result<Option<OutboxRow>> {
        self.existing().await?.show(id).await
    }

    /// Lets a refused or parked row be published; returns whether it was one.
    ///
    /// # Errors
    /// If the database does not answer, or has no outbox.
    pub async fn unblock(&self, id: i64) -> Result<bool> {
        self.existing().await?.unblock(id).await
    }

    /// Parks a row that was not published, so that it holds up nothing; returns whether there is one.
    ///
    /// # Errors
    /// If the database does not answer, or has no outbox.
    pub async fn park(&self, id: i64) -> Result<bool> {
        self.existing().await?.park(id).await
    }

    /// Deletes rows that were published longer than `age` ago, in transactions of 10,000; returns how many.
    ///
    /// # Errors
    /// If the database does not answer, or has no outbox.
    pub async fn clean(&self, age: Duration) -> Result<u64> {
        let table = self.existing().await?;
        let (mut deleted, mut above) = (0, 0);
        loop {
            let step = table.clean(age, above, CLEAN).await?;
            deleted += step.deleted;
            match step.next {
                Some(next) => above = next,
                None => return Ok(deleted),
            }
        }
    }

    /// Returns the state of the outbox.
    ///
    /// # Errors
    /// If the database does not answer, or has no outbox.
    pub async fn status(&self) -> Result<OutboxStatus> {
        self.existing().await?.status().await
    }

    /// Checks its tables, the rights of the user, its relays, and what waits. An absent outbox is a finding.
    ///
    /// # Errors
    /// If the database does not answer, or refuses the user.
    pub async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(self.table.as_ref()).await
    }

    /// Returns the table, unless the database has none.
    async fn existing(&self) -> Result<&dyn Table> {
        self.table.identify(false).await?;
        Ok(&*self.table)
    }
}

fn open(url: &Url) -> Result<Arc<dyn Table>> {
    match url.scheme() {
        #[cfg(feature = "outbox-postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(super::postgres::PostgresTable::new(url)?)),
        #[cfg(feature = "outbox-sqlite")]
        "sqlite" => Ok(Arc::new(super::sqlite::SqliteTable::new(url)?)),
        other => Err(unknown("outbox", other)),
    }
}

/// Returns the error for a database that is not built in, or is none.
pub(super) fn unknown(what: &'static str, scheme: &str) -> TransportError {
    let feature = match scheme {
        "postgres" | "postgresql" => Some("outbox-postgres"),
        "sqlite" => Some("outbox-sqlite"),
        _ => None,
    };
    let (message, hint) = match feature {
        Some(feature) => (
            format!("an {what} in `{scheme}:` is not built into this program"),
            format!("build it with `--features {feature}`"),
        ),
        None => (
            format!("an {what} cannot be in `{scheme}:`"),
            "name a database, as in `postgres://localhost/shop` or `sqlite:app.db`".to_owned(),
        ),
    };
    TransportError::new(what, ErrorKind::Configuration, message).hint(hint)
}
