//! Spans of messages, by OpenTelemetry's semantic conventions for messaging, and the W3C context by which events carry them.
//!
//! A span is an ordinary one of `tracing`: any subscriber sees it. With the feature `otel` and a subscriber with a layer of
//! `tracing-opentelemetry`, a span has an identity: it is written into the event that it publishes, unless that has one, and
//! the run that handles the event belongs to the same trace and is linked to the span that published it.

use cloudevents::{AttributesReader as _, Event};
use tracing::{Level, Span, field::Empty, info_span, span_enabled};

use crate::{
    event::{Envelope, EventExt as _, Group, Message, TraceParent, attributes::names},
    runtime::Outcome,
    transport::{Delivery, ErrorKind},
};

/// The target of all spans of messages.
pub const SPAN_TARGET: &str = "protoflow::messaging";

/// Starts the span of publishing to a topic, within the current one.
#[must_use]
pub fn publish_span(system: &'static str, topic: &str) -> Span {
    info_span!(
        target: SPAN_TARGET,
        "send",
        otel.name = %format_args!("send {topic}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = system,
        messaging.operation.type = "send",
        messaging.operation.name = "send",
        messaging.destination.name = topic,
        messaging.message.id = Empty,
        error.type = Empty,
    )
}

/// Returns the span of creating an event that is published with others, within the current one.
#[must_use]
pub fn create_span(system: &'static str, message: &Message) -> Span {
    if !span_enabled!(target: SPAN_TARGET, Level::INFO) {
        return Span::none();
    }
    let envelope = Envelope::read(message);
    let id = envelope.as_ref().map_or("", |envelope| &*envelope.id);
    created(system, message.topic.as_str(), id)
}

fn created(system: &'static str, topic: &str, id: &str) -> Span {
    info_span!(
        target: SPAN_TARGET,
        "create",
        otel.name = %format_args!("create {topic}"),
        otel.kind = "producer",
        messaging.system = system,
        messaging.operation.type = "create",
        messaging.operation.name = "create",
        messaging.destination.name = topic,
        messaging.message.id = id,
    )
}

/// Notes why what a span stands for failed.
pub fn record_error(span: &Span, class: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", class);
}

/// Starts the span of publishing an event, and writes it into the event, unless that continues a trace already: then the span
/// belongs to that trace.
pub(crate) fn publish_event(system: &'static str, event: &mut Event) -> Span {
    let span = publish_span(system, event.ty());
    if span.is_disabled() {
        return span;
    }
    span.record("messaging.message.id", event.id());
    match event.traceparent() {
        Some(trace) => set_parent(&span, trace, None),
        None => write_into(event, &span),
    }
    span
}

/// Writes a new span into an event that is published with others, unless that continues a trace already.
pub(crate) fn create_event(system: &'static str, event: &mut Event) {
    if event.traceparent().is_none() {
        let span = created(system, event.ty(), event.id());
        write_into(event, &span);
    }
}

fn write_into(event: &mut Event, span: &Span) {
    if let Some(trace) = trace_of(span) {
        event.set_extension(names::TRACEPARENT, trace.to_string());
    }
}

/// Notes the result of publishing.
pub(crate) fn record_published(span: &Span, failed: Option<ErrorKind>) {
    if let Some(kind) = failed.filter(|_| !span.is_disabled()) {
        record_error(span, &format!("{kind:?}"));
    }
}

/// Starts the span of a run: in the trace of its event, and linked to the span that published it.
pub(in crate::runtime) fn process_span(
    system: &'static str,
    group: &Group,
    delivery: &Delivery,
) -> Span {
    if !span_enabled!(target: SPAN_TARGET, Level::INFO) {
        return Span::none();
    }
    let topic = delivery.stored.message.topic.as_str();
    let span = info_span!(
        target: SPAN_TARGET,
        "process",
        otel.name = %format_args!("process {topic}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.system = system,
        messaging.operation.type = "process",
        messaging.operation.name = "process",
        messaging.destination.name = topic,
        messaging.consumer.group.name = group.as_str(),
        messaging.message.id = Empty,
        protoflow.attempt = delivery.attempts.attempt(),
        error.type = Empty,
    );
    let message = delivery.event_message();
    if let Ok(envelope) = Envelope::read(&message) {
        span.record("messaging.message.id", &*envelope.id);
        if let Some(trace) = envelope.traceparent() {
            set_parent(&span, trace, envelope.tracestate().as_deref());
            add_link(&span, trace);
        }
    }
    span
}

/// Notes how a run ended.
pub(in crate::runtime) fn record_outcome(span: &Span, outcome: &Outcome) {
    if let (false, Outcome::Retry(_, failure) | Outcome::DeadLetter(failure)) =
        (span.is_disabled(), outcome)
    {
        record_error(span, &failure.class);
    }
}

/// Returns the current span as events carry it; `None` without the feature `otel`, or without a layer that gives it an identity.
#[must_use]
pub fn current_trace() -> Option<TraceParent> {
    trace_of(&Span::current())
}

#[cfg(feature = "otel")]
mod otel {
    use opentelemetry::{
        Context,
        trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
    };
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    use crate::event::TraceParent;

    /// Returns a span as events carry it.
    #[must_use]
    pub fn trace_of(span: &Span) -> Option<TraceParent> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let span = context.span();
        let known = span.span_context();
        let (trace, id) = (known.trace_id(), known.span_id());
        let text = format!("00-{trace}-{id}-{:02x}", known.trace_flags().to_u8());
        text.parse().ok().filter(|_| known.is_valid())
    }

    /// Makes a span part of the trace that an event carries.
    pub fn set_parent(span: &Span, trace: TraceParent, state: Option<&str>) {
        if let Some(parent) = remote(trace, state) {
            // Without a layer of OpenTelemetry, there is nothing to be part of.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
    }

    pub(super) fn add_link(span: &Span, trace: TraceParent) {
        if let Some(producer) = remote(trace, None) {
            span.add_link(producer);
        }
    }

    fn remote(trace: TraceParent, state: Option<&str>) -> Option<SpanContext> {
        let state = state.and_then(|state| state.parse::<TraceState>().ok());
        Some(SpanContext::new(
            TraceId::from_hex(&trace.trace_id()).ok()?,
            SpanId::from_hex(&trace.parent_id()).ok()?,
            TraceFlags::new(u8::from(trace.sampled())),
            true,
            state.unwrap_or_default(),
        ))
    }
}

#[cfg(feature = "otel")]
use self::otel::add_link;
#[cfg(feature = "otel")]
pub use self::otel::{set_parent, trace_of};

/// Returns a span as events carry it: without the feature `otel`, it has no identity.
#[cfg(not(feature = "otel"))]
#[must_use]
pub fn trace_of(_: &Span) -> Option<TraceParent> {
    None
}

/// Makes a span part of the trace that an event carries.
#[cfg(not(feature = "otel"))]
pub fn set_parent(_: &Span, _: TraceParent, _: Option<&str>) {}

#[cfg(not(feature = "otel"))]
fn add_link(_: &Span, _: TraceParent) {}
