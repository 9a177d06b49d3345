//! `pf doctor`: the checks of a store, and the fixes.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use rusqlite::Connection;

use super::{
    codec::timestamp,
    connection::{
        config::{Config, Synchronous},
        file::{access, open_files},
        liveness::{self, Liveness},
        log,
        reader::Reader,
        write::{transaction::OpKind, writer::Writer},
    },
    consume::expiry,
    error::{SCHEME, StoreResult, store_error},
};
use crate::transport::{ErrorKind, Finding, FindingLevel, Result};

/// A write-ahead log of this size has not been checkpointed for long.
const LARGE_LOG: u64 = 64 << 20;

/// Less free space than this is a warning.
const LITTLE_SPACE: u64 = 256 << 20;

/// Checks the store.
pub(super) async fn diagnose(config: &Config, reader: &Arc<Reader>) -> Result<Vec<Finding>> {
    let shared = access(config);
    let config = config.clone();
    let locked_out = shared.clone();
    let checked = reader
        .read(move |connection| {
            let mut findings = vec![
                integrity(connection)?,
                durability(&config),
                folder(&config),
                shared,
                space(&config),
                write_ahead_log(&config),
                consumers(connection, &config)?,
            ];
            findings.extend(names(&config));
            findings.extend(lagging(connection, &config)?);
            Ok(findings)
        })
        .await;
    match checked {
        // Everything else can be checked only by a user that the files let in.
        Err(error)
            if error.kind() == ErrorKind::Denied && locked_out.level == FindingLevel::Problem =>
        {
            Ok(vec![locked_out])
        }
        checked => checked,
    }
}

/// Fixes a finding.
pub(super) async fn fix(config: &Config, writer: &Writer, finding: &str) -> Result<()> {
    match finding {
        "consumers" => {
            let config = config.clone();
            writer
                .write(OpKind::Other, move |session| {
                    expiry::release_all_dead(session)?;
                    for name in strays(&config) {
                        liveness::clear(&config, &name);
                    }
                    Ok(())
                })
                .await
        }
        "access" => access::fix(config).map_err(|error| {
            let message = "owner and mode of files beside the store cannot be changed";
            store_error(ErrorKind::Denied, message).because(error)
        }),
        "log" => {
            writer
                .read(|session| {
                    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
                    Ok(session.connection.query_row(sql, [], |_| Ok(()))?)
                })
                .await
        }
        other => Err(Finding::unknown(SCHEME, other)),
    }
}

fn integrity(connection: &Connection) -> StoreResult<Finding> {
    let sql = "PRAGMA quick_check(1)";
    let answer: String = connection.query_row(sql, [], |row| row.get(0))?;
    if answer == "ok" {
        return Ok(Finding::ok("integrity", "the file is intact"));
    }
    let text = format!("the file is damaged: {answer}");
    let damaged = Finding::problem("integrity", text);
    Ok(damaged.fix("sqlite3 FILE .recover | sqlite3 NEW"))
}

fn durability(config: &Config) -> Finding {
    let (level, text) = match config.synchronous {
        Synchronous::Full => (FindingLevel::Ok, "commits survive a power failure"),
        Synchronous::Normal => (
            FindingLevel::Warning,
            "synchronous=normal: a power failure may lose the last commits",
        ),
        Synchronous::Off => (
            FindingLevel::Warning,
            "synchronous=off: a power failure may damage the store",
        ),
    };
    Finding::new(level, "durability", text)
}

/// Finds hard links to the file, each of which has a write-ahead log of its own.
fn names(config: &Config) -> Option<Finding> {
    let path = &config.path;
    let names = fs::metadata(path).map_or(1, |file| file.nlink());
    if names < 2 {
        return None;
    }
    let text = open_files::warning_of(path, names);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let (folder, path) = (folder.display(), path.display());
    let fix = format!("find {folder} -xdev -samefile {path}");
    Some(Finding::problem("names", text).fix(fix))
}

fn folder(config: &Config) -> Finding {
    let folder = config.path.parent().unwrap_or(Path::new("."));
    let probe = folder.join(format!(".pf-probe-{}", ulid::Ulid::generate()));
    let written = fs::File::create_new(&probe);
    // A probe that cannot be removed is as much of a problem as one that cannot be created.
    match written.and_then(|_| fs::remove_file(&probe)) {
        Ok(()) => Finding::ok("folder", "the folder can be written"),
        Err(error) => Finding::problem(
            "folder",
            format!("`{}` cannot be written: {error}", folder.display()),
        ),
    }
}

/// Compares owner and mode of what lies beside the store's file with those of the file.
fn access(config: &Config) -> Finding {
    let misfits = access::misfits(config);
    let Some(text) = access::describe(&misfits) else {
        let text = "the files beside the store have its owner and mode";
        return Finding::ok("access", text);
    };
    let level = if misfits.iter().any(|misfit| misfit.locks_out) {
        FindingLevel::Problem
    } else {
        FindingLevel::Warning
    };
    let found = Finding::new(level, "access", text);
    match access::command(config, &misfits) {
        Some(command) => found.fix(command),
        None => found,
    }
}

fn space(config: &Config) -> Finding {
    let folder = config.path.parent().unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let level = if free < LITTLE_SPACE {
                FindingLevel::Warning
            } else {
                FindingLevel::Ok
            };
            Finding::new(level, "space", format!("{} MiB are free", free >> 20))
        }
        Err(error) => Finding::warning(
            "space",
            format!("the free space cannot be determined: {error}"),
        ),
    }
}

fn write_ahead_log(config: &Config) -> Finding {
    let size = fs::metadata(config.log()).map_or(0, |file| file.len());
    let text = format!(
        "the write-ahead log has {} MiB that are not checkpointed yet",
        size >> 20
    );
    if size < LARGE_LOG {
        return Finding::ok("log", text);
    }
    let text = format!("{text}; a process keeps reading from it");
    Finding::warning("log", text).fix("pf doctor --fix")
}

fn consumers(connection: &Connection, config: &Config) -> StoreResult<Finding> {
    let sql = "SELECT count(*) FROM consumers";
    let known: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    let strays = strays(config).len();
    if strays == 0 {
        let text = format!("{known} known, all alive");
        return Ok(Finding::ok("consumers", text));
    }
    let text =
        format!("{known} known; {strays} died, their events are redelivered in their groups");
    Ok(Finding::warning("consumers", text).fix("pf doctor --fix"))
}

/// Returns the liveness locks whose owners died.
fn strays(config: &Config) -> Vec<String> {
    let Ok(files) = fs::read_dir(config.liveness_folder()) else {
        return Vec::new();
    };
    files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter(|name| liveness::check(config, name) == Liveness::Dead)
        .collect()
}

/// Finds live groups that are far behind and so hold back retention.
fn lagging(connection: &Connection, config: &Config) -> StoreResult<Vec<Finding>> {
    let cutoff = timestamp::now() - timestamp::nanos_of(config.retention);
    let sql = "SELECT g.name, t.name, t.last_seq - c.seq FROM cursors c \
         JOIN groups g ON g.id = c.group_id JOIN topics t ON t.id = c.topic \
         WHERE g.seen >= ?1 AND t.last_seq > c.seq AND EXISTS(SELECT 1 FROM messages m \
             WHERE m.topic = t.id AND m.seq > c.seq AND m.time < ?1) \
         ORDER BY 3 DESC LIMIT 20";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([cutoff])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (group, topic): (String, String) = (row.get(0)?, row.get(1)?);
        found.push(Finding::warning(
            "retention",
            format!("group `{group}` has not read old events of `{topic}`, so they are kept"),
        ));
    }
    if found.is_empty() {
        let stored = match log::last_seq_of(connection)? {
            1 => "1 event was".to_owned(),
            count => format!("{count} events were"),
        };
        let text = format!("no group holds it back; {stored} stored so far");
        found.push(Finding::ok("retention", text));
    }
    Ok(found)
}
