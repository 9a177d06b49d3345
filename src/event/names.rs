//! Attribute names: those of protoflow, those of CloudEvents, and the way from one to the other.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;

use super::{
    EventError, Headers, Naming, TraceParent, draft::Extension, json::quoted, scan::string_of,
};

pub(super) const ATTEMPT: &str = "pf_attempt";
pub(crate) const MAX_ATTEMPTS: &str = "pf_max_attempts";
pub(super) const NEXT_ATTEMPT_AT: &str = "pf_next_attempt_at";
pub(crate) const DEAD_LETTER: &str = "pf_dead_letter";
pub(super) const TRACE_ID: &str = "pf_trace_id";
pub(super) const PARENT_ID: &str = "pf_parent_id";
pub(crate) const DELAY_MS: &str = "pf_delay_ms";
pub(super) const PF_CORRELATION_ID: &str = "pf_correlation_id";
pub(super) const EVENT_VERSION: &str = "pf_event_version";
pub(super) const ORIGINAL_TOPIC: &str = "pf_original_topic";
pub(crate) const ERROR_MESSAGE: &str = "pf_error_message";

pub(crate) const CORRELATION_ID: &str = "correlationid";
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";
pub(super) const PARTITION_KEY: &str = "partitionkey";

/// What has a place of its own in an event: the attributes of CloudEvents 1.0 and its data.
const CORE: [&str; 9] = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "subject",
    "datacontenttype",
    "dataschema",
    "data",
];

const PROTOFLOW: [&str; 11] = [
    ATTEMPT,
    MAX_ATTEMPTS,
    NEXT_ATTEMPT_AT,
    DEAD_LETTER,
    TRACE_ID,
    PARENT_ID,
    DELAY_MS,
    PF_CORRELATION_ID,
    EVENT_VERSION,
    ORIGINAL_TOPIC,
    ERROR_MESSAGE,
];

/// What belongs to one delivery of an event, not to the event.
const BOOKKEEPING: [&str; 5] = [
    ATTEMPT,
    NEXT_ATTEMPT_AT,
    DEAD_LETTER,
    ORIGINAL_TOPIC,
    ERROR_MESSAGE,
];

/// Returns the attribute that a plain transport header stands for, letter case ignored.
pub(super) fn from_plain_header(header: &str) -> Option<&'static str> {
    let prefixed = header.get(..3)?.eq_ignore_ascii_case("pf_");
    PROTOFLOW
        .into_iter()
        .find(|name| prefixed && name.eq_ignore_ascii_case(header))
}

/// Reports whether an attribute belongs to one delivery of an event, and is left out when the event is published.
#[must_use]
pub fn is_bookkeeping(name: &str) -> bool {
    BOOKKEEPING.contains(&name)
}

/// Reports whether this is one of our own attributes, with their underscores.
pub(super) fn is_protoflow(name: &str) -> bool {
    PROTOFLOW.contains(&name)
}

/// Refuses to set as an extension what is none, and to make up names with an underscore, which other SDKs refuse.
///
/// # Errors
/// The name and what is wrong with it.
pub(super) fn check_extension(name: &str) -> Result<(), EventError> {
    if CORE.contains(&name) {
        return Err(EventError::attribute(name, "is no extension"));
    }
    if name.starts_with("pf_") && !is_protoflow(name) {
        return Err(EventError::attribute(name, "is not one of Protoflow's own"));
    }
    Ok(())
}

/// Returns the JSON for an extension that came as text.
pub(super) fn json_of<'a>(name: &str, text: Cow<'a, str>) -> Cow<'a, str> {
    let literal = match name {
        ATTEMPT | MAX_ATTEMPTS | NEXT_ATTEMPT_AT | DELAY_MS => text
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == text),
        DEAD_LETTER => matches!(text.as_ref(), "true" | "false"),
        _ => false,
    };
    if literal {
        text
    } else {
        Cow::Owned(quoted(&text))
    }
}

/// Returns an extension's text: a string without its quotes, anything else as it is written.
pub(super) fn text_of(json: &str) -> Cow<'_, str> {
    match string_of(json) {
        Some(Ok(text)) => text,
        _ => Cow::Borrowed(json),
    }
}

/// Finds an extension; where a name stands twice, the last one counts.
pub(super) fn find<'e>(extensions: &'e [Extension<'_>], name: &str) -> Option<Cow<'e, str>> {
    let (_, json) = extensions.iter().rev().find(|(known, _)| known == name)?;
    Some(text_of(json))
}

/// Takes out what belongs to an earlier delivery, and returns the delay that is asked for.
pub(super) fn forget_delivery(
    extensions: &mut Vec<Extension<'_>>,
) -> Result<Option<Duration>, EventError> {
    if !extensions.iter().any(|(name, _)| name.starts_with("pf_")) {
        return Ok(None);
    }
    let delay = find(extensions, DELAY_MS)
        .map(|text| delay_of(&text))
        .transpose()?;
    extensions.retain(|(name, _)| name != DELAY_MS && !is_bookkeeping(name));
    Ok(delay)
}

fn delay_of(text: &str) -> Result<Duration, EventError> {
    text.parse().map(Duration::from_millis).map_err(|_| {
        EventError::attribute(
            DELAY_MS,
            format!("is `{text}`, not a number of milliseconds"),
        )
    })
}

/// Gives attributes the names under which they are stored. What has no CloudEvents name becomes a plain header.
pub(super) fn rename(extensions: &mut Vec<Extension<'_>>, naming: Naming, headers: &mut Headers) {
    match naming {
        Naming::CloudEvents => to_cloudevents(extensions, headers),
        Naming::Protoflow => to_protoflow(extensions),
    }
}

fn to_cloudevents(extensions: &mut Vec<Extension<'_>>, headers: &mut Headers) {
    if !extensions.iter().any(|(name, _)| is_protoflow(name)) {
        return;
    }
    if let Some(id) = find(extensions, PF_CORRELATION_ID) {
        let id = id.into_owned();
        add_missing(extensions, CORRELATION_ID, &id);
        extensions.retain(|(name, _)| name != PF_CORRELATION_ID);
    }
    if let Some(trace) = find(extensions, TRACE_ID) {
        let parent = find(extensions, PARENT_ID);
        if let Some(context) = TraceParent::from_ids(&trace, parent.as_deref()) {
            add_missing(extensions, TRACEPARENT, &context.to_string());
            extensions.retain(|(name, _)| name != TRACE_ID && name != PARENT_ID);
        }
    }
    extensions.retain(|(name, json)| {
        let ours = is_protoflow(name);
        if ours {
            let value = Bytes::copy_from_slice(text_of(json).as_bytes());
            headers.push(name.as_ref(), Some(value));
        }
        !ours
    });
}

fn to_protoflow(extensions: &mut Vec<Extension<'_>>) {
    if let Some(id) = find(extensions, CORRELATION_ID) {
        let id = id.into_owned();
        add_missing(extensions, PF_CORRELATION_ID, &id);
        extensions.retain(|(name, _)| name != CORRELATION_ID);
    }
    let context = find(extensions, TRACEPARENT).and_then(|text| text.parse::<TraceParent>().ok());
    if let Some(context) = context {
        add_missing(extensions, TRACE_ID, &context.trace_id());
        add_missing(extensions, PARENT_ID, &context.parent_id());
    }
}

fn add_missing(extensions: &mut Vec<Extension<'_>>, name: &'static str, text: &str) {
    if find(extensions, name).is_none() {
        extensions.push((Cow::Borrowed(name), Cow::Owned(quoted(text))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(naming: Naming, given: &[(&'static str, &'static str)]) -> (String, String) {
        let mut headers = Headers::new();
        let mut extensions: Vec<Extension<'_>> = given
            .iter()
            .map(|(name, json)| ((*name).into(), (*json).into()))
            .collect();
        rename(&mut extensions, naming, &mut headers);
        let stored = extensions
            .iter()
            .map(|(name, json)| format!("{name}={json} "));
        let beside = headers.iter().map(|(name, _)| format!("{name} "));
        (stored.collect(), beside.collect())
    }

    #[test]
    fn what_every_sdk_reads_is_in_the_event_and_the_rest_beside_it() {
        let given = [
            ("pf_correlation_id", "\"c\""),
            ("pf_trace_id", "\"4bf92f3577b34da6a3ce929d0e0e4736\""),
            ("pf_parent_id", "\"00f067aa0ba902b7\""),
            ("pf_max_attempts", "4"),
            ("pf_own", "1"),
        ];
        let (stored, beside) = renamed(Naming::CloudEvents, &given);
        assert_eq!(
            stored,
            "pf_own=1 correlationid=\"c\" \
             traceparent=\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\" "
        );
        assert_eq!(beside, "pf_max_attempts ");
        let (_, beside) = renamed(Naming::CloudEvents, &[("pf_trace_id", "\"no hex\"")]);
        assert_eq!(beside, "pf_trace_id ");
    }

    #[test]
    fn the_go_library_finds_its_names() {
        let given = [
            ("correlationid", "\"c\""),
            (
                "traceparent",
                "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"",
            ),
            ("pf_max_attempts", "4"),
        ];
        let (stored, beside) = renamed(Naming::Protoflow, &given);
        assert!(!stored.contains(" correlationid") && beside.is_empty());
        for name in [
            "traceparent",
            "pf_correlation_id",
            "pf_trace_id",
            "pf_parent_id",
        ] {
            assert!(stored.contains(name), "{stored}");
        }
    }
}
