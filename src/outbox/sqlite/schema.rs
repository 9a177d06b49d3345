//! The tables, and the check of their version and shape.

use rusqlite::{Connection, OptionalExtension as _};

use super::file::{SCHEME, from_sqlite};
use crate::{
    outbox::{VERSION, table::COLUMNS},
    transport::{ErrorKind, Result, TransportError},
};

/// The tables. Times are milliseconds since 1970. `AUTOINCREMENT`, because a drained table would give out identifiers again.
const TABLES: &str = "\
CREATE TABLE pf_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key TEXT,
    event TEXT NOT NULL,
    due INTEGER,
    created_at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
    sent_at INTEGER,
    parked_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT
);
CREATE INDEX pf_outbox_pending ON pf_outbox (id) WHERE sent_at IS NULL AND parked_at IS NULL AND due IS NULL;
CREATE INDEX pf_outbox_due ON pf_outbox (due, id) WHERE sent_at IS NULL AND parked_at IS NULL AND due IS NOT NULL;
CREATE TABLE pf_outbox_lease (
    shard INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    fence INTEGER NOT NULL,
    until INTEGER NOT NULL,
    rate REAL NOT NULL DEFAULT 0
);
CREATE TABLE pf_outbox_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO pf_outbox_meta VALUES ('version', '{version}'), ('outbox', lower(hex(randomblob(16))));
";

/// How programs in other languages insert an event.
const EXAMPLE: &str = "\
-- In your own transaction, after the change that the event reports (an event is one CloudEvent in JSON):
-- INSERT INTO pf_outbox (topic, key, event) VALUES ('order.created', 'order-7', json_object(
--     'specversion', '1.0', 'id', lower(hex(randomblob(16))), 'source', '//shop', 'type', 'order.created',
--     'datacontenttype', 'application/json', 'data', json('{\"total\": 12}')));
";

/// Returns the statements that create an outbox.
pub(super) fn create() -> String {
    TABLES.replace("{version}", &VERSION.to_string())
}

/// Returns all of it, for people.
pub(super) fn print() -> String {
    format!("BEGIN;\n{}COMMIT;\n\n{EXAMPLE}", create())
}

/// Checks an outbox and returns its name; of an absent one, none.
pub(super) fn identify(connection: &Connection) -> Result<Option<String>> {
    let failed = |error| from_sqlite(connection, error);
    let mut columns = connection
        .prepare("SELECT name FROM pragma_table_info('pf_outbox')")
        .map_err(failed)?;
    let found = columns
        .query_map([], |row| row.get::<_, String>(0))
        .map_err(failed)?;
    let found = found
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(failed)?;
    if found.is_empty() {
        return Ok(None);
    }
    if let Some(column) = COLUMNS
        .iter()
        .find(|column| !found.iter().any(|name| name == *column))
    {
        let message =
            format!("`pf_outbox` has no column `{column}`: it is not an outbox of this program");
        return Err(other_shape(message));
    }
    let meta = |name: &str| {
        let sql = "SELECT value FROM pf_outbox_meta WHERE name = ?1";
        let value = connection.query_row(sql, [name], |row| row.get::<_, String>(0));
        value
            .optional()
            .map_err(|error| from_sqlite(connection, error))
    };
    let version = meta("version")?.and_then(|version| version.parse::<i64>().ok());
    match (version, meta("outbox")?) {
        (Some(VERSION), Some(name)) => Ok(Some(name)),
        (Some(version), Some(_)) => {
            let message =
                format!("the outbox has version {version}; this program knows version {VERSION}");
            let error = TransportError::new(SCHEME, ErrorKind::Configuration, message);
            Err(error.hint("use the `pf` that created it"))
        }
        _ => Err(other_shape(
            "there is `pf_outbox`, but no version in `pf_outbox_meta`".to_owned(),
        )),
    }
}

fn other_shape(message: String) -> TransportError {
    let error = TransportError::new(SCHEME, ErrorKind::Configuration, message);
    error.hint("rename that table, or use another file")
}
