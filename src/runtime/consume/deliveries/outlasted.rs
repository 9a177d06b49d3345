//! Retries that outlast the marks of copies: a copy that was handled meanwhile is no longer known when the event comes again.
//!
//! A policy whose longest course of retries is longer than the window is refused at the start. What an event's publisher
//! (`pfmaxattempts`) or a handler asks for ("retry after") shows only when it happens.

use std::time::{Duration, SystemTime};

use crate::transport::{Delivery, ErrorKind, TransportError, Verdict};

/// Returns the warning about a retry by which an event is retried for longer than the window; `None` for the further ones.
pub(in crate::runtime::consume) fn warning(
    window: Duration,
    delivery: &Delivery,
    verdict: &Verdict,
) -> Option<TransportError> {
    let Verdict::Retry { after, .. } = verdict else {
        return None;
    };
    let first = delivery.attempts.first_failed;
    let since = first.map(|first| SystemTime::now().duration_since(first).unwrap_or_default());
    let since = since.unwrap_or_default();
    if since >= window || since.saturating_add(*after) < window {
        return None;
    }
    let position = &delivery.stored.position;
    let window = humantime::format_duration(window);
    let message = format!(
        "the event at {position} is retried for longer than its marks are kept ({window}): if a copy of it is handled \
         meanwhile, it may be handled again"
    );
    let warning = TransportError::new("", ErrorKind::Warning, message);
    Some(warning.hint("`--dedup=WINDOW` keeps marks for longer"))
}
