//! Capabilities of the store, with its durability as the open connection reports it.

use std::time::Duration;

use super::{
    connection::{config::Config, config::RETENTION, schema, write::writer::Writer},
    error::SCHEME,
    publish::MAX_PAYLOAD,
};
use crate::transport::{Capabilities, Limits, Result, Support};

/// Asks SQLite; a missing file is not created for this.
pub(super) async fn ask(config: &Config, writer: &Writer) -> Result<Capabilities> {
    let level = if config.path.exists() {
        let read = writer.read(|session| schema::pragma(&session.connection, "synchronous"));
        Some(read.await?)
    } else {
        None
    };
    Ok(describe(&durability(config, level), config.retention))
}

fn durability(config: &Config, level: Option<i64>) -> String {
    let word = match level {
        Some(0) => "OFF",
        Some(1) => "NORMAL",
        Some(2) => "FULL",
        Some(_) => "EXTRA",
        None => config.synchronous.as_str(),
    };
    let meaning = match word {
        "OFF" => "a power failure may damage the store",
        "NORMAL" => "survives kill -9; a power failure may lose the last commits",
        _ => "survives kill -9 and power failure",
    };
    let state = if level.is_some() {
        ""
    } else {
        "; the file does not exist yet"
    };
    format!("committed with synchronous={word}: {meaning}{state}")
}

/// Returns the capabilities of a store with the default settings.
pub(super) fn usual() -> Capabilities {
    let durability = "committed with synchronous=FULL: survives kill -9 and power failure";
    describe(durability, RETENTION)
}

fn describe(durability: &str, retention: Duration) -> Capabilities {
    let retention = humantime::format_duration(retention);
    Capabilities {
        transport: SCHEME.to_owned(),
        server: Some(format!("SQLite {}", rusqlite::version())),
        publish: Support::native(durability),
        dedup: Support::native(format!(
            "event and key in one transaction, for {retention} (`retention`)"
        )),
        dedup_handling: Support::native("the mark is in the transaction of the settlement"),
        delay: Support::native(
            "fired by any waiting consumer or tail; without one, when the next one starts",
        ),
        schedule: Support::native("list, cancel and reschedule"),
        delayed_retry: Support::native("does not delay other events"),
        dlq: Support::native("stored and settled in one transaction"),
        exactly_once_replay: Support::native("dead letter and message in one transaction"),
        exactly_once_outbox: Support::native("batch and receipt in one transaction"),
        replay_to_group: Support::native("not visible to other groups and tails"),
        order: Support::native("per key, over all topics; one consumer at a time"),
        ordered_retry: Support::native("later events of the key wait"),
        groups: Support::native("any number of processes on this machine"),
        patterns: Support::native("`*` and `**`"),
        crash_count: Support::native("a crashed process is detected by its file lock"),
        purge: Support::native(
            "the row is deleted; its bytes are overwritten when the space is reused",
        ),
        limits: Limits {
            max_payload: Some(MAX_PAYLOAD as u64),
            max_delay: None,
            lateness: Some(Duration::from_millis(20)),
            unordered_headers: false,
        },
    }
}
