//! The check of what is around an outbox: the rights of the user, the connection, and vacuum.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::{client::Database, operate, rights, schema::quoted};
use crate::{
    outbox::row::VacuumBlocker,
    transport::{ErrorKind, Finding, Result},
};

/// How often two sessions ask for their server processes.
const LOOKS: usize = 5;

/// What vacuum has left to do, and whether the transactions of other users are visible: `$1` the table.
const VACUUM: &str = "\
SELECT coalesce((SELECT n_dead_tup FROM pg_stat_all_tables WHERE relid = to_regclass($1)), 0), \
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), current_user::text";

/// Checks rights, the connection, and vacuum. `second` is a connection to the same database.
pub(super) async fn surroundings(database: &Database, second: &Database) -> Result<Vec<Finding>> {
    Ok(vec![
        may_relay(database).await?,
        connection(database, second).await?,
        vacuum(database).await?,
    ])
}

async fn may_relay(database: &Database) -> Result<Finding> {
    let name = "outbox-rights";
    match rights::check_rights(database).await {
        Ok(()) => Ok(Finding::ok(name, "this user may relay")),
        Err(error) if error.kind() == ErrorKind::Denied => {
            let finding = Finding::problem(name, error.message().to_owned());
            Ok(finding.fix(error.advice().unwrap_or_default().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Finds a pooler that gives a session another server process for each transaction. Without one, a session has a process
/// to itself.
async fn connection(database: &Database, second: &Database) -> Result<Finding> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        ours.push(process(database).await?);
        theirs.push(process(second).await?);
    }
    let name = "outbox-connection";
    let is_own = |session: &[i32]| session.iter().all(|process| *process == session[0]);
    if is_own(&ours) && is_own(&theirs) && ours[0] != theirs[0] {
        return Ok(Finding::ok(
            name,
            "each session has a process of the server",
        ));
    }
    let text = "through a pooler in transaction mode, as PgBouncer; that is enough for relays";
    Ok(Finding::ok(name, text))
}

async fn process(database: &Database) -> Result<i32> {
    let sql = "SELECT pg_backend_pid()";
    let rows = database.query("reading the session", sql, &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

async fn vacuum(database: &Database) -> Result<Finding> {
    let name = "outbox-vacuum";
    let table = format!("{}.pf_outbox", quoted(&database.schema));
    let rows = database
        .query("reading statistics", VACUUM, &[(&table, Type::TEXT)])
        .await?;
    let dead: i64 = rows.first().map_or(0, |row| row.get(0));
    let sees_others = rows.first().is_none_or(|row| row.get(1));
    if let Some(blocker) = operate::vacuum_blocker(database).await? {
        return Ok(held_up(name, &blocker, dead));
    }
    if !sees_others {
        let user: String = rows[0].get(2);
        let text = "transactions of other users, which may hold it up, are not visible";
        let finding = Finding::warning(name, text);
        return Ok(finding.fix(format!("GRANT pg_read_all_stats TO {};", quoted(&user))));
    }
    Ok(Finding::ok(
        name,
        format!("not held up, {dead} deleted rows left"),
    ))
}

fn held_up(name: &str, blocker: &VacuumBlocker, dead: i64) -> Finding {
    let open = blocker.open.unwrap_or_default();
    let open = humantime::format_duration(Duration::from_secs(open.as_secs()));
    let VacuumBlocker {
        pid,
        user,
        application,
        state,
        query,
        ..
    } = blocker;
    let text = format!(
        "held up for {open} by process {pid} of `{user}` ({application}, {state}), {dead} deleted rows left: {query}"
    );
    let end = format!("SELECT pg_terminate_backend({pid});");
    Finding::warning(name, text).fix(end)
}
