//! The tables, their version, and how a file becomes a store.

use rusqlite::Connection;

use crate::{
    backends::sqlite::error::{StoreError, StoreResult, store_error},
    transport::ErrorKind,
};

/// The application id in the file's header ("pflw").
const APPLICATION_ID: i32 = 0x7066_6c77;

/// One migration per version; a released one is never changed.
const STEPS: [&str; 4] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// The version that this program reads and writes.
pub(crate) const VERSION: usize = STEPS.len();

/// The oldest version that can be looked at as it is: what came later is only used by consumers.
pub(crate) const READABLE: usize = 2;

/// `held` has the messages in flight. `waiting` has messages that the group's cursor passed and that are not
/// finished: its retries, and (with due 0) messages that were returned or skipped. Both are empty for a group that
/// keeps up, so that publishing costs no more with many groups than with one. `sorts` has what the dead letters of
/// one fingerprint share. Times are nanoseconds since 1970.
const VERSION_1: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE topics(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    last_seq INTEGER NOT NULL DEFAULT 0, removed_seq INTEGER NOT NULL DEFAULT 0);
CREATE TABLE messages(
    seq INTEGER PRIMARY KEY, topic INTEGER NOT NULL, time INTEGER NOT NULL,
    key BLOB, headers BLOB, payload BLOB, only_group INTEGER, lineage TEXT);
CREATE INDEX messages_of_topic ON messages(topic);
CREATE TABLE groups(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL);
CREATE TABLE cursors(
    group_id INTEGER, topic INTEGER, seq INTEGER NOT NULL,
    PRIMARY KEY(group_id, topic)) WITHOUT ROWID;
CREATE TABLE consumers(
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL, name TEXT NOT NULL,
    joined INTEGER NOT NULL);
CREATE TABLE held(
    group_id INTEGER, seq INTEGER, consumer INTEGER NOT NULL, ticket INTEGER NOT NULL,
    lease_until INTEGER NOT NULL, key_hash INTEGER, failed INTEGER NOT NULL,
    crashed INTEGER NOT NULL, first_failed INTEGER,
    PRIMARY KEY(group_id, seq)) WITHOUT ROWID;
CREATE TABLE waiting(
    group_id INTEGER, seq INTEGER, due INTEGER NOT NULL, owner INTEGER, key_hash INTEGER,
    failed INTEGER NOT NULL, crashed INTEGER NOT NULL, first_failed INTEGER,
    PRIMARY KEY(group_id, seq)) WITHOUT ROWID;
CREATE INDEX waiting_by_due ON waiting(group_id, due);
CREATE INDEX waiting_by_key ON waiting(group_id, key_hash) WHERE key_hash IS NOT NULL;
CREATE TABLE schedules(
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, due INTEGER NOT NULL, topic TEXT NOT NULL,
    key BLOB, headers BLOB, payload BLOB);
CREATE INDEX schedules_by_due ON schedules(due);
CREATE TABLE sorts(
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, group_name TEXT NOT NULL, kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL, sample TEXT NOT NULL,
    UNIQUE(topic, group_name, kind, fingerprint));
CREATE TABLE dead_letters(
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sort INTEGER NOT NULL,
    dead_since INTEGER NOT NULL, position TEXT NOT NULL, event_type TEXT,
    total_attempts INTEGER NOT NULL, reason TEXT NOT NULL,
    key BLOB, headers BLOB, payload BLOB, record TEXT NOT NULL);
CREATE INDEX dead_letters_by_sort ON dead_letters(sort, dead_since);
CREATE INDEX dead_letters_by_time ON dead_letters(dead_since);
CREATE INDEX dead_letters_by_position ON dead_letters(position);
CREATE TABLE jobs(
    id TEXT PRIMARY KEY, action TEXT NOT NULL, selection TEXT NOT NULL, created INTEGER NOT NULL,
    planned INTEGER NOT NULL DEFAULT 0, resolved INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0, holder TEXT, presence TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE job_items(
    job TEXT, n INTEGER, letter TEXT NOT NULL, PRIMARY KEY(job, n)) WITHOUT ROWID;
";

/// Notes of triage: its log, its policy, its archive.
const VERSION_2: &str = "
CREATE TABLE notes(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// Marks of handled events (`consume --dedup`), each until the end of its window. `begun` is the position of a run that is not
/// settled, `letter` the dead letter of an event that was given up; with neither, the event was handled.
const VERSION_3: &str = "
CREATE TABLE marks(
    key BLOB PRIMARY KEY, until INTEGER NOT NULL, begun INTEGER, letter TEXT) WITHOUT ROWID;
CREATE INDEX marks_by_time ON marks(until);
";

/// Marks name the group of a run that began, and what was handled is appended (`mark_batches`) before it enters the tree. A
/// consumer has the action whose marks it keeps, and whether it begins each run with one.
const VERSION_4: &str = "
DROP INDEX marks_by_time;
DELETE FROM marks WHERE begun IS NOT NULL;
ALTER TABLE marks ADD COLUMN group_id INTEGER;
CREATE TABLE mark_batches(n INTEGER PRIMARY KEY, until INTEGER NOT NULL, keys BLOB NOT NULL);
ALTER TABLE consumers ADD COLUMN action TEXT;
ALTER TABLE consumers ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
";

/// The state of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A store of this version.
    Ready,
    /// Empty, or a store of an older version: to be migrated from this one.
    Older(usize),
}

impl State {
    /// Reports whether the file can be looked at without a migration: an older program goes on to use it.
    pub(crate) fn is_readable(&self) -> bool {
        match self {
            Self::Ready => true,
            Self::Older(version) => *version >= READABLE,
        }
    }
}

/// Inspects the header of a file, without writing.
pub(crate) fn inspect(connection: &Connection) -> StoreResult<State> {
    // Another process may be creating the store: all of this has to be read at one moment.
    let _moment = connection
        .is_autocommit()
        .then(|| connection.unchecked_transaction())
        .transpose()?;
    let version: i64 = pragma(connection, "user_version")?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let application: i64 = pragma(connection, "application_id")?;
    if application == i64::from(APPLICATION_ID) {
        return match version {
            VERSION => Ok(State::Ready),
            older if older < VERSION => Ok(State::Older(older)),
            newer => Err(too_new(newer)),
        };
    }
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if objects == 0 && application == 0 && version == 0 {
        return Ok(State::Older(0));
    }
    let file = connection.path().unwrap_or("the file");
    Err(store_error(
        ErrorKind::Corrupt,
        format!("`{file}` is an SQLite database of another program"),
    )
    .hint("name another file; this one was not touched")
    .into())
}

/// Migrates a file to this version, in one transaction. Safe when several processes do it at once.
pub(crate) fn migrate(connection: &mut Connection) -> StoreResult<()> {
    let _: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let State::Older(version) = inspect(&transaction)? else {
        return Ok(transaction.commit()?);
    };
    tracing::info!(from = version, to = VERSION, "creating the store's tables");
    for step in &STEPS[version..] {
        transaction.execute_batch(step)?;
    }
    if version == 0 {
        transaction.execute(
            "INSERT INTO meta(name, value) VALUES('store', ?1)",
            [ulid::Ulid::generate().to_string()],
        )?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Reads a pragma that is a number.
pub(crate) fn pragma(connection: &Connection, name: &str) -> StoreResult<i64> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

/// Reads the journal mode.
pub(crate) fn journal_mode(connection: &Connection) -> StoreResult<String> {
    Ok(connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?)
}

fn too_new(version: usize) -> StoreError {
    store_error(
        ErrorKind::Configuration,
        format!("the store has version {version}; this program knows up to {VERSION}"),
    )
    .hint("use the newer `pf` that wrote it")
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_becomes_a_store_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(inspect(&connection).unwrap(), State::Older(0));
        migrate(&mut connection).unwrap();
        assert_eq!(inspect(&connection).unwrap(), State::Ready);
        migrate(&mut connection).unwrap();
        let stores: i64 = connection
            .query_row("SELECT count(*) FROM meta", [], |row| row.get(0))
            .unwrap();
        assert_eq!(stores, 1);
    }
}
