//! The statements of a relay, for the schema of one outbox. Each is a transaction of its own.

use crate::outbox::table::Shard;

use super::schema::quoted;

/// Rows that can be published.
const OPEN: &str = "sent_at IS NULL AND parked_at IS NULL";

/// The statements.
#[derive(Debug)]
pub(super) struct Sql {
    /// The schema, with a dot.
    at: String,
}

impl Sql {
    /// Prepares the statements for a schema.
    pub(super) fn new(schema: &str) -> Self {
        Self {
            at: format!("{}.", quoted(schema)),
        }
    }

    /// Takes the lease: `$1` shard, `$2` shards, `$3` holder, `$4` seconds. No row if it is held, or one of another division.
    pub(super) fn lease(&self) -> String {
        format!(
            "INSERT INTO {at}pf_outbox_lease AS l (shard, shards, holder, fence, until) \
             SELECT $1, $2, $3, 1, now() + make_interval(secs => $4) \
             WHERE NOT EXISTS (SELECT 1 FROM {at}pf_outbox_lease WHERE until > now() AND shards <> $2) \
             ON CONFLICT (shard, shards) DO UPDATE \
             SET holder = excluded.holder, fence = l.fence + 1, until = excluded.until, rate = 0 \
             WHERE l.until <= now() RETURNING l.fence",
            at = self.at
        )
    }

    /// Finds live leases of other divisions, or of this shard: `$1` shard, `$2` shards.
    pub(super) fn holder(&self) -> String {
        format!(
            "SELECT holder FROM {at}pf_outbox_lease \
             WHERE until > now() AND (shards <> $2 OR shard = $1) ORDER BY (shards <> $2) DESC LIMIT 1",
            at = self.at
        )
    }

    /// Finds live leases of other divisions: `$1` shards.
    pub(super) fn rivals(&self) -> String {
        format!(
            "SELECT holder FROM {at}pf_outbox_lease WHERE until > now() AND shards <> $1 LIMIT 1",
            at = self.at
        )
    }

    /// Takes over the shards of other divisions that are not retired: `$1` shards.
    pub(super) fn former(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox_lease SET fence = fence + 1 \
             WHERE shards <> $1 AND until <= now() AND until > '-infinity' RETURNING shard, shards, fence",
            at = self.at
        )
    }

    /// Retires a shard: `$1` shard, `$2` shards, `$3` fencing number. Its number stays: the target knows it, and a later
    /// relay of the same shard must have a higher one.
    pub(super) fn retire(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox_lease SET until = '-infinity', rate = 0 WHERE {MINE}",
            at = self.at
        )
    }

    /// Extends a lease: `$4` seconds, `$5` rows per second.
    pub(super) fn renew(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox_lease SET until = now() + make_interval(secs => $4), rate = $5 WHERE {MINE}",
            at = self.at
        )
    }

    /// Ends a lease.
    pub(super) fn release(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox_lease SET until = now(), rate = 0 WHERE {MINE}",
            at = self.at
        )
    }

    /// Reads rows: `$1` above this identifier, `$2` how many, `$3` without these keys, `$4` without these rows.
    pub(super) fn claim(&self, shard: Shard) -> String {
        let of_shard = match shard.of {
            1 => String::new(),
            of => format!(
                " AND mod(abs(hashtext(coalesce(key, topic))::bigint), {of}) = {}",
                shard.number
            ),
        };
        let filter =
            format!("{OPEN} AND (key IS NULL OR key <> ALL ($3)) AND id <> ALL ($4){of_shard}");
        let at = &self.at;
        format!(
            "(SELECT id, topic, key, event, due FROM {at}pf_outbox \
             WHERE due IS NOT NULL AND due <= now() AND {filter} ORDER BY due, id LIMIT $2) \
             UNION ALL \
             (SELECT id, topic, key, event, NULL FROM {at}pf_outbox \
             WHERE due IS NULL AND id > $1 AND {filter} ORDER BY id LIMIT $2)"
        )
    }

    /// Removes rows, or marks them, and extends the lease: `$6` rows. One row if the lease is still held.
    pub(super) fn settle(&self, keep: bool) -> String {
        let at = &self.at;
        let resolve = if keep {
            format!("UPDATE {at}pf_outbox SET sent_at = now(), error = NULL WHERE id = ANY ($6)")
        } else {
            format!("DELETE FROM {at}pf_outbox WHERE id = ANY ($6)")
        };
        format!(
            "WITH resolved AS ({resolve}), held AS (\
             UPDATE {at}pf_outbox_lease SET until = now() + make_interval(secs => $4), rate = $5 \
             WHERE {MINE} RETURNING 1) SELECT 1 FROM held"
        )
    }

    /// Finds rows that were not published: `$1` rows.
    pub(super) fn unsent(&self) -> String {
        format!(
            "SELECT id, event FROM {at}pf_outbox WHERE id = ANY ($1) AND sent_at IS NULL",
            at = self.at
        )
    }

    /// Notes a refusal: `$1` row, `$2` why, `$3` whether to park it.
    pub(super) fn refuse(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox SET attempts = attempts + 1, error = $2, \
             parked_at = CASE WHEN $3 THEN now() ELSE parked_at END WHERE id = $1",
            at = self.at
        )
    }

    /// Finds rows that are still refused: `$1` rows.
    pub(super) fn refused(&self) -> String {
        format!(
            "SELECT id FROM {at}pf_outbox WHERE id = ANY ($1) AND attempts > 0 AND {OPEN}",
            at = self.at
        )
    }

    /// Deletes kept rows: `$1` above, `$2` how many to look at, `$3` seconds. Returns the number deleted, the number looked
    /// at, the last identifier, and the number of kept rows that are younger, which end the search.
    pub(super) fn clean(&self) -> String {
        format!(
            "WITH page AS (SELECT id, sent_at FROM {at}pf_outbox WHERE id > $1 ORDER BY id LIMIT $2), \
             gone AS (DELETE FROM {at}pf_outbox o USING page p WHERE o.id = p.id \
             AND p.sent_at < now() - make_interval(secs => $3) RETURNING 1) \
             SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM page), (SELECT max(id) FROM page), \
             (SELECT count(*) FROM page WHERE sent_at >= now() - make_interval(secs => $3))",
            at = self.at
        )
    }

    /// Which transactions are in progress.
    pub(super) fn horizon() -> &'static str {
        "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s"
    }

    /// Lists rows: `$1` above, `$2` how many, `$3` which: refused, parked or unsent.
    pub(super) fn list(&self) -> String {
        format!(
            "SELECT {COLUMNS} FROM {at}pf_outbox WHERE id > $1 AND sent_at IS NULL AND CASE $3 \
             WHEN 'refused' THEN attempts > 0 OR parked_at IS NOT NULL \
             WHEN 'parked' THEN parked_at IS NOT NULL ELSE true END ORDER BY id LIMIT $2",
            at = self.at
        )
    }

    /// Returns a row: `$1`.
    pub(super) fn show(&self) -> String {
        format!(
            "SELECT {COLUMNS} FROM {at}pf_outbox WHERE id = $1",
            at = self.at
        )
    }

    /// Lets a row be published: `$1`.
    pub(super) fn unblock(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox SET parked_at = NULL, attempts = 0, error = NULL \
             WHERE id = $1 AND sent_at IS NULL AND (parked_at IS NOT NULL OR attempts > 0)",
            at = self.at
        )
    }

    /// Parks a row: `$1`.
    pub(super) fn park(&self) -> String {
        format!(
            "UPDATE {at}pf_outbox SET parked_at = coalesce(parked_at, now()) WHERE id = $1 AND sent_at IS NULL",
            at = self.at
        )
    }

    /// Counts rows.
    pub(super) fn counts(&self) -> String {
        let at = &self.at;
        format!(
            "SELECT count(*) FILTER (WHERE {OPEN} AND (due IS NULL OR due <= now())), \
             count(*) FILTER (WHERE {OPEN} AND due > now()), \
             count(*) FILTER (WHERE {OPEN} AND attempts > 0), \
             count(*) FILTER (WHERE sent_at IS NULL AND parked_at IS NOT NULL), \
             count(*) FILTER (WHERE sent_at IS NOT NULL), \
             extract(epoch FROM now() - min(coalesce(due, created_at)) \
             FILTER (WHERE {OPEN} AND (due IS NULL OR due <= now())))::float8 FROM {at}pf_outbox"
        )
    }

    /// Lists the relays of shards that are not retired.
    pub(super) fn relays(&self) -> String {
        format!(
            "SELECT shard, shards, holder, fence, until > now(), rate FROM {at}pf_outbox_lease \
             WHERE until > '-infinity' ORDER BY shards, shard",
            at = self.at
        )
    }

    /// Reads the version and the outbox's name.
    pub(super) fn meta(&self) -> String {
        format!("SELECT name, value FROM {at}pf_outbox_meta", at = self.at)
    }

    /// The longest transaction that vacuum waits for.
    pub(super) fn vacuum_blocker() -> &'static str {
        "SELECT pid, coalesce(usename::text, ''), coalesce(application_name, ''), coalesce(state, ''), \
         coalesce(left(query, 200), ''), extract(epoch FROM now() - xact_start)::float8 FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' \
         AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND xact_start < now() - interval '10 seconds' \
         ORDER BY xact_start LIMIT 1"
    }
}

/// The lease of a holder.
const MINE: &str = "shard = $1 AND shards = $2 AND fence = $3";

/// The columns of a row that is shown, its state first.
const COLUMNS: &str = "CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN parked_at IS NOT NULL THEN 'parked' \
     WHEN attempts > 0 THEN 'refused' WHEN due > now() THEN 'delayed' ELSE 'pending' END, \
     id, topic, key, event, due, created_at, attempts::bigint, error";
