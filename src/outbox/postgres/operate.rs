//! What operators see and do.

use std::time::Duration;

use tokio_postgres::{Row, types::Type};

use super::{client::Database, sql::Sql};
use crate::{
    outbox::row::{OutboxRow, OutboxStatus, RelayStatus, RowFilter, RowState, VacuumBlocker},
    transport::Result,
};

/// Lists rows.
pub(super) async fn list(
    database: &Database,
    sql: &Sql,
    filter: RowFilter,
    (above, limit): (i64, i64),
) -> Result<Vec<OutboxRow>> {
    let filter = match filter {
        RowFilter::Refused => "refused",
        RowFilter::Parked => "parked",
        RowFilter::Unsent => "unsent",
    };
    let values = [
        (
            &above as &(dyn tokio_postgres::types::ToSql + Sync),
            Type::INT8,
        ),
        (&limit, Type::INT8),
        (&filter, Type::TEXT),
    ];
    let rows = database
        .query("reading the outbox", &sql.list(), &values)
        .await?;
    Ok(rows.iter().map(read).collect())
}

/// Returns a row.
pub(super) async fn show(database: &Database, sql: &Sql, id: i64) -> Result<Option<OutboxRow>> {
    let values = [(
        &id as &(dyn tokio_postgres::types::ToSql + Sync),
        Type::INT8,
    )];
    let rows = database
        .query("reading the outbox", &sql.show(), &values)
        .await?;
    Ok(rows.first().map(read))
}

fn read(row: &Row) -> OutboxRow {
    let state: String = row.get(0);
    OutboxRow {
        state: match state.as_str() {
            "sent" => RowState::Sent,
            "parked" => RowState::Parked,
            "refused" => RowState::Refused,
            "delayed" => RowState::Delayed,
            _ => RowState::Pending,
        },
        id: row.get(1),
        topic: row.get(2),
        key: row.get(3),
        event: row.get(4),
        due: row.get(5),
        created_at: row.get(6),
        attempts: row.get(7),
        error: row.get(8),
    }
}

/// Returns the state of an outbox.
pub(super) async fn status(database: &Database, sql: &Sql) -> Result<OutboxStatus> {
    let doing = "reading the state of the outbox";
    let counts = database.query(doing, &sql.counts(), &[]).await?;
    let count = |column| counts.first().map_or(0, |row| row.get(column));
    let relays = database.query(doing, &sql.relays(), &[]).await?;
    let relays = relays.iter().map(|row| RelayStatus {
        shard: row.get(0),
        shards: row.get(1),
        holder: row.get(2),
        fence: row.get(3),
        is_live: row.get(4),
        rate: row.get(5),
    });
    let oldest: Option<f64> = counts.first().and_then(|row| row.get(5));
    Ok(OutboxStatus {
        pending: count(0),
        delayed: count(1),
        refused: count(2),
        parked: count(3),
        kept: count(4),
        oldest: oldest.and_then(seconds),
        relays: relays.collect(),
        vacuum_blocker: vacuum_blocker(database).await?,
    })
}

/// Returns the longest transaction that holds up vacuum.
pub(super) async fn vacuum_blocker(database: &Database) -> Result<Option<VacuumBlocker>> {
    let doing = "reading the transactions in progress";
    let blockers = database.query(doing, Sql::vacuum_blocker(), &[]).await?;
    Ok(blockers.first().map(|row| VacuumBlocker {
        pid: row.get(0),
        user: row.get(1),
        application: row.get(2),
        state: row.get(3),
        query: row.get(4),
        open: seconds(row.get(5)),
    }))
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}
