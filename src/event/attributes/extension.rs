//! Typed access to the attributes that protoflow uses, under any of their names.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cloudevents::{Event, event::ExtensionValue};

use crate::event::{EventBuilder, TraceParent, attributes::names, event, time::parse_time};

/// Attributes that Protoflow uses, under names that every SDK accepts or as `pf_*`.
///
/// ```
/// use protoflow::{EventExt as _, event};
///
/// let order = event("order.created", "my-service")
///     .correlation_id("req-1")
///     .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
///     .build()?;
/// assert_eq!(order.attempt(), 1);
/// assert_eq!(order.correlation_id().as_deref(), Some("req-1"));
/// assert_eq!(order.trace_id().as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
/// # Ok::<(), protoflow::event::EventError>(())
/// ```
pub trait EventExt {
    /// Returns the number of this run, from 1.
    fn attempt(&self) -> u32;
    /// Returns the maximum number of attempts: the limit of the delivery, else the one that the publisher set.
    fn max_attempts(&self) -> Option<u32>;
    /// Returns when the next run is due (`pf_next_attempt_at`, milliseconds or RFC 3339).
    fn next_attempt_at(&self) -> Option<SystemTime>;
    /// Reports whether the event was marked as a dead letter.
    fn is_dead_letter(&self) -> bool;
    /// Returns the id that related events share.
    fn correlation_id(&self) -> Option<Cow<'_, str>>;
    /// Returns the W3C trace context, if there is a well-formed one.
    fn traceparent(&self) -> Option<TraceParent>;
    /// Returns the id of the trace.
    fn trace_id(&self) -> Option<Cow<'_, str>>;
    /// Returns the id of the span that sent the event.
    fn parent_id(&self) -> Option<Cow<'_, str>>;
    /// Returns the delay that the publisher set.
    fn delay(&self) -> Option<Duration>;
    /// Returns the version of the event's own schema.
    fn event_version(&self) -> Option<Cow<'_, str>>;
    /// Returns the topic that a dead letter came from.
    fn original_topic(&self) -> Option<Cow<'_, str>>;
    /// Returns why the event became a dead letter.
    fn error_message(&self) -> Option<Cow<'_, str>>;
    /// Starts an event that this one causes, with the same correlation id and in the same trace.
    fn respond(&self, ty: impl Into<String>, source: impl Into<String>) -> EventBuilder;
}

impl EventExt for Event {
    fn attempt(&self) -> u32 {
        first(self, &[names::ATTEMPT, names::PF_ATTEMPT]).unwrap_or(1)
    }

    fn max_attempts(&self) -> Option<u32> {
        let mut known = [
            names::ATTEMPT_LIMIT,
            names::MAX_ATTEMPTS,
            names::PF_MAX_ATTEMPTS,
        ];
        if self.extension(names::PF_ATTEMPT).is_some() {
            // Then the Go library's name is that of the limit.
            known.swap(1, 2);
        }
        first(self, &known)
    }

    fn next_attempt_at(&self) -> Option<SystemTime> {
        let text = text(self, names::PF_NEXT_ATTEMPT_AT)?;
        match text.parse() {
            Ok(millis) => UNIX_EPOCH.checked_add(Duration::from_millis(millis)),
            Err(_) => parse_time(&text),
        }
    }

    fn is_dead_letter(&self) -> bool {
        text(self, names::PF_DEAD_LETTER).is_some_and(|text| text == "true")
    }

    fn correlation_id(&self) -> Option<Cow<'_, str>> {
        text(self, names::CORRELATION_ID).or_else(|| text(self, names::PF_CORRELATION_ID))
    }

    fn traceparent(&self) -> Option<TraceParent> {
        let standard = text(self, names::TRACEPARENT);
        standard.and_then(|text| text.parse().ok()).or_else(|| {
            let trace = text(self, names::PF_TRACE_ID)?;
            TraceParent::from_ids(&trace, text(self, names::PF_PARENT_ID).as_deref())
        })
    }

    fn trace_id(&self) -> Option<Cow<'_, str>> {
        let standard = text(self, names::TRACEPARENT).and_then(|text| text.parse().ok());
        standard
            .map(|trace: TraceParent| Cow::Owned(trace.trace_id()))
            .or_else(|| text(self, names::PF_TRACE_ID))
            .or_else(|| text(self, names::TRACE_ID))
    }

    fn parent_id(&self) -> Option<Cow<'_, str>> {
        let standard = text(self, names::TRACEPARENT).and_then(|text| text.parse().ok());
        standard
            .map(|trace: TraceParent| Cow::Owned(trace.parent_id()))
            .or_else(|| text(self, names::PF_PARENT_ID))
            .or_else(|| text(self, names::PARENT_ID))
    }

    fn delay(&self) -> Option<Duration> {
        text(self, names::PF_DELAY_MS)?
            .parse()
            .ok()
            .map(Duration::from_millis)
    }

    fn event_version(&self) -> Option<Cow<'_, str>> {
        text(self, names::EVENT_VERSION).or_else(|| text(self, names::PF_EVENT_VERSION))
    }

    fn original_topic(&self) -> Option<Cow<'_, str>> {
        text(self, names::PF_ORIGINAL_TOPIC)
    }

    fn error_message(&self) -> Option<Cow<'_, str>> {
        text(self, names::PF_ERROR_MESSAGE)
    }

    fn respond(&self, ty: impl Into<String>, source: impl Into<String>) -> EventBuilder {
        let mut response = event(ty, source);
        if let Some(id) = self.correlation_id() {
            response = response.correlation_id(id);
        }
        if let Some(trace) = self.traceparent() {
            response = response.traceparent(trace.child().to_string());
            if let Some(state) = text(self, names::TRACESTATE) {
                response = response.extension(names::TRACESTATE, state.as_ref());
            }
        }
        response
    }
}

fn text<'e>(event: &'e Event, name: &str) -> Option<Cow<'e, str>> {
    Some(match event.extension(name)? {
        ExtensionValue::String(text) => Cow::Borrowed(text),
        ExtensionValue::Boolean(flag) => Cow::Owned(flag.to_string()),
        ExtensionValue::Integer(number) => Cow::Owned(number.to_string()),
    })
}

/// Returns the first of these that is a number of attempts.
fn first(event: &Event, known: &[&str]) -> Option<u32> {
    let mut texts = known.iter().filter_map(|name| text(event, name));
    texts.find_map(|text| names::attempts_of(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_response_carries_correlation_and_trace() {
        let cause = event("order.created", "/shop")
            .correlation_id("req-1")
            .traceparent(TRACE)
            .extension("tracestate", "a=1")
            .build()
            .unwrap();
        let response = cause.respond("payment.done", "/pay").build().unwrap();
        assert_eq!(response.correlation_id().unwrap(), "req-1");
        assert_eq!(response.trace_id(), cause.trace_id());
        assert_ne!(response.parent_id(), cause.parent_id());
        assert_eq!(response.extension("tracestate"), Some(&"a=1".into()));
    }

    #[test]
    fn what_the_delivery_allows_is_told_from_a_wish() {
        let event = event("t", "/s").max_attempts(5).event_version("2");
        let mut event = event.build().unwrap();
        assert_eq!((event.attempt(), event.max_attempts()), (1, Some(5)));
        assert_eq!(event.event_version().unwrap(), "2");
        event.set_extension("pfattempt", 2);
        event.set_extension("pfattemptlimit", 3);
        assert_eq!((event.attempt(), event.max_attempts()), (2, Some(3)));
        event.set_extension("pf_max_attempts", 4);
        assert_eq!(event.max_attempts(), Some(3));
    }

    #[test]
    fn the_seeds_names_are_read_too() {
        let mut event = event("t", "/s").build().unwrap();
        assert_eq!((event.attempt(), event.max_attempts()), (1, None));
        event.set_extension("pf_attempt", "3");
        event.set_extension("pf_max_attempts", 4);
        event.set_extension("pf_dead_letter", true);
        event.set_extension("pf_delay_ms", 1500);
        event.set_extension("pf_trace_id", "not hexadecimal");
        event.set_extension("pf_next_attempt_at", 1000);
        assert_eq!((event.attempt(), event.max_attempts()), (3, Some(4)));
        assert!(event.is_dead_letter());
        assert_eq!(event.delay(), Some(Duration::from_millis(1500)));
        event.set_extension("pfmaxattempts", 9);
        assert_eq!(event.max_attempts(), Some(4), "what the delivery allows");
        assert_eq!(event.trace_id().unwrap(), "not hexadecimal");
        assert_eq!(event.traceparent(), None);
        assert_eq!(
            event.next_attempt_at(),
            Some(UNIX_EPOCH + Duration::from_secs(1))
        );
    }
}
