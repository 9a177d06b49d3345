//! The environment of a command: attributes and delivery numbers, never the payload.

use std::process::Command;

use protoflow::{
    event::Envelope,
    runtime::{Run, current_trace},
    transport::Delivery,
};

/// Longest value, in bytes. Linux refuses to start a command with a variable of 128 KiB or more.
const LONGEST: usize = 16 * 1024;

/// Sets the store that a nested `pf` uses.
pub fn set_store(command: &mut Command, url: &str) {
    command.env("PF_URL", url).env_remove("PF_CONTEXT");
}

/// Set for a command that is only tried. What a nested `pf` would change in a store is then only validated.
const CANARY: &str = "PF_CANARY";

/// Reports whether this process is part of a canary, so that it must not change a store.
pub fn is_canary() -> bool {
    std::env::var_os(CANARY).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Tells a command that it is only tried.
pub fn set_canary(command: &mut Command) {
    command.env(CANARY, "1");
}

/// Sets the attributes of the event and the delivery.
pub fn set_event(command: &mut Command, envelope: &Envelope<'_>, delivery: &Delivery, run: &Run) {
    let correlation = envelope.correlation_id();
    // A command is part of its run, if that has a span.
    let trace = current_trace().or_else(|| envelope.traceparent());
    let trace = trace.map(|trace| trace.to_string());
    set(command, "PF_EVENT_ID", Some(&envelope.id));
    set(command, "PF_EVENT_TYPE", Some(&envelope.ty));
    set(command, "PF_EVENT_SOURCE", Some(&envelope.source));
    set(command, "PF_EVENT_SUBJECT", envelope.subject.as_deref());
    set(command, "PF_EVENT_CORRELATION_ID", correlation.as_deref());
    set(command, "TRACEPARENT", trace.as_deref());
    let key = run.handling_key(&envelope.source, &envelope.id);
    command.env("PF_DEDUP_KEY", key.to_string());
    let topic = delivery.stored.message.topic.as_str();
    set(command, "PF_DELIVERY_TOPIC", Some(topic));
    set(command, "PF_DELIVERY_GROUP", Some(run.group.as_str()));
    command.env("PF_DELIVERY_ATTEMPT", run.attempt.to_string());
    command.env("PF_DELIVERY_MAX_ATTEMPTS", run.max_attempts.to_string());
}

/// Sets a variable, or removes one that an outer handler may have left.
fn set(command: &mut Command, name: &str, value: Option<&str>) {
    match value.and_then(representable) {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
}

/// Returns the value in a form that the environment can hold. A NUL would cut it off, and a value that is too long would
/// keep the command from starting. The event on stdin has every value unchanged.
fn representable(value: &str) -> Option<String> {
    (value.len() <= LONGEST).then(|| value.replace('\0', "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_keeps_a_command_from_starting() {
        assert_eq!(representable("a\nb").as_deref(), Some("a\nb"));
        assert_eq!(representable("a\0b").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(representable(&"x".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn an_absent_attribute_is_not_inherited() {
        let mut command = Command::new("true");
        set(&mut command, "PF_EVENT_SUBJECT", None);
        let removed = command.get_envs().next().unwrap();
        assert_eq!(removed, ("PF_EVENT_SUBJECT".as_ref(), None));
    }
}
