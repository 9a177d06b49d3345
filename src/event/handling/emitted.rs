//! Events that a handler emits: completed from the event that caused them, the same way on every repeat.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::event::{
    Encoding, Envelope, EventError, Group, Message, Record, TraceParent, attributes::draft::Draft,
    attributes::names, json::walk, json::walk::LINE_DEPTH, json::write::quoted, record::read::bare,
    record::read::is_record, record::read::rebuild, record::read::trim, time::format_time,
};

/// The origin of an emitted event.
#[derive(Debug, Clone, Copy)]
pub struct Emission<'a> {
    /// The message whose handler emitted it.
    pub cause: &'a Message,
    /// The group that handled the cause.
    pub group: &'a Group,
    /// Its index among the events of this run, from 0.
    pub index: usize,
    /// The maximum number of attempts that the handler was given for its own event.
    pub max_attempts: u32,
    /// The source of events without one.
    pub source: &'a str,
    /// How events are stored.
    pub encoding: Encoding,
    /// The span that publishes it, for an event without a trace; `None` derives one from the cause.
    pub trace: Option<TraceParent>,
}

/// Parses a line that a handler emitted. A bare event needs only a `type`: the id is derived from cause, group and index,
/// so that a repeated run emits the same one; correlation and trace are copied. If the handler passes on its own event, the
/// attributes of the delivery are removed. A record is taken as it is.
///
/// # Errors
/// If the line is not a JSON object, or the completed event breaks a rule.
pub fn complete_emitted(line: &[u8], emission: &Emission<'_>) -> Result<Record, EventError> {
    let text = trim(walk::utf8(walk::without_byte_order_mark(line))?);
    let mut draft = Draft::from_json(text, LINE_DEPTH)?;
    if is_record(&draft) {
        return rebuild(&draft, None);
    }
    let digest = digest(emission.cause, emission.group, emission.index);
    let whole = fill(&mut draft, emission, &digest);
    let cause = Envelope::read(emission.cause).ok();
    let carried = cause
        .as_ref()
        .is_some_and(|cause| carry_over(&mut draft, cause, emission.trace, &digest));
    let kept = keep_wish(&mut draft, emission.max_attempts, cause.as_ref());
    let written = (whole && !carried && !kept).then_some(text);
    bare(draft, None, emission.encoding, written)
}

/// Adds missing attributes; reports whether none was missing.
fn fill(draft: &mut Draft<'_>, emission: &Emission<'_>, digest: &[u8]) -> bool {
    let mut whole = true;
    let mut default = |slot: &mut Option<_>, value: &dyn Fn() -> String| {
        if slot.is_none() {
            whole = false;
            *slot = Some(Cow::Owned(value()));
        }
    };
    default(&mut draft.specversion, &|| "1.0".to_owned());
    default(&mut draft.id, &|| readable(digest));
    default(&mut draft.source, &|| emission.source.to_owned());
    default(&mut draft.time, &|| {
        format_time(std::time::SystemTime::now())
    });
    whole
}

/// Adds the cause's correlation and trace where the event has none; reports whether it did.
fn carry_over(
    draft: &mut Draft<'_>,
    cause: &Envelope<'_>,
    own: Option<TraceParent>,
    digest: &[u8],
) -> bool {
    let before = draft.extensions.len();
    let lacks =
        |draft: &Draft<'_>, names: [&str; 2]| !names.iter().any(|name| draft.has_extension(name));
    if lacks(draft, [names::CORRELATION_ID, names::PF_CORRELATION_ID]) {
        add(
            draft,
            names::CORRELATION_ID,
            cause.correlation_id().as_deref(),
        );
    }
    if lacks(draft, [names::TRACEPARENT, names::PF_TRACE_ID])
        && let Some(trace) = own.or_else(|| derived(cause, digest))
    {
        add(draft, names::TRACEPARENT, Some(&trace.to_string()));
        if !draft.has_extension(names::TRACESTATE) {
            add(draft, names::TRACESTATE, cause.tracestate().as_deref());
        }
    }
    draft.extensions.len() > before
}

/// Returns a span of the cause's trace that is the same for each run.
fn derived(cause: &Envelope<'_>, digest: &[u8]) -> Option<TraceParent> {
    let bytes = digest[16..24].iter();
    let span = bytes.fold(0, |span, byte| (span << 8) | u64::from(*byte));
    Some(cause.traceparent()?.with_parent(span))
}

/// Restores the publisher's maximum of attempts in an event that a handler got under the Go library's names; reports
/// whether it had to.
fn keep_wish(draft: &mut Draft<'_>, told: u32, cause: Option<&Envelope<'_>>) -> bool {
    let Some(wish) = hidden_wish(draft, told, cause) else {
        return false;
    };
    names::remove(&mut draft.extensions, &[names::MAX_ATTEMPTS]);
    let json = names::json_of(names::MAX_ATTEMPTS, Cow::Owned(wish.to_string()));
    draft
        .extensions
        .push((Cow::Borrowed(names::MAX_ATTEMPTS), json));
    true
}

/// Returns the publisher's maximum of attempts where the delivery's limit has its name: the number that the handler set,
/// else that of the cause, unless the event has it.
fn hidden_wish(draft: &Draft<'_>, told: u32, cause: Option<&Envelope<'_>>) -> Option<u32> {
    // Only an event that a handler was given has this.
    if !draft.has_extension(names::PF_ATTEMPT) {
        return None;
    }
    let stated = names::find(&draft.extensions, names::PF_MAX_ATTEMPTS)?;
    if *stated != *told.to_string() {
        return names::attempts_of(&stated);
    }
    let cause = cause.filter(|_| !draft.has_extension(names::MAX_ATTEMPTS));
    cause.and_then(Envelope::max_attempts)
}

fn add(draft: &mut Draft<'_>, name: &'static str, text: Option<&str>) {
    if let Some(text) = text {
        draft
            .extensions
            .push((Cow::Borrowed(name), Cow::Owned(quoted(text))));
    }
}

/// Returns an id that is the same for each run of a handler: of its response with this number.
pub(crate) fn response_id(cause: &Message, group: &Group, index: usize) -> String {
    readable(&digest(cause, group, index))
}

fn readable(digest: &[u8]) -> String {
    let id = data_encoding::BASE32_NOPAD.encode(&digest[..16]);
    id.to_ascii_lowercase()
}

fn digest(cause: &Message, group: &Group, index: usize) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    if let Ok(cause) = Envelope::read(cause) {
        part(cause.source.as_bytes());
        part(cause.id.as_bytes());
    } else {
        part(cause.key.as_deref().unwrap_or_default());
        part(cause.bytes());
    }
    part(group.as_str().as_bytes());
    part(&(index as u64).to_be_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: &str = concat!(
        r#"{"specversion":"1.0","id":"7","source":"/shop","type":"order.created","correlationid":"req-1","#,
        r#""traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","tracestate":"a=1"}"#
    );

    fn complete(line: &str, index: usize) -> Message {
        let cause = Message::new("order.created".parse().unwrap(), CAUSE);
        let emission = Emission {
            cause: &cause,
            group: &"billing".parse().unwrap(),
            index,
            max_attempts: 3,
            source: "//host/pf",
            encoding: Encoding::default(),
            trace: None,
        };
        complete_emitted(line.as_bytes(), &emission)
            .unwrap()
            .message
    }

    #[test]
    fn a_type_is_enough() {
        let message = complete(r#"{"type":"payment.done","data":{"n":1.0}}"#, 0);
        let event = Envelope::read(&message).unwrap();
        assert_eq!((event.source.as_ref(), event.id.len()), ("//host/pf", 26));
        assert!(event.time.is_some());
        assert_eq!(event.correlation_id().unwrap(), "req-1");
        assert_eq!(event.tracestate().unwrap(), "a=1");
        let trace = event.traceparent().unwrap();
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(trace.parent_id(), "00f067aa0ba902b7");
        assert_eq!(event.data, crate::event::Data::Json(r#"{"n":1.0}"#));
    }

    #[test]
    fn a_repeat_has_the_same_id_and_a_sibling_another() {
        let line = r#"{"type":"payment.done","time":"2026-11-22T01:57:54Z"}"#;
        assert_eq!(complete(line, 0), complete(line, 0));
        assert_ne!(complete(line, 0).payload, complete(line, 1).payload);
    }

    #[test]
    fn a_policy_that_the_handler_was_told_stays_behind() {
        let wish = |given: &str| {
            let line = format!(r#"{{"type":"a",{given}}}"#);
            Envelope::read(&complete(&line, 0)).unwrap().max_attempts()
        };
        assert_eq!(wish(r#""pfattempt":1,"pfattemptlimit":3"#), None);
        assert_eq!(
            wish(r#""pfattempt":1,"pfattemptlimit":3,"pfmaxattempts":4"#),
            Some(4)
        );
        assert_eq!(wish(r#""pf_attempt":1,"pf_max_attempts":3"#), None);
        assert_eq!(
            wish(r#""pf_attempt":1,"pf_max_attempts":3,"pfmaxattempts":4"#),
            Some(4)
        );
        assert_eq!(
            wish(r#""pf_attempt":1,"pf_max_attempts":5,"pfmaxattempts":4"#),
            Some(5),
            "it was changed"
        );
        assert_eq!(wish(r#""pf_max_attempts":3"#), Some(3), "a new event");
    }

    #[test]
    fn what_the_handler_said_stays() {
        let line = CAUSE
            .replace("req-1", "req-2")
            .replace("\"7\"", "\"8\",\"time\":\"2026-11-22T01:57:54Z\"");
        assert_eq!(complete(&line, 0).bytes(), line.as_bytes());
    }
}
