//! The capabilities of a server and its stream.

use std::time::Duration;

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            stream::info::{self, EXPIRY, SCHEDULES, StreamInfo},
        },
        error::SCHEME,
    },
    transport::{Capabilities, Limits, Result, Support},
};

/// How late a schedule may usually fire.
const LATENESS: Duration = Duration::from_millis(750);

/// Returns the capabilities that are known without a server.
pub(crate) fn offline() -> Capabilities {
    Capabilities {
        transport: SCHEME.to_owned(),
        server: None,
        publish: Support::native("confirmed by JetStream; sent again under the same id"),
        dedup: Support::native(
            "by message id, for the duplicate window of the stream (2m by default)",
        ),
        dedup_handling: Support::emulated(
            "the mark is stored before the acknowledgement; a consumer knows the last 900,000. Copies that two consumers hold \
             at the same moment are both handled, unless each is begun (`at-most-once`)",
        ),
        delay: Support::native("schedules, where the stream allows them (NATS 2.12 or later)"),
        schedule: Support::native("where the stream allows schedules"),
        delayed_retry: Support::native("held back by the consumer, also across a restart"),
        dlq: Support::emulated(
            "a stream of its own; a dead letter is stored before the original is acknowledged",
        ),
        exactly_once_replay: Support::emulated(
            "an atomic batch with its journal, where the stream allows batches; else message ids",
        ),
        exactly_once_outbox: Support::emulated(
            "an atomic batch with its receipt, where the stream allows batches; else message ids",
        ),
        replay_to_group: Support::absent("a replay goes to the topic, so every group sees it"),
        order: Support::emulated(
            "per subject and publisher; a group delivers one key to several consumers",
        ),
        ordered_retry: Support::absent("JetStream holds back a message, not its key"),
        groups: Support::native("durable pull consumers"),
        patterns: Support::native("subject filters"),
        crash_count: Support::absent("JetStream counts deliveries, not their outcomes"),
        purge: Support::native(""),
        limits: Limits {
            max_payload: None,
            max_delay: None,
            lateness: Some(LATENESS),
            // The client keeps headers in a map.
            unordered_headers: true,
        },
    }
}

/// Returns the capabilities of a server and of the stream, if it exists.
pub(crate) async fn live(connection: &Connection) -> Result<Capabilities> {
    let info = info::find(connection, &connection.names.stream).await?;
    Ok(combine(connection, info.as_ref()))
}

fn combine(connection: &Connection, info: Option<&StreamInfo>) -> Capabilities {
    let mut all = Capabilities {
        server: Some(format!(
            "nats-server {}",
            connection.client.server_info().version
        )),
        ..offline()
    };
    all.limits.max_payload = u64::try_from(connection.client.max_payload()).ok();
    if let Some(note) = connection.too_old("groups and their dead letters need", EXPIRY) {
        for ability in [
            &mut all.groups,
            &mut all.delayed_retry,
            &mut all.dlq,
            &mut all.dedup_handling,
        ] {
            *ability = Support::absent(note.clone());
        }
    }
    let Some(info) = info else {
        let note = connection
            .too_old("schedules and atomic batches need", SCHEDULES)
            .unwrap_or_else(|| {
                "there is no stream yet; `--create` creates one that can".to_owned()
            });
        let note = note.as_str();
        all.delay = Support::absent(note);
        all.schedule = Support::absent(note);
        all.exactly_once_replay = Support::absent(note);
        all.exactly_once_outbox = Support::absent(note);
        return all;
    };
    (all.publish, all.dedup) = (publish(info), dedup(info));
    all.limits.max_delay = info.longest_delay();
    if let Some(refused) = info.read_only() {
        let note = refused.message().to_owned();
        for ability in [
            &mut all.delay,
            &mut all.schedule,
            &mut all.exactly_once_replay,
            &mut all.exactly_once_outbox,
        ] {
            *ability = Support::absent(note.clone());
        }
        return all;
    }
    let (internal, fix) = (connection.names.internal_wildcard(), info.fix_hint());
    match info.delay_obstacle(&internal) {
        None => all.delay = Support::native("schedules, at most 0.75 s late"),
        Some(reason) => {
            all.delay = Support::absent(format!("{reason}; {fix}"));
            all.schedule = Support::absent(format!("{reason}; {fix}"));
        }
    }
    set_exactly_once(&mut all, info, &internal);
    if info.config.deny_delete || info.config.deny_purge {
        all.schedule = Support::absent("the stream does not allow schedules to be deleted");
    }
    all
}

/// Sets what needs atomic batches.
fn set_exactly_once(all: &mut Capabilities, info: &StreamInfo, internal: &str) {
    let Some(reason) = info.atomic_replay_obstacle(internal) else {
        all.exactly_once_replay = Support::native("an atomic batch of the events and the journal");
        all.exactly_once_outbox = Support::native("an atomic batch of the events and the receipt");
        return;
    };
    let fix = info.fix_hint();
    let window = Duration::from_nanos(info.config.duplicate_window);
    let window = humantime::format_duration(window);
    all.exactly_once_replay = Support::emulated(format!(
        "message ids, for {window} after a crash; {reason}; {fix}"
    ));
    all.exactly_once_outbox = Support::emulated(format!("message ids; {reason}; {fix}"));
}

/// Returns for how long the stream recognises a duplicate.
fn dedup(info: &StreamInfo) -> Support {
    if let Some(refused) = info.read_only() {
        return Support::absent(refused.message().to_owned());
    }
    if info.config.no_ack {
        return Support::absent("the stream does not confirm what is published");
    }
    let window = Duration::from_nanos(info.config.duplicate_window);
    if window.is_zero() {
        return Support::absent("the stream has no duplicate window");
    }
    let window = humantime::format_duration(window);
    Support::native(format!(
        "by message id, for {window} (the stream's duplicate window)"
    ))
}

/// Returns how far a confirmation of the stream can be relied on.
fn publish(info: &StreamInfo) -> Support {
    if let Some(refused) = info.read_only() {
        return Support::absent(refused.message().to_owned());
    }
    let config = &info.config;
    if config.no_ack {
        return Support::absent(
            "the stream does not confirm what is published; `pf doctor --fix` makes it",
        );
    }
    if config.retention == "interest" {
        return Support::native(
            "confirmed by JetStream, and kept only where a consumer covers the topic; \
             `pf publish --require-consumer` refuses what would be dropped",
        );
    }
    offline().publish
}
