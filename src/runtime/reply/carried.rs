//! What a response takes over from its cause.

use cloudevents::Event;

use crate::event::{Envelope, EventExt as _, attributes::names};

/// Copies correlation id and trace of the cause to a response that has none.
pub(in crate::runtime) fn carry_over(cause: &Envelope<'_>, response: &mut Event) {
    if response.correlation_id().is_none()
        && let Some(id) = cause.correlation_id()
    {
        response.set_extension(names::CORRELATION_ID, id.into_owned());
    }
    if response.traceparent().is_none()
        && let Some(trace) = cause.traceparent()
    {
        response.set_extension(names::TRACEPARENT, trace.child().to_string());
        if let Some(state) = cause.extension(names::TRACESTATE) {
            response.set_extension(names::TRACESTATE, state.into_owned());
        }
    }
}
