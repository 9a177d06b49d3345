//! The inbox in PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::{Error, Transaction, types::Type};
use url::Url;

use super::{client::Database, error::SCHEME, schema::quoted};
use crate::{
    event::HandlingKey,
    outbox::table::{INBOX_COLUMNS, InboxTable},
    transport::{ErrorKind, Result, TransportError},
};

/// The table.
const TABLE: &str = "\
CREATE TABLE IF NOT EXISTS {schema}.pf_inbox (
    key text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS pf_inbox_at ON {schema}.pf_inbox (at);
";

/// What a handler needs, and how it enters a key.
const HANDLER: &str = "\
-- A role that handles events needs:
GRANT USAGE ON SCHEMA {schema} TO pf_handler;
GRANT SELECT (key), INSERT (key) ON {schema}.pf_inbox TO pf_handler;

-- In your own transaction, before the effect; if no row went in, the effect was made before, and there is nothing to do:
-- INSERT INTO {schema}.pf_inbox (key) VALUES ($PF_DEDUP_KEY) ON CONFLICT DO NOTHING;
";

/// Enters the key of an event in the transaction of its effect; returns whether it is new. If it is not, the effect was made
/// before. A transaction that enters the same key at the same moment waits until this one ends.
///
/// The table is found by the `search_path` of the connection. The statement is not prepared, so that it works through a
/// pooler in transaction mode.
///
/// # Errors
/// If the database refuses; the transaction can then only be rolled back.
pub async fn enter(
    transaction: &Transaction<'_>,
    key: &HandlingKey,
) -> std::result::Result<bool, Error> {
    let sql = "INSERT INTO pf_inbox(key) VALUES ($1) ON CONFLICT DO NOTHING";
    let key = key.to_string();
    let entered = transaction
        .execute_typed(sql, &[(&key, Type::TEXT)])
        .await?;
    Ok(entered > 0)
}

/// An inbox in PostgreSQL.
#[derive(Debug)]
pub(in crate::outbox) struct PostgresInbox {
    database: Database,
}

impl PostgresInbox {
    /// Names the inbox of a database, without connecting.
    pub(in crate::outbox) fn new(url: &Url) -> Result<Self> {
        Ok(Self {
            database: Database::new(url)?,
        })
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{schema}", &quoted(&self.database.schema))
    }

    /// Reports whether there is an inbox, and checks its shape.
    async fn exists(&self) -> Result<bool> {
        let schema = &self.database.schema;
        let sql = "SELECT a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND a.attnum > 0 \
             AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v') AND c.relname = 'pf_inbox'";
        let values = [(schema as _, Type::TEXT)];
        let rows = self
            .database
            .query("reading the inbox", sql, &values)
            .await?;
        let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if found.is_empty() {
            return Ok(false);
        }
        let missing = INBOX_COLUMNS
            .iter()
            .find(|column| !found.iter().any(|name| name == *column));
        let Some(column) = missing else {
            return Ok(true);
        };
        let message = format!(
            "`{schema}.pf_inbox` has no column `{column}`: it is not an inbox of this program"
        );
        let error = TransportError::new(SCHEME, ErrorKind::Configuration, message);
        Err(error.hint("move the table away, or name another schema with `?schema=`"))
    }
}

#[async_trait]
impl InboxTable for PostgresInbox {
    fn ddl(&self) -> String {
        self.filled(&format!("BEGIN;\n{TABLE}COMMIT;\n\n{HANDLER}"))
    }

    async fn create(&self) -> Result<bool> {
        if self.exists().await? {
            return Ok(false);
        }
        // Two that create it at once wait for each other: `IF NOT EXISTS` does not.
        let sql = format!(
            "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('pf_inbox', 0)); {}COMMIT;",
            self.filled(TABLE)
        );
        self.database.batch("creating the inbox", &sql).await?;
        Ok(true)
    }

    async fn clean(&self, age: Duration, limit: i64) -> Result<u64> {
        if !self.exists().await? {
            let message = format!("there is no inbox in the schema `{}`", self.database.schema);
            let error = TransportError::new(SCHEME, ErrorKind::NotFound, message);
            return Err(error.hint("create it: `pf inbox create --in URL`"));
        }
        let sql = self.filled(
            "DELETE FROM {schema}.pf_inbox WHERE key IN (SELECT key FROM {schema}.pf_inbox \
             WHERE at < now() - make_interval(secs => $1) ORDER BY at LIMIT $2)",
        );
        let seconds = age.as_secs_f64();
        let values = [(&seconds as _, Type::FLOAT8), (&limit as _, Type::INT8)];
        self.database
            .execute("cleaning the inbox", &sql, &values)
            .await
    }
}
