//! Capabilities of the store: all of them.

use std::time::Duration;

use super::error::SCHEME;
use crate::transport::{Capabilities, Limits, Support};

/// Returns the capabilities.
pub(super) fn all() -> Capabilities {
    Capabilities {
        transport: SCHEME.to_owned(),
        server: None,
        publish: Support::native("stored in this process, and gone with it"),
        dedup: Support::native("for as long as the store exists"),
        dedup_handling: Support::native("within this process, up to 900,000 marks"),
        delay: Support::native(""),
        schedule: Support::native(""),
        delayed_retry: Support::native(""),
        dlq: Support::native("stored in the same step in which the original is acknowledged"),
        exactly_once_replay: Support::native(""),
        exactly_once_outbox: Support::native("within this process"),
        replay_to_group: Support::native(""),
        order: Support::native("per topic; in a group per key, one consumer at a time"),
        ordered_retry: Support::native(""),
        groups: Support::native(""),
        patterns: Support::native(""),
        crash_count: Support::native("a lease that runs out"),
        purge: Support::native(""),
        limits: Limits {
            max_payload: None,
            max_delay: None,
            lateness: Some(Duration::from_millis(2)),
            unordered_headers: false,
        },
    }
}
