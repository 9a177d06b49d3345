//! Screening: decides before a run whether an event reaches the handler. Expired events, tombstones and events that a
//! filter leaves out are settled without a run.

use std::{
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::finished::{LeftOut, RunEnd};
use crate::{
    event::{Envelope, Message, Stored, wrap_plain, wrap_tombstone},
    runtime::{
        ReplyRules, describe_failure, panic_failure,
        reply::{ADDRESS, address},
    },
    transport::{DeadLetterKind, Delivery, Failure},
};

/// What a consumer does with an event that needs no handler, such as an expired one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Acknowledge it without a run, and count it.
    Skip,
    /// Hand it to the handler.
    Deliver,
    /// Dead-letter it without a run.
    DeadLetter,
}

/// The class of a dead letter that is a tombstone.
pub(super) const TOMBSTONE: &str = "tombstone";

type Matches = dyn Fn(&Stored) -> Result<bool, String> + Send + Sync;

/// Decides which events a consumer handles; it acknowledges the others without a run.
///
/// All consumers of a group must have the same filter: each of them acknowledges what its own filter leaves out.
#[derive(Clone)]
pub struct EventFilter(Arc<Matches>);

impl EventFilter {
    /// Wraps a function that reports whether an event is to be handled. If it fails or panics, the event is dead-lettered,
    /// never acknowledged. It is called on the task of the consumer and must not block.
    pub fn new(matches: impl Fn(&Stored) -> Result<bool, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }

    /// Wraps a jq filter on the record of `-o json`.
    #[cfg(feature = "filter")]
    #[must_use]
    pub fn jq(filter: crate::runtime::Filter) -> Self {
        Self::new(move |stored| {
            let mut record = Vec::with_capacity(1024);
            crate::event::write_record(&mut record, stored, None);
            filter.matches(&record).map_err(|error| error.to_string())
        })
    }

    fn matches(&self, stored: &Stored) -> Result<bool, Failure> {
        let called = catch_unwind(AssertUnwindSafe(|| (self.0)(stored)));
        let failed =
            |why: &str| describe_failure("filter", &format!("the filter failed: {why}"), None);
        match called {
            Ok(Ok(matches)) => Ok(matches),
            Ok(Err(why)) => Err(failed(&why)),
            Err(panic) => Err(failed(&panic_failure(&*panic).message)),
        }
    }
}

impl fmt::Debug for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventFilter").finish_non_exhaustive()
    }
}

/// The rules of a consumer.
#[derive(Debug)]
pub(in crate::runtime::consume) struct Screening {
    pub(in crate::runtime::consume) filter: Option<EventFilter>,
    pub(in crate::runtime::consume) expired: Treatment,
    /// `None` treats a tombstone as any other message that is not an event.
    pub(in crate::runtime::consume) tombstones: Option<Treatment>,
    /// Wraps messages that are not events.
    pub(in crate::runtime::consume) plain: bool,
    /// Set if the handler replies.
    pub(in crate::runtime::consume) replies: Option<ReplyRules>,
}

/// The result of screening a delivery.
pub(in crate::runtime::consume) enum Screened {
    /// It is handled; with a delivery, wrapped like this.
    Run(Option<Delivery>),
    /// It is settled without a run.
    NoRun(RunEnd),
}

impl Screening {
    /// Screens a delivery. Without tombstones, filter and `plain` there is nothing to look at.
    pub(in crate::runtime::consume) fn screen(&self, delivery: &Delivery) -> Screened {
        let wrapped = match self.tombstones {
            Some(treatment) if is_tombstone(&delivery.stored.message) => match treatment {
                Treatment::Skip => return Screened::NoRun(RunEnd::LeftOut(LeftOut::Tombstone)),
                Treatment::DeadLetter => return Screened::NoRun(tombstone_letter()),
                Treatment::Deliver => Some(wrap_tombstone(&delivery.stored)),
            },
            _ => match delivery.event_message() {
                Cow::Owned(named) => Some(named),
                Cow::Borrowed(_) => self.plain_wrap(&delivery.stored),
            },
        };
        let wrapped = wrapped.map(|message| {
            let mut wrapped = delivery.copy();
            wrapped.stored.message = message;
            wrapped
        });
        let shown = wrapped.as_ref().unwrap_or(delivery);
        let end = self.filtered(&shown.stored);
        match end.or_else(|| self.unanswerable(&shown.stored.message)) {
            Some(end) => Screened::NoRun(end),
            None => Screened::Run(wrapped),
        }
    }

    fn plain_wrap(&self, stored: &Stored) -> Option<Message> {
        let wraps = self.plain && Envelope::read(&stored.message).is_err();
        wraps.then(|| wrap_plain(stored))
    }

    /// Applies the filter. A message that is not an event passes: acknowledging it would hide that it cannot be decoded.
    fn filtered(&self, stored: &Stored) -> Option<RunEnd> {
        let filter = self.filter.as_ref()?;
        match filter.matches(stored) {
            Ok(true) => None,
            _ if Envelope::read(&stored.message).is_err() => None,
            Ok(false) => Some(RunEnd::LeftOut(LeftOut::Filtered)),
            Err(failure) => Some(RunEnd::GivenUp(DeadLetterKind::Decode, failure)),
        }
    }

    /// Refuses a request whose reply may not be sent where it wants it, before the handler has an effect.
    fn unanswerable(&self, message: &Message) -> Option<RunEnd> {
        let refused = address(message, self.replies.as_ref()?).err()?;
        let failure = describe_failure(ADDRESS, &refused, None);
        Some(RunEnd::GivenUp(DeadLetterKind::Permanent, failure))
    }

    /// Returns how an expired event ends; `None` if it is handled.
    pub(in crate::runtime::consume) fn expired(&self, failure: Failure) -> Option<RunEnd> {
        match self.expired {
            Treatment::Deliver => None,
            Treatment::Skip => Some(RunEnd::LeftOut(LeftOut::Expired(failure.message))),
            Treatment::DeadLetter => Some(RunEnd::GivenUp(DeadLetterKind::Expired, failure)),
        }
    }
}

/// Reports whether a message says that its key was deleted: its payload is null, and it is not an event in binary mode
/// without data. NATS has no null and no key; there a message without payload is one.
fn is_tombstone(message: &Message) -> bool {
    let is_empty = match &message.payload {
        None => true,
        Some(payload) => payload.is_empty() && message.key.is_none(),
    };
    is_empty && Envelope::read(message).is_err()
}

fn tombstone_letter() -> RunEnd {
    let failure = describe_failure(TOMBSTONE, "a tombstone: the payload is null", None);
    RunEnd::GivenUp(DeadLetterKind::Decode, failure)
}
