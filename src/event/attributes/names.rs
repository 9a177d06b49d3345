//! Attribute names: those of Protoflow, those of CloudEvents, and how one is translated into the other.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;

use crate::event::{
    EventError, Headers, Naming, TraceParent, attributes::value::Extension, json::walk::string_of,
    json::write::quoted,
};

/// The attempt number, set by the delivery.
pub(in crate::event) const ATTEMPT: &str = "pfattempt";
/// The maximum number of attempts, set by the delivery.
pub(in crate::event) const ATTEMPT_LIMIT: &str = "pfattemptlimit";
pub(in crate::event) const DEDUP_KEY: &str = "pfdedupkey";
/// The maximum number of attempts, set by the publisher.
pub(crate) const MAX_ATTEMPTS: &str = "pfmaxattempts";
pub(in crate::event) const EVENT_VERSION: &str = "pfeventversion";
/// A trace id that is not in W3C format.
pub(in crate::event) const TRACE_ID: &str = "pftraceid";
/// A span id that is not in W3C format.
pub(in crate::event) const PARENT_ID: &str = "pfparentid";

pub(in crate::event) const PF_ATTEMPT: &str = "pf_attempt";
/// The maximum number of attempts, set by the publisher; beside [`PF_ATTEMPT`], set by the delivery.
pub(crate) const PF_MAX_ATTEMPTS: &str = "pf_max_attempts";
pub(in crate::event) const PF_NEXT_ATTEMPT_AT: &str = "pf_next_attempt_at";
pub(crate) const PF_DEAD_LETTER: &str = "pf_dead_letter";
pub(in crate::event) const PF_TRACE_ID: &str = "pf_trace_id";
pub(in crate::event) const PF_PARENT_ID: &str = "pf_parent_id";
pub(crate) const PF_DELAY_MS: &str = "pf_delay_ms";
pub(in crate::event) const PF_CORRELATION_ID: &str = "pf_correlation_id";
pub(in crate::event) const PF_EVENT_VERSION: &str = "pf_event_version";
pub(in crate::event) const PF_ORIGINAL_TOPIC: &str = "pf_original_topic";
pub(crate) const PF_ERROR_MESSAGE: &str = "pf_error_message";

pub(crate) const CORRELATION_ID: &str = "correlationid";
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";
pub(in crate::event) const PARTITION_KEY: &str = "partitionkey";

/// The attributes of CloudEvents 1.0 and the members for data.
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

/// The names of the Go library, with underscores.
const PROTOFLOW: [&str; 11] = [
    PF_ATTEMPT,
    PF_MAX_ATTEMPTS,
    PF_NEXT_ATTEMPT_AT,
    PF_DEAD_LETTER,
    PF_TRACE_ID,
    PF_PARENT_ID,
    PF_DELAY_MS,
    PF_CORRELATION_ID,
    PF_EVENT_VERSION,
    PF_ORIGINAL_TOPIC,
    PF_ERROR_MESSAGE,
];

/// Attributes that belong to one delivery of an event, not to the event.
const BOOKKEEPING: [&str; 8] = [
    ATTEMPT,
    ATTEMPT_LIMIT,
    DEDUP_KEY,
    PF_ATTEMPT,
    PF_NEXT_ATTEMPT_AT,
    PF_DEAD_LETTER,
    PF_ORIGINAL_TOPIC,
    PF_ERROR_MESSAGE,
];

/// Attributes that CloudEvents and W3C do not define: the name that every SDK accepts, and the Go library's.
const TWINS: [(&str, &str); 4] = [
    (MAX_ATTEMPTS, PF_MAX_ATTEMPTS),
    (EVENT_VERSION, PF_EVENT_VERSION),
    (TRACE_ID, PF_TRACE_ID),
    (PARENT_ID, PF_PARENT_ID),
];

/// Returns the attribute that a plain transport header stands for (case-insensitive).
pub(in crate::event) fn from_plain_header(header: &str) -> Option<&'static str> {
    let prefixed = header.get(..3)?.eq_ignore_ascii_case("pf_");
    PROTOFLOW
        .into_iter()
        .find(|name| prefixed && name.eq_ignore_ascii_case(header))
}

/// Reports whether an attribute belongs to one delivery of an event, and is left out when the event is published.
#[must_use]
pub fn is_bookkeeping(name: &str) -> bool {
    name.starts_with("pf") && BOOKKEEPING.contains(&name)
}

/// Reports whether this is one of the Go library's names, with their underscores.
pub(in crate::event) fn is_protoflow(name: &str) -> bool {
    name.starts_with("pf_") && PROTOFLOW.contains(&name)
}

/// Checks the name of an extension to be set: not an attribute of CloudEvents or of a delivery, and no underscore, which
/// other SDKs refuse.
///
/// # Errors
/// The name and what is wrong with it.
pub(in crate::event) fn check_extension(name: &str) -> Result<(), EventError> {
    if CORE.contains(&name) {
        return Err(EventError::attribute(name, "is not an extension"));
    }
    if is_bookkeeping(name) {
        let rule = "belongs to a delivery and is set by Protoflow";
        return Err(EventError::attribute(name, rule));
    }
    if name.starts_with("pf_") && !is_protoflow(name) {
        return Err(EventError::attribute(
            name,
            "is not an attribute of Protoflow",
        ));
    }
    Ok(())
}

/// Returns the JSON of an extension that was read as text.
pub(in crate::event) fn json_of<'a>(name: &str, text: Cow<'a, str>) -> Cow<'a, str> {
    let is_literal = match name {
        ATTEMPT | ATTEMPT_LIMIT | MAX_ATTEMPTS => text
            .parse::<i32>()
            .is_ok_and(|number| number.to_string() == text),
        PF_ATTEMPT | PF_MAX_ATTEMPTS | PF_NEXT_ATTEMPT_AT | PF_DELAY_MS => text
            .parse::<i64>()
            .is_ok_and(|number| number.to_string() == text),
        PF_DEAD_LETTER => matches!(text.as_ref(), "true" | "false"),
        _ => false,
    };
    if is_literal {
        text
    } else {
        Cow::Owned(quoted(&text))
    }
}

/// Returns an extension's text: a string without its quotes, anything else as it is written.
pub(in crate::event) fn text_of(json: &str) -> Cow<'_, str> {
    match string_of(json) {
        Some(Ok(text)) => text,
        _ => Cow::Borrowed(json),
    }
}

/// Finds an extension; where a name occurs twice, the last one counts.
pub(in crate::event) fn find<'e>(
    extensions: &'e [Extension<'_>],
    name: &str,
) -> Option<Cow<'e, str>> {
    let (_, json) = extensions.iter().rev().find(|(known, _)| known == name)?;
    Some(text_of(json))
}

/// Returns the maximum number of attempts that the publisher set, in any form.
pub(in crate::event) fn wish(extensions: &[Extension<'_>]) -> Option<u32> {
    let wishes = [MAX_ATTEMPTS, PF_MAX_ATTEMPTS];
    let mut wishes = wishes.iter().filter_map(|name| find(extensions, name));
    wishes.find_map(|text| attempts_of(&text))
}

/// Parses a number of attempts: at least 1.
pub(crate) fn attempts_of(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|attempts| *attempts > 0)
}

/// Removes the attributes of an earlier delivery, and returns the delay that is set.
///
/// An event with the Go library's name for the attempt was handed to a handler, or stored again by that library: its
/// `pf_max_attempts` is the limit of that delivery. The publisher's own limit is then in `pfmaxattempts`.
pub(in crate::event) fn forget_delivery(
    extensions: &mut Vec<Extension<'_>>,
) -> Result<Option<Duration>, EventError> {
    if !extensions.iter().any(|(name, _)| name.starts_with("pf")) {
        return Ok(None);
    }
    let delay = find(extensions, PF_DELAY_MS)
        .map(|text| delay_of(&text))
        .transpose()?;
    let was_delivered = has(extensions, PF_ATTEMPT);
    extensions.retain(|(name, _)| {
        let is_limit = was_delivered && name == PF_MAX_ATTEMPTS;
        !is_limit && name != PF_DELAY_MS && !is_bookkeeping(name)
    });
    Ok(delay)
}

fn delay_of(text: &str) -> Result<Duration, EventError> {
    text.parse().map(Duration::from_millis).map_err(|_| {
        EventError::attribute(
            PF_DELAY_MS,
            format!("is `{text}`, not a number of milliseconds"),
        )
    })
}

/// Renames attributes to the names under which they are stored. Those for which only the Go library and earlier versions
/// have a name are repeated under it in a plain header.
pub(in crate::event) fn rename(
    extensions: &mut Vec<Extension<'_>>,
    naming: Naming,
    headers: &mut Headers,
) {
    if naming == Naming::Protoflow {
        return to_protoflow(extensions);
    }
    to_cloudevents(extensions);
    for (name, header) in TWINS {
        if let Some(text) = find(extensions, name) {
            let value = Bytes::copy_from_slice(text.as_bytes());
            headers.push(header, Some(value));
        }
    }
}

/// Renames attributes to names that every SDK accepts; those of a delivery stay.
pub(in crate::event) fn to_cloudevents(extensions: &mut Vec<Extension<'_>>) {
    if !extensions.iter().any(|(name, _)| is_protoflow(name)) {
        return;
    }
    if let Some(id) = find(extensions, PF_CORRELATION_ID) {
        let id = id.into_owned();
        add_missing(extensions, CORRELATION_ID, &id);
        remove(extensions, &[PF_CORRELATION_ID]);
    }
    if let Some(context) = context(extensions) {
        add_missing(extensions, TRACEPARENT, &context.to_string());
        remove(extensions, &[PF_TRACE_ID, PF_PARENT_ID]);
    }
    for (name, theirs) in TWINS {
        if let Some(text) = find(extensions, theirs) {
            let text = text.into_owned();
            add_missing(extensions, name, &text);
            remove(extensions, &[theirs]);
        }
    }
}

/// Renames attributes to the Go library's names.
pub(in crate::event) fn to_protoflow(extensions: &mut Vec<Extension<'_>>) {
    if let Some(id) = find(extensions, CORRELATION_ID) {
        let id = id.into_owned();
        add_missing(extensions, PF_CORRELATION_ID, &id);
        remove(extensions, &[CORRELATION_ID]);
    }
    for (ours, name) in TWINS {
        if let Some(text) = find(extensions, ours) {
            let text = text.into_owned();
            remove(extensions, &[ours, name]);
            add_missing(extensions, name, &text);
        }
    }
    let stated = has(extensions, TRACEPARENT);
    if let Some(context) = context(extensions).filter(|_| stated) {
        add_missing(extensions, PF_TRACE_ID, &context.trace_id());
        add_missing(extensions, PF_PARENT_ID, &context.parent_id());
    }
}

/// Returns the trace in W3C format: as the event has it, else from separate ids.
fn context(extensions: &[Extension<'_>]) -> Option<TraceParent> {
    if let Some(text) = find(extensions, TRACEPARENT) {
        return text.parse().ok();
    }
    let trace = find(extensions, PF_TRACE_ID)?;
    TraceParent::from_ids(&trace, find(extensions, PF_PARENT_ID).as_deref())
}

/// Reports whether there is an extension of this name.
pub(in crate::event) fn has(extensions: &[Extension<'_>], name: &str) -> bool {
    extensions.iter().any(|(known, _)| known == name)
}

/// Removes extensions.
pub(in crate::event) fn remove(extensions: &mut Vec<Extension<'_>>, names: &[&str]) {
    extensions.retain(|(name, _)| !names.contains(&name.as_ref()));
}

fn add_missing(extensions: &mut Vec<Extension<'_>>, name: &'static str, text: &str) {
    if !has(extensions, name) {
        let json = json_of(name, Cow::Borrowed(text)).into_owned();
        extensions.push((Cow::Borrowed(name), Cow::Owned(json)));
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
            ("own", "1"),
        ];
        let (stored, beside) = renamed(Naming::CloudEvents, &given);
        assert_eq!(
            stored,
            "own=1 correlationid=\"c\" \
             traceparent=\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\" pfmaxattempts=4 "
        );
        assert_eq!(beside, "pf_max_attempts ");
        let (stored, beside) = renamed(Naming::CloudEvents, &[("pf_trace_id", "\"no hex\"")]);
        assert_eq!(
            (stored.as_str(), beside.as_str()),
            ("pftraceid=\"no hex\" ", "pf_trace_id ")
        );
        let (stored, _) = renamed(Naming::CloudEvents, &[("pf_max_attempts", "3000000000")]);
        assert_eq!(stored, "pfmaxattempts=\"3000000000\" ", "beyond 32 bits");
    }

    #[test]
    fn a_limit_of_a_delivery_is_no_wish() {
        let left = |given: &[(&'static str, &'static str)]| {
            let mut extensions: Vec<Extension<'_>> = given
                .iter()
                .map(|(name, json)| ((*name).into(), (*json).into()))
                .collect();
            forget_delivery(&mut extensions).unwrap();
            wish(&extensions)
        };
        let (attempt, limit) = (("pf_attempt", "1"), ("pf_max_attempts", "1"));
        assert_eq!(left(&[("pfattempt", "1"), ("pfattemptlimit", "1")]), None);
        assert_eq!(left(&[attempt, limit]), None);
        assert_eq!(left(&[limit]), Some(1));
        assert_eq!(left(&[attempt, limit, ("pfmaxattempts", "\"5\"")]), Some(5));
    }

    #[test]
    fn the_go_library_finds_its_names() {
        let given = [
            ("correlationid", "\"c\""),
            (
                "traceparent",
                "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"",
            ),
            ("pfmaxattempts", "4"),
            ("pfeventversion", "\"2\""),
        ];
        let (stored, beside) = renamed(Naming::Protoflow, &given);
        assert!(!stored.contains("correlationid") && beside.is_empty());
        for name in [
            "pf_max_attempts=4 ",
            "pf_event_version=\"2\" ",
            "traceparent",
            "pf_correlation_id",
            "pf_trace_id",
            "pf_parent_id",
        ] {
            assert!(stored.contains(name), "{stored}");
        }
    }
}
