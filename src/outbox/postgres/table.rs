//! The tables as a relay uses them.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;
use tokio_postgres::types::{ToSql, Type};
use url::Url;

use super::{
    client::{BEGIN, Database, Value},
    doctor,
    error::SCHEME,
    operate, rights, schema,
    sql::Sql,
};
use crate::{
    outbox::{
        row::{OutboxRow, OutboxStatus, RowFilter},
        table::{Claim, Cleaned, Horizon, Lease, PendingRow, Progress, Shard, Table},
    },
    transport::{ErrorKind, Finding, Result, TransportError},
};

/// An outbox in PostgreSQL.
#[derive(Debug)]
pub(in crate::outbox) struct PostgresTable {
    database: Database,
    sql: Sql,
}

impl PostgresTable {
    /// Names the outbox of a database, without connecting.
    pub(in crate::outbox) fn new(url: &Url) -> Result<Self> {
        let database = Database::new(url)?;
        Ok(Self {
            sql: Sql::new(&database.schema),
            database,
        })
    }

    /// Returns the holder of a live lease of another division.
    async fn rival(&self, shards: i32) -> Result<Option<String>> {
        let doing = "reading the leases of other relays";
        let values = [value(&shards, Type::INT4)];
        let sql = self.sql.rivals();
        let rows = self.database.query(doing, &sql, &values);
        Ok(rows.await?.first().map(|row| row.get(0)))
    }

    async fn change(&self, doing: &'static str, sql: &str, id: i64) -> Result<bool> {
        let changed = self.database.execute(doing, sql, &[int8(&id)]).await?;
        Ok(changed > 0)
    }
}

fn value(value: &(dyn ToSql + Sync), of: Type) -> Value<'_> {
    (value, of)
}

fn int8(number: &i64) -> Value<'_> {
    value(number, Type::INT8)
}

/// The lease of a holder, as the statements name it.
fn mine(lease: &Lease) -> [Value<'_>; 3] {
    [
        value(&lease.shard.number, Type::INT4),
        value(&lease.shard.of, Type::INT4),
        int8(&lease.fence),
    ]
}

#[async_trait]
impl Table for PostgresTable {
    fn ddl(&self) -> String {
        schema::print(&self.database.schema)
    }

    async fn create(&self) -> Result<bool> {
        let found = rights::identify(&self.database, &self.sql, false).await?;
        if found.is_some() {
            return Ok(false);
        }
        // Two that create it at once wait for each other: `IF NOT EXISTS` does not.
        let sql = format!(
            "{BEGIN}; SELECT pg_advisory_xact_lock(7378697629483820646); {} COMMIT;",
            schema::create(&self.database.schema)
        );
        if let Err(error) = self.database.batch("creating the outbox", &sql).await {
            let _ = self.database.batch("rolling back", "ROLLBACK").await;
            return Err(error);
        }
        Ok(true)
    }

    async fn identify(&self, relays: bool) -> Result<String> {
        let found = rights::identify(&self.database, &self.sql, relays).await?;
        found.ok_or_else(|| rights::absent(&self.database.schema))
    }

    async fn lease(
        &self,
        shard: Shard,
        holder: &str,
        length: Duration,
    ) -> Result<std::result::Result<Lease, String>> {
        let doing = "taking the lease of the relay";
        let (number, of) = (shard.number, shard.of);
        let shard_values = [value(&number, Type::INT4), value(&of, Type::INT4)];
        let seconds = length.as_secs_f64();
        let values = [
            shard_values[0].clone(),
            shard_values[1].clone(),
            value(&holder, Type::TEXT),
            value(&seconds, Type::FLOAT8),
        ];
        let rows = self
            .database
            .query(doing, &self.sql.lease(), &values)
            .await?;
        let Some(row) = rows.first() else {
            let rows = self
                .database
                .query(doing, &self.sql.holder(), &shard_values)
                .await?;
            let holder = rows
                .first()
                .map_or_else(|| "another relay".to_owned(), |row| row.get(0));
            return Ok(Err(holder));
        };
        let lease = Lease {
            shard,
            fence: row.get(0),
            length,
        };
        // Relays of two divisions would share keys. The statement has looked for them, but two that began at the same time do
        // not see each other. Both may find each other here and give way; they ask again.
        if let Some(rival) = self.rival(of).await? {
            self.release(&lease).await?;
            return Ok(Err(rival));
        }
        Ok(Ok(lease))
    }

    async fn former_shards(&self, now: Shard) -> Result<Vec<Lease>> {
        let values = [value(&now.of, Type::INT4)];
        let doing = "taking over the leases of former relays";
        let rows = self
            .database
            .query(doing, &self.sql.former(), &values)
            .await?;
        // A lease that had expired may have been extended since this one was taken. None can be from here on: its fencing
        // number is another one now.
        if let Some(rival) = self.rival(now.of).await? {
            let message = format!("{rival} relays with another number of shards");
            return Err(TransportError::new(SCHEME, ErrorKind::Held, message));
        }
        let leases = rows.iter().map(|row| Lease {
            shard: Shard {
                number: row.get(0),
                of: row.get(1),
            },
            fence: row.get(2),
            length: Duration::ZERO,
        });
        Ok(leases.collect())
    }

    async fn retire(&self, lease: &Lease) -> Result<()> {
        let doing = "retiring the shard of a former relay";
        self.database
            .execute(doing, &self.sql.retire(), &mine(lease))
            .await?;
        Ok(())
    }

    async fn renew(&self, lease: &Lease, rate: f64) -> Result<bool> {
        let [shard, of, fence] = mine(lease);
        let seconds = lease.length.as_secs_f64();
        let values = [
            shard,
            of,
            fence,
            value(&seconds, Type::FLOAT8),
            value(&rate, Type::FLOAT8),
        ];
        let doing = "extending the lease of the relay";
        Ok(self
            .database
            .execute(doing, &self.sql.renew(), &values)
            .await?
            > 0)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let doing = "ending the lease of the relay";
        self.database
            .execute(doing, &self.sql.release(), &mine(lease))
            .await?;
        Ok(())
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<PendingRow>> {
        let values = [
            int8(&claim.above),
            int8(&claim.limit),
            value(&claim.without_keys, Type::TEXT_ARRAY),
            value(&claim.without_rows, Type::INT8_ARRAY),
        ];
        let sql = self.sql.claim(claim.shard);
        let rows = self
            .database
            .query("reading the outbox", &sql, &values)
            .await?;
        let mut rows: Vec<PendingRow> = rows
            .iter()
            .map(|row| PendingRow {
                id: row.get(0),
                topic: row.get(1),
                key: row.get(2),
                event: row.get(3),
                due: row.get(4),
            })
            .collect();
        rows.sort_by_key(|row| (row.due.is_none(), row.due, row.id));
        rows.truncate(usize::try_from(claim.limit).unwrap_or(usize::MAX));
        Ok(rows)
    }

    async fn unsent(&self, ids: &[i64]) -> Result<Vec<(i64, String)>> {
        let values = [value(&ids, Type::INT8_ARRAY)];
        let rows = self
            .database
            .query("reading the outbox", &self.sql.unsent(), &values)
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    async fn horizon(&self) -> Result<Horizon> {
        let rows = self
            .database
            .query("reading the snapshot", Sql::horizon(), &[])
            .await?;
        let number = |column| rows.first().map_or(0, |row| row.get(column));
        Ok(Horizon {
            oldest: number(0),
            next: number(1),
        })
    }

    async fn settle(&self, lease: &Lease, progress: Progress<'_>) -> Result<bool> {
        let [shard, of, fence] = mine(lease);
        let seconds = lease.length.as_secs_f64();
        let values = [
            shard,
            of,
            fence,
            value(&seconds, Type::FLOAT8),
            value(&progress.rate, Type::FLOAT8),
            value(&progress.sent, Type::INT8_ARRAY),
        ];
        let sql = self.sql.settle(progress.keep);
        let rows = self
            .database
            .query("removing published rows", &sql, &values)
            .await?;
        Ok(!rows.is_empty())
    }

    async fn refuse(&self, id: i64, error: &str, park: bool) -> Result<()> {
        let values = [
            int8(&id),
            value(&error, Type::TEXT),
            value(&park, Type::BOOL),
        ];
        self.database
            .execute("marking a refused row", &self.sql.refuse(), &values)
            .await?;
        Ok(())
    }

    async fn refused(&self, ids: &[i64]) -> Result<Vec<i64>> {
        let values = [value(&ids, Type::INT8_ARRAY)];
        let rows = self
            .database
            .query("reading the outbox", &self.sql.refused(), &values)
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn clean(&self, age: Duration, above: i64, limit: i64) -> Result<Cleaned> {
        let seconds = age.as_secs_f64();
        let values = [int8(&above), int8(&limit), value(&seconds, Type::FLOAT8)];
        let rows = self
            .database
            .query("cleaning the outbox", &self.sql.clean(), &values)
            .await?;
        let number = |column| rows.first().map_or(0_i64, |row| row.get(column));
        let last: Option<i64> = rows.first().and_then(|row| row.get(2));
        // Identifiers are in the order of insertion, not of publication: a page may hold a young row and old ones behind it.
        let is_more = number(1) == limit && (number(3) == 0 || number(0) > 0);
        Ok(Cleaned {
            deleted: number(0).unsigned_abs(),
            next: last.filter(|_| is_more),
        })
    }

    async fn wait(&self, limit: Duration) {
        sleep(limit).await;
    }

    async fn list(&self, filter: RowFilter, above: i64, limit: i64) -> Result<Vec<OutboxRow>> {
        operate::list(&self.database, &self.sql, filter, (above, limit)).await
    }

    async fn show(&self, id: i64) -> Result<Option<OutboxRow>> {
        operate::show(&self.database, &self.sql, id).await
    }

    async fn unblock(&self, id: i64) -> Result<bool> {
        self.change("unblocking a row", &self.sql.unblock(), id)
            .await
    }

    async fn park(&self, id: i64) -> Result<bool> {
        self.change("parking a row", &self.sql.park(), id).await
    }

    async fn surroundings(&self) -> Result<Vec<Finding>> {
        let second = self.database.second();
        doctor::surroundings(&self.database, &second).await
    }

    async fn status(&self) -> Result<OutboxStatus> {
        operate::status(&self.database, &self.sql).await
    }
}
