//! Errors of PostgreSQL as [`TransportError`].

use tokio_postgres::{Error, error::SqlState};

use crate::transport::{ErrorKind, TransportError};

/// The name of the database in messages.
pub(super) const SCHEME: &str = "postgres";

/// Converts an error; `doing` completes "…: failed".
pub(super) fn from_postgres(error: Error, doing: &'static str) -> TransportError {
    let Some(server) = error.as_db_error() else {
        return TransportError::new(SCHEME, ErrorKind::Unavailable, format!("{doing} failed"))
            .because(error)
            .hint("is the database running, and is its address right?");
    };
    let code = server.code().clone();
    let kind = kind(&code);
    if code == SqlState::LOCK_NOT_AVAILABLE {
        let text = format!("{doing} failed: another session holds a lock that it needs");
        return TransportError::new(SCHEME, kind, text).because(error).hint(
            "end that session's transaction; `SELECT pid, usename, xact_start, query FROM pg_stat_activity ORDER BY \
             xact_start` lists the oldest first",
        );
    }
    let text = format!("{doing} failed: {}", server.message());
    let failed = TransportError::new(SCHEME, kind, text);
    match kind {
        _ if code == SqlState::INVALID_CATALOG_NAME => failed.hint("name a database that exists"),
        ErrorKind::NotFound => failed.hint("create the outbox: `pf outbox create --in URL`"),
        ErrorKind::Denied if code.code().starts_with("28") => {
            failed.hint("check the user and the password, PF_PASSWORD or PGPASSWORD")
        }
        ErrorKind::Denied => failed.hint(
            "`pf outbox create --in URL --print` shows the rights that a writer and a relay need",
        ),
        ErrorKind::Configuration => {
            failed.hint("the table has another shape; move it away and create the outbox again")
        }
        _ => failed,
    }
}

fn kind(code: &SqlState) -> ErrorKind {
    match code.code() {
        "42501" => ErrorKind::Denied,
        "42P01" | "3F000" | "42883" => ErrorKind::NotFound,
        "3D000" | "42703" | "42804" | "42704" => ErrorKind::Configuration,
        "53100" => ErrorKind::Full,
        code => match &code[..2] {
            "28" => ErrorKind::Denied,
            // Connections, rollbacks by the server, resources, locks, shutdowns, the system, read-only standbys.
            "08" | "40" | "53" | "55" | "57" | "58" | "25" => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_are_told_from_refusals() {
        for (code, wanted) in [
            ("57P01", ErrorKind::Unavailable),
            ("40001", ErrorKind::Unavailable),
            ("53100", ErrorKind::Full),
            ("53300", ErrorKind::Unavailable),
            ("42501", ErrorKind::Denied),
            ("28P01", ErrorKind::Denied),
            ("42P01", ErrorKind::NotFound),
            ("23505", ErrorKind::Other),
        ] {
            assert_eq!(kind(&SqlState::from_code(code)), wanted, "{code}");
        }
    }
}
