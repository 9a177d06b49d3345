//! What in the settings of a consumer does not fit a group: every setting that the server has is either no matter, seen
//! to where messages are asked for (the limits of a request), said (a pause), or found here.

use std::time::Duration;

use crate::{
    backends::nats::{consume::consumer::durable::Durable, error::error},
    transport::{ErrorKind, TransportError},
};

/// A delivery that is ours for less than this cannot be kept.
const LEAST_WAIT: Duration = Duration::from_millis(500);
/// Messages that a group may hold at once, handed out and held back together.
pub(crate) const MAX_ACK_PENDING: u64 = 200_000;

/// Something that does not fit.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// By which `pf doctor --fix` knows it.
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// The options of `nats consumer edit` that mend it; none if the server changes no such setting.
    edit: Option<&'static str>,
    /// It is said, and no reason to refuse the consumer.
    pub(crate) is_tolerable: bool,
}

/// What a group needs of its consumer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// The deliveries that a message may take.
    pub(crate) deliveries: i64,
    pub(crate) in_flight: i64,
}

impl Misfit {
    /// Returns the command that mends it, if there is one.
    pub(crate) fn command(&self, stream: &str, consumer: &str) -> Option<String> {
        let options = self.edit?;
        Some(format!("nats consumer edit {stream} {consumer} {options}"))
    }

    /// Returns it as an error or a warning.
    pub(crate) fn told(&self, stream: &str, consumer: &str) -> TransportError {
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
                "the server does not change that: use another `--group`, or delete the consumer if nobody needs it \
                 (`nats consumer rm {stream} {consumer}`)"
            )),
        }
    }
}

/// Finds what does not fit.
pub(crate) fn misfits(durable: &Durable, needs: Needs) -> Vec<Misfit> {
    let mut found: Vec<Misfit> = Vec::new();
    found.extend(kind(durable));
    found.extend(contents(durable));
    found.extend(priority(durable));
    found.extend(deliveries(durable, needs));
    found.extend(in_flight(durable, needs));
    found.extend(waits(durable));
    found.extend(stays(durable));
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

/// Another kind of consumer altogether.
fn kind(durable: &Durable) -> Option<Misfit> {
    let (name, config) = (&durable.name, &durable.config);
    let text = if !config.deliver_subject.is_empty() {
        let subject = &config.deliver_subject;
        format!("the consumer `{name}` pushes its messages to `{subject}`; a group asks for them")
    } else if config.ack_policy != "explicit" {
        let policy = &config.ack_policy;
        format!(
            "the consumer `{name}` has the acknowledgement policy `{policy}`; a group acknowledges each message"
        )
    } else if config.replay_policy == "original" {
        format!("the consumer `{name}` hands messages over at the pace at which they were stored")
    } else {
        return None;
    };
    Some(misfit("kind", text, None))
}

fn contents(durable: &Durable) -> Option<Misfit> {
    durable.config.headers_only.then(|| {
        let text = format!(
            "the consumer `{}` hands over headers only: events would come without their data",
            durable.name
        );
        misfit("headers-only", text, Some("--no-headers-only"))
    })
}

fn priority(durable: &Durable) -> Option<Misfit> {
    let config = &durable.config;
    let policy = config.priority_policy.as_str();
    (!matches!(policy, "" | "none")).then(|| {
        let text = format!(
            "the consumer `{}` serves the priority groups {} only, by the policy `{policy}`",
            durable.name,
            config.priority_groups.join(", ")
        );
        misfit("priority", text, Some("--interactive"))
    })
}

fn deliveries(durable: &Durable, needs: Needs) -> Option<Misfit> {
    let (name, limit) = (&durable.name, durable.config.max_deliver);
    if limit <= 0 {
        return None;
    }
    let is_tolerable = limit >= needs.deliveries;
    let reason = if is_tolerable {
        "those that were given back among them; `pf dlq capture` keeps what it drops"
    } else {
        "fewer than its attempts may need"
    };
    let text = format!("the consumer `{name}` drops a message after {limit} deliveries, {reason}");
    Some(Misfit {
        is_tolerable,
        ..misfit("max-deliver", text, Some("--max-deliver=-1"))
    })
}

fn in_flight(durable: &Durable, needs: Needs) -> Option<Misfit> {
    let (name, limit) = (&durable.name, durable.config.max_ack_pending);
    (limit > 0 && limit < needs.in_flight).then(|| {
        let text = format!(
            "the consumer `{name}` stops at {limit} messages in flight and held back, fewer than may be in flight"
        );
        misfit("max-pending", text, Some("--max-pending=200000"))
    })
}

fn waits(durable: &Durable) -> Option<Misfit> {
    let name = &durable.name;
    if !durable.config.backoff.is_empty() {
        let text = format!("the consumer `{name}` has delays of its own");
        return Some(misfit("backoff", text, Some("--backoff=none")));
    }
    let wait = durable.ack_wait();
    (wait < LEAST_WAIT).then(|| {
        let text = format!(
            "the consumer `{name}` waits only {} for an acknowledgement",
            humantime::format_duration(wait)
        );
        misfit("ack-wait", text, Some("--wait=30s"))
    })
}

/// What lets a group forget how far it is: it reads everything again then.
fn stays(durable: &Durable) -> Vec<Misfit> {
    let (name, config) = (&durable.name, &durable.config);
    let mut found = Vec::new();
    let idle = Duration::from_nanos(config.inactive_threshold);
    if !idle.is_zero() {
        let idle = humantime::format_duration(idle);
        let text = format!(
            "the server deletes the consumer `{name}` when nobody reads for {idle}; the group begins anew then"
        );
        let edit = (!config.durable_name.is_empty()).then_some("--interactive");
        found.push(misfit("inactive", text, edit));
    }
    if config.mem_storage {
        let text = format!(
            "the consumer `{name}` is kept in memory; the group begins anew when its server restarts"
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
        let durable: Durable = serde_json::from_value(durable).unwrap();
        let needs = Needs {
            deliveries: 4,
            in_flight: 1000,
        };
        let found = misfits(&durable, needs);
        let named = found.iter().map(|one| (one.name, one.is_tolerable));
        named.collect()
    }

    #[test]
    fn every_setting_is_served_refused_or_said() {
        for served in [
            json!({}),
            json!({"max_batch": 1, "max_expires": 1_000_000, "max_bytes": 1, "max_waiting": 1}),
            json!({"deliver_policy": "last_per_subject", "sample_freq": "100", "description": "x"}),
            json!({"metadata": {"a": "b"}, "num_replicas": 1, "max_ack_pending": -1}),
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
            (json!({"max_ack_pending": 999}), "max-pending"),
            (json!({"backoff": [1, 2]}), "backoff"),
            (json!({"ack_wait": 1_000_000}), "ack-wait"),
        ] {
            assert_eq!(found(&refused), [(name, false)], "{refused}");
        }
        for (said, name) in [
            (json!({"max_deliver": 4}), "max-deliver"),
            (json!({"inactive_threshold": 5_000_000_000_u64}), "inactive"),
            (json!({"mem_storage": true}), "memory"),
        ] {
            assert_eq!(found(&said), [(name, true)], "{said}");
        }
        let both = json!({"mem_storage": true, "headers_only": true});
        assert_eq!(found(&both), [("headers-only", false), ("memory", true)]);
    }

    #[test]
    fn what_is_refused_has_the_command_that_mends_it() {
        let durable =
            json!({"name": "g", "config": {"ack_policy": "explicit", "headers_only": true}});
        let durable: Durable = serde_json::from_value(durable).unwrap();
        let needs = Needs {
            deliveries: 4,
            in_flight: 1,
        };
        let refused = misfits(&durable, needs).remove(0).told("S", "g");
        assert_eq!(refused.kind(), ErrorKind::Configuration);
        let command = "`nats consumer edit S g --no-headers-only`";
        assert_eq!(refused.advice(), Some(command));
    }
}
