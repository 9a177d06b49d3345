//! The capabilities of a cluster and of the subscriptions that a URL asks for.

use std::time::Duration;

use crate::{
    backends::pulsar::{codec::protocol::SubType, connection::handle::Connection, error::SCHEME},
    transport::{Capabilities, Limits, Result, Support},
};

/// How late a delayed event may usually be: the broker looks once a second by default.
const LATENESS: Duration = Duration::from_secs(1);

/// Returns the capabilities that are known without a broker.
pub(crate) fn offline() -> Capabilities {
    Capabilities {
        transport: SCHEME.to_owned(),
        server: None,
        publish: Support::native("confirmed by the broker once the bookies have stored it"),
        dedup: Support::absent("the broker recognises producers and their numbers, not events"),
        dedup_handling: Support::absent("events that were handled are not marked here"),
        delay: Support::native(
            "on shared and key_shared subscriptions; an event that the broker delivers early is held back",
        ),
        schedule: Support::emulated(
            "listed by reading what groups have not acknowledged; a cancelled event is acknowledged for each subscription and noted in `pf.cancelled` for those of Protoflow that begin afterwards. A rescheduled one gets a new id",
        ),
        delayed_retry: Support::native(
            "a retry topic of the group, whose messages the broker holds back",
        ),
        dlq: Support::emulated(
            "`<topic>-<group>-DLQ` of each group, as Java's clients name it; then the acknowledgement",
        ),
        exactly_once_replay: Support::emulated(
            "where the topic that is replayed to recognises duplicates (deduplication) and the admin API confirms it; elsewhere outcomes may be unknown after a crash, and are reported by id",
        ),
        exactly_once_outbox: Support::absent(
            "at least once; let consumers ignore ids that they know",
        ),
        replay_to_group: Support::native("the retry topic of the group"),
        order: Support::native("per key, in the order of its partition"),
        ordered_retry: Support::absent("a subscription holds back a message, not its key"),
        groups: Support::native(
            "subscriptions; `type=` in the URL says how consumers share one. Brokers store acknowledgements once a second by default: `pf doctor` says how to have them stored at once",
        ),
        patterns: Support::emulated("topics are listed once a second"),
        crash_count: Support::absent(
            "the broker forgets how often it delivered a message when its consumer ends",
        ),
        purge: Support::emulated(
            "purged letters are left out at once; the broker deletes them with everything before them",
        ),
        limits: Limits {
            max_payload: None,
            max_delay: None,
            lateness: Some(LATENESS),
            unordered_headers: false,
        },
    }
}

/// Returns the capabilities of a cluster.
pub(crate) async fn live(connection: &Connection) -> Result<Capabilities> {
    let link = connection.any().await?;
    let mut all = offline();
    all.server = Some(link.server_version.clone());
    all.limits.max_payload = u64::try_from(link.max_message_size).ok();
    if connection.config.sub_type == SubType::Shared {
        all.order = Support::absent(
            "a shared subscription spreads keys over its consumers; `type=key_shared` in the URL keeps order",
        );
    }
    if !connection.config.is_shared() {
        all.delay = Support::absent(
            "exclusive and failover subscriptions deliver delayed events at once; `type=key_shared` in the URL keeps delays",
        );
    }
    Ok(all)
}
