//! What a server and its stream can do.

use std::time::Duration;

use crate::{
    backends::nats::connection::{
        handle::Link,
        stream::info::{EXPIRY, Facts, SCHEDULES},
    },
    transport::{Capabilities, Limits, Support},
};

/// How late a schedule may usually fire.
const LATENESS: Duration = Duration::from_millis(750);

/// Returns what is known without a server.
pub(crate) fn offline() -> Capabilities {
    Capabilities {
        transport: crate::backends::nats::error::SCHEME.to_owned(),
        server: None,
        publish: Support::native("confirmed by JetStream; sent again under the same id"),
        delay: Support::native("schedules, where the stream allows them (NATS 2.12 or later)"),
        schedule: Support::native("where the stream allows schedules"),
        delayed_retry: Support::native("held by the consumer, also over a restart"),
        dlq: Support::emulated(
            "a stream beside; a letter is stored before the original is acknowledged",
        ),
        exactly_once_replay: Support::emulated(
            "an atomic batch with its journal, where the stream allows batches; else message ids",
        ),
        replay_to_group: Support::absent("a replay goes to the topic, so every group sees it"),
        order: Support::emulated(
            "per subject and publisher; a group gives one key to several consumers",
        ),
        ordered_retry: Support::absent("JetStream holds a message, not its key"),
        groups: Support::native("durable pull consumers"),
        patterns: Support::native("subject filters"),
        crash_count: Support::absent("JetStream counts deliveries, not what became of them"),
        purge: Support::native(""),
        limits: Limits {
            max_payload: None,
            max_delay: None,
            lateness: Some(LATENESS),
        },
    }
}

/// Returns what a server and a stream, if there is one, can do.
pub(crate) fn live(link: &Link, facts: Option<&Facts>) -> Capabilities {
    let mut all = Capabilities {
        server: Some(format!("nats-server {}", link.client.server_info().version)),
        ..offline()
    };
    all.limits.max_payload = u64::try_from(link.client.max_payload()).ok();
    if let Some(note) = link.too_old("groups and their dead letters need", EXPIRY) {
        for ability in [&mut all.groups, &mut all.delayed_retry, &mut all.dlq] {
            *ability = Support::absent(note.clone());
        }
    }
    let Some(facts) = facts else {
        let note = link
            .too_old("schedules and atomic batches need", SCHEDULES)
            .unwrap_or_else(|| "there is no stream yet; `--create` makes one that can".to_owned());
        let note = note.as_str();
        all.delay = Support::absent(note);
        all.schedule = Support::absent(note);
        all.exactly_once_replay = Support::absent(note);
        return all;
    };
    all.publish = publish(facts);
    all.limits.max_delay = facts.longest_delay();
    if let Some(refused) = facts.no_messages() {
        let note = refused.message().to_owned();
        for ability in [
            &mut all.delay,
            &mut all.schedule,
            &mut all.exactly_once_replay,
        ] {
            *ability = Support::absent(note.clone());
        }
        return all;
    }
    let (inner, mend) = (link.names.inner(), facts.mend());
    match facts.no_delay(&inner) {
        None => all.delay = Support::native("schedules, at most 0.75 s late"),
        Some(reason) => {
            all.delay = Support::absent(format!("{reason}; {mend}"));
            all.schedule = Support::absent(format!("{reason}; {mend}"));
        }
    }
    all.exactly_once_replay = match facts.no_atomic_replay(&inner) {
        None => Support::native("an atomic batch of the events and the journal"),
        Some(reason) => {
            let window = Duration::from_nanos(facts.config.duplicate_window);
            let window = humantime::format_duration(window);
            Support::emulated(format!(
                "message ids, for {window} after a crash; {reason}; {mend}"
            ))
        }
    };
    if facts.config.deny_delete || facts.config.deny_purge {
        all.schedule = Support::absent("the stream does not let schedules be deleted");
    }
    all
}

/// Says what a confirmation of a stream is worth.
fn publish(facts: &Facts) -> Support {
    if let Some(refused) = facts.no_messages() {
        return Support::absent(refused.message().to_owned());
    }
    let config = &facts.config;
    if config.no_ack {
        return Support::absent(
            "the stream does not confirm what is published; `pf doctor --fix` lets it",
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
