//! Checks of an outbox before it is used: version, shape, and the rights of the user.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Type;

use super::{
    client::Database,
    error::SCHEME,
    schema::{quoted, rights},
    sql::Sql,
};
use crate::{
    outbox::{VERSION, table::COLUMNS},
    transport::{ErrorKind, Result, TransportError},
};

/// Which of a relay's rights the user lacks, each as it is granted.
const LACKING: &str = "\
SELECT current_user::text, array_remove(ARRAY[
    CASE WHEN NOT has_schema_privilege($1, 'USAGE') THEN 'schema' END,
    CASE WHEN NOT has_table_privilege($2, 'SELECT') THEN 'SELECT ON pf_outbox' END,
    CASE WHEN NOT has_table_privilege($2, 'DELETE') THEN 'DELETE ON pf_outbox' END,
    CASE WHEN NOT has_column_privilege($2, 'sent_at', 'UPDATE') THEN 'UPDATE (sent_at) ON pf_outbox' END,
    CASE WHEN NOT has_column_privilege($2, 'parked_at', 'UPDATE') THEN 'UPDATE (parked_at) ON pf_outbox' END,
    CASE WHEN NOT has_column_privilege($2, 'attempts', 'UPDATE') THEN 'UPDATE (attempts) ON pf_outbox' END,
    CASE WHEN NOT has_column_privilege($2, 'error', 'UPDATE') THEN 'UPDATE (error) ON pf_outbox' END,
    CASE WHEN NOT has_table_privilege($3, 'SELECT') THEN 'SELECT ON pf_outbox_lease' END,
    CASE WHEN NOT has_table_privilege($3, 'INSERT') THEN 'INSERT ON pf_outbox_lease' END,
    CASE WHEN NOT has_table_privilege($3, 'UPDATE') THEN 'UPDATE ON pf_outbox_lease' END,
    CASE WHEN NOT has_table_privilege($4, 'SELECT') THEN 'SELECT ON pf_outbox_meta' END
], NULL)";

/// Which columns the tables have; all of them can see the names.
const SHAPE: &str = "SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND a.attnum > 0 AND NOT a.attisdropped \
     AND c.relkind IN ('r', 'p', 'v') AND c.relname IN ('pf_outbox', 'pf_outbox_lease', 'pf_outbox_meta')";

/// Checks an outbox and returns its name; of an absent one, none.
pub(super) async fn identify(
    database: &Database,
    sql: &Sql,
    relays: bool,
) -> Result<Option<String>> {
    let schema = &database.schema;
    let columns = database
        .query("reading the outbox", SHAPE, &[(schema, Type::TEXT)])
        .await?;
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in columns {
        tables.entry(row.get(0)).or_default().insert(row.get(1));
    }
    let Some(found) = tables.get("pf_outbox") else {
        return Ok(None);
    };
    let missing = COLUMNS.iter().find(|column| !found.contains(**column));
    if let Some(column) = missing {
        let message = format!(
            "`{schema}.pf_outbox` has no column `{column}`: it is not an outbox of this program"
        );
        return Err(other_shape(message));
    }
    if let Some(table) = ["pf_outbox_lease", "pf_outbox_meta"]
        .iter()
        .find(|table| !tables.contains_key(**table))
    {
        let message = format!("there is `{schema}.pf_outbox`, but no `{schema}.{table}`");
        return Err(other_shape(message));
    }
    if relays {
        check_rights(database).await?;
    }
    let meta = database
        .query("reading the outbox's version", &sql.meta(), &[])
        .await?;
    let meta: BTreeMap<String, String> = meta.iter().map(|row| (row.get(0), row.get(1))).collect();
    let version = meta
        .get("version")
        .and_then(|version| version.parse::<i64>().ok());
    match (version, meta.get("outbox")) {
        (Some(VERSION), Some(name)) => Ok(Some(name.clone())),
        (Some(version), Some(_)) => {
            let message =
                format!("the outbox has version {version}; this program knows version {VERSION}");
            let error = TransportError::new(SCHEME, ErrorKind::Configuration, message);
            Err(error.hint("use the `pf` that created it"))
        }
        _ => Err(other_shape(format!(
            "`{schema}.pf_outbox_meta` has no version"
        ))),
    }
}

/// Returns the error of a database without an outbox.
pub(super) fn absent(schema: &str) -> TransportError {
    let message = format!("there is no outbox in the schema `{schema}`");
    TransportError::new(SCHEME, ErrorKind::NotFound, message)
        .hint("create it: `pf outbox create --in URL`")
}

fn other_shape(message: String) -> TransportError {
    TransportError::new(SCHEME, ErrorKind::Configuration, message)
        .hint("move the table away, or name another schema with `?schema=`")
}

/// Checks that the user may relay. The error names what is missing, and the grant.
pub(super) async fn check_rights(database: &Database) -> Result<()> {
    let schema = &database.schema;
    let tables = ["pf_outbox", "pf_outbox_lease", "pf_outbox_meta"];
    let tables = tables.map(|table| format!("{}.{table}", quoted(schema)));
    // Names in a schema that the user may not use cannot be resolved.
    let usage = "SELECT current_user::text, has_schema_privilege($1, 'USAGE')";
    let row = database
        .query("reading rights", usage, &[(schema, Type::TEXT)])
        .await?;
    let may_use = row.first().is_none_or(|row| row.get(1));
    if !may_use {
        let user: String = row[0].get(0);
        return Err(denied(schema, &user, &["USAGE ON SCHEMA".to_owned()]));
    }
    let values = [
        (
            schema as &(dyn tokio_postgres::types::ToSql + Sync),
            Type::TEXT,
        ),
        (&tables[0], Type::TEXT),
        (&tables[1], Type::TEXT),
        (&tables[2], Type::TEXT),
    ];
    let rows = database.query("reading rights", LACKING, &values).await?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let (user, lacking): (String, Vec<String>) = (row.get(0), row.get(1));
    if lacking.is_empty() {
        return Ok(());
    }
    Err(denied(schema, &user, &lacking))
}

fn denied(schema: &str, user: &str, lacking: &[String]) -> TransportError {
    let message = format!(
        "the user `{user}` may not relay: no {}",
        lacking.join(", no ")
    );
    let grants = rights(schema, true, user);
    let grants = grants.trim_end().replace('\n', " ");
    TransportError::new(SCHEME, ErrorKind::Denied, message).hint(format!("as the owner: {grants}"))
}
