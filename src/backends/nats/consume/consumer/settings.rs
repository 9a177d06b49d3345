//! Settings of a consumer that do not fit a group.
//!
//! Every setting of the server is either irrelevant, respected where messages are requested (the limits of a request),
//! reported (a pause), or checked here.

use std::time::Duration;

use crate::{
    backends::nats::{connection::consumer::ConsumerInfo, error::error},
    transport::{ErrorKind, TransportError},
};

/// With a shorter ack wait, in-progress acknowledgements would come too late.
const MIN_ACK_WAIT: Duration = Duration::from_millis(500);
/// The most messages of a group that are in flight or wait for a retry.
pub(crate) const MAX_ACK_PENDING: u64 = 200_000;

/// A setting that does not fit.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// The name in `pf doctor --fix`.
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// The options of `nats consumer edit` that fix it; none if the server cannot change the setting.
    edit: Option<&'static str>,
    /// Whether it is only reported, and the consumer is used.
    pub(crate) is_tolerable: bool,
}

/// What a group needs of its consumer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// How many deliveries a message may need.
    pub(crate) deliveries: i64,
    pub(crate) in_flight: i64,
}

impl Misfit {
    /// Returns the command that fixes it, if there is one.
    pub(crate) fn command(&self, stream: &str, consumer: &str) -> Option<String> {
        let options = self.edit?;
        Some(format!("nats consumer edit {stream} {consumer} {options}"))
    }

    /// Returns it as an error or a warning.
    pub(crate) fn to_error(&self, stream: &str, consumer: &str) -> TransportError {
        let kind = if self.is_tolerable {
            ErrorKind::Warning
        } else {
            ErrorKind::Configuration
        };
        let failed = error(kind, self.text.clone());
        match (self.command(stream, consumer), self.is_tolerable) {
            (Some(command), _) => failed.hint(format!("`{command}`")),
            (None, true) => failed,
            (None, false) => failed.hint(format!(
                "the server cannot change that: use another `--group`, or delete the consumer if it is not needed \
                 (`nats consumer rm {stream} {consumer}`)"
            )),
        }
    }
}

/// Finds the settings that do not fit.
pub(crate) fn misfits(consumer: &ConsumerInfo, needs: Needs) -> Vec<Misfit> {
    let mut found: Vec<Misfit> = Vec::new();
    found.extend(kind(consumer));
    found.extend(contents(consumer));
    found.extend(priority(consumer));
    found.extend(deliveries(consumer, needs));
    found.extend(in_flight(consumer, needs));
    found.extend(waits(consumer));
    found.extend(durability(consumer));
    found
}

fn misfit(name: &'static str, text: String, edit: Option<&'static str>) -> Misfit {
    Misfit {
        name,
        text,
        edit,
        is_tolerable: false,
    }
}

/// Another kind of consumer.
fn kind(consumer: &ConsumerInfo) -> Option<Misfit> {
    let (name, config) = (&consumer.name, &consumer.config);
    let text = if !config.deliver_subject.is_empty() {
        let subject = &config.deliver_subject;
        format!("the consumer `{name}` pushes its messages to `{subject}`; a group pulls them")
    } else if config.ack_policy != "explicit" {
        let policy = &config.ack_policy;
        format!(
            "the consumer `{name}` has the acknowledgement policy `{policy}`; a group acknowledges each message"
        )
    } else if config.replay_policy == "original" {
        format!("the consumer `{name}` delivers messages at the pace at which they were stored")
    } else {
        return None;
    };
    Some(misfit("kind", text, None))
}

fn contents(consumer: &ConsumerInfo) -> Option<Misfit> {
    consumer.config.headers_only.then(|| {
        let text = format!(
            "the consumer `{}` delivers headers only: events would come without their data",
            consumer.name
        );
        misfit("headers-only", text, Some("--no-headers-only"))
    })
}

fn priority(consumer: &ConsumerInfo) -> Option<Misfit> {
    let config = &consumer.config;
    let policy = config.priority_policy.as_str();
    (!matches!(policy, "" | "none")).then(|| {
        let text = format!(
            "the consumer `{}` serves the priority groups {} only, by the policy `{policy}`",
            consumer.name,
            config.priority_groups.join(", ")
        );
        misfit("priority", text, Some("--interactive"))
    })
}

fn deliveries(consumer: &ConsumerInfo, needs: Needs) -> Option<Misfit> {
    let (name, limit) = (&consumer.name, consumer.config.max_deliver);
    if limit <= 0 {
        return None;
    }
    let is_tolerable = limit >= needs.deliveries;
    let reason = if is_tolerable {
        "including those that were returned; `pf dlq capture` keeps what it drops"
    } else {
        "fewer than its attempts may need"
    };
    let text = format!("the consumer `{name}` drops a message after {limit} deliveries, {reason}");
    Some(Misfit {
        is_tolerable,
        ..misfit("max-deliver", text, Some("--max-deliver=-1"))
    })
}

/// A limit of one is how a strict order is asked for: a message comes once the one before it is settled for good.
fn in_flight(consumer: &ConsumerInfo, needs: Needs) -> Option<Misfit> {
    let (name, limit) = (&consumer.name, consumer.config.max_ack_pending);
    (limit > 1 && limit < needs.in_flight).then(|| {
        let text = format!(
            "the consumer `{name}` stops at {limit} messages in flight or waiting for a retry: with that many waiting, no \
             other message is delivered"
        );
        Misfit {
            is_tolerable: true,
            ..misfit("max-pending", text, Some("--max-pending=200000"))
        }
    })
}

fn waits(consumer: &ConsumerInfo) -> Option<Misfit> {
    let name = &consumer.name;
    if !consumer.config.backoff.is_empty() {
        let text = format!("the consumer `{name}` has a backoff of its own");
        return Some(misfit("backoff", text, Some("--backoff=none")));
    }
    let wait = consumer.ack_wait();
    (wait < MIN_ACK_WAIT).then(|| {
        let text = format!(
            "the consumer `{name}` waits only {} for an acknowledgement",
            humantime::format_duration(wait)
        );
        misfit("ack-wait", text, Some("--wait=30s"))
    })
}

/// Settings with which a group may lose its position, and read everything again.
fn durability(consumer: &ConsumerInfo) -> Vec<Misfit> {
    let (name, config) = (&consumer.name, &consumer.config);
    let mut found = Vec::new();
    let idle = Duration::from_nanos(config.inactive_threshold);
    if !idle.is_zero() {
        let idle = humantime::format_duration(idle);
        let text = format!(
            "the server deletes the consumer `{name}` after {idle} without a reader; the group starts over"
        );
        let edit = (!config.durable_name.is_empty()).then_some("--interactive");
        found.push(misfit("inactive", text, edit));
    }
    if config.mem_storage {
        let text = format!(
            "the consumer `{name}` is kept in memory; the group starts over when its server restarts"
        );
        found.push(misfit("memory", text, None));
    }
    for one in &mut found {
        one.is_tolerable = true;
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(config: &Value) -> Vec<(&'static str, bool)> {
        let mut all = json!({"ack_policy": "explicit", "ack_wait": 30_000_000_000_u64, "max_deliver": -1,
            "max_ack_pending": 1000, "durable_name": "g", "replay_policy": "instant"});
        for (name, value) in config.as_object().unwrap() {
            all[name] = value.clone();
        }
        let durable = json!({"name": "g", "config": all});
        let durable: ConsumerInfo = serde_json::from_value(durable).unwrap();
        let needs = Needs {
            deliveries: 4,
            in_flight: 1000,
        };
        let found = misfits(&durable, needs);
        let named = found.iter().map(|one| (one.name, one.is_tolerable));
        named.collect()
    }

    #[test]
    fn every_setting_is_respected_refused_or_reported() {
        for served in [
            json!({}),
            json!({"max_batch": 1, "max_expires": 1_000_000, "max_bytes": 1, "max_waiting": 1}),
            json!({"deliver_policy": "last_per_subject", "sample_freq": "100", "description": "x"}),
            json!({"metadata": {"a": "b"}, "num_replicas": 1, "max_ack_pending": -1}),
            json!({"max_ack_pending": 1}),
            json!({"pause_until": "2999-01-01T00:00:00Z", "priority_policy": "none"}),
        ] {
            assert_eq!(found(&served), [], "{served}");
        }
        for (refused, name) in [
            (json!({"deliver_subject": "there"}), "kind"),
            (json!({"ack_policy": "none"}), "kind"),
            (json!({"ack_policy": "all"}), "kind"),
            (json!({"replay_policy": "original"}), "kind"),
            (json!({"headers_only": true}), "headers-only"),
            (
                json!({"priority_policy": "overflow", "priority_groups": ["a"]}),
                "priority",
            ),
            (
                json!({"priority_policy": "pinned_client", "priority_groups": ["a"]}),
                "priority",
            ),
            (json!({"max_deliver": 3}), "max-deliver"),
            (json!({"backoff": [1, 2]}), "backoff"),
            (json!({"ack_wait": 1_000_000}), "ack-wait"),
        ] {
            assert_eq!(found(&refused), [(name, false)], "{refused}");
        }
        for (reported, name) in [
            (json!({"max_deliver": 4}), "max-deliver"),
            (json!({"max_ack_pending": 999}), "max-pending"),
            (json!({"inactive_threshold": 5_000_000_000_u64}), "inactive"),
            (json!({"mem_storage": true}), "memory"),
        ] {
            assert_eq!(found(&reported), [(name, true)], "{reported}");
        }
        let both = json!({"mem_storage": true, "headers_only": true});
        assert_eq!(found(&both), [("headers-only", false), ("memory", true)]);
    }

    #[test]
    fn a_refused_setting_has_the_command_that_fixes_it() {
        let durable =
            json!({"name": "g", "config": {"ack_policy": "explicit", "headers_only": true}});
        let durable: ConsumerInfo = serde_json::from_value(durable).unwrap();
        let needs = Needs {
            deliveries: 4,
            in_flight: 1,
        };
        let refused = misfits(&durable, needs).remove(0).to_error("S", "g");
        assert_eq!(refused.kind(), ErrorKind::Configuration);
        let command = "`nats consumer edit S g --no-headers-only`";
        assert_eq!(refused.advice(), Some(command));
    }
}
