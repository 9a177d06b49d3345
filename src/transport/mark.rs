//! Marks: what a store knows of events that an action has handled, so that a copy of one is not handled again.
//!
//! They are no concern of publishing: [`super::Outgoing::dedup`] keeps a duplicate from being *stored*, a mark keeps a copy
//! that is stored twice from being *handled* twice.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::{DeadLetterId, Result};
use crate::event::{Action, Group, HandlingKey, Message, Position};

/// How a consumer recognises copies of what it has handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedup {
    /// How long a mark is kept.
    pub window: Duration,
    /// What is marked when.
    pub mode: DedupMode,
    /// The name of what is done with an event; `None` is that of the group. Groups of one action share their marks.
    pub action: Option<Action>,
}

impl Dedup {
    /// How long a mark is kept by default.
    pub const WINDOW: Duration = Duration::from_hours(7 * 24);

    /// Keeps marks for this long, each written with the settlement.
    #[must_use]
    pub fn settled(window: Duration) -> Self {
        Self::of(window, DedupMode::Settled)
    }

    /// Keeps marks for this long, each begun before the run.
    #[must_use]
    pub fn at_most_once(window: Duration) -> Self {
        Self::of(window, DedupMode::AtMostOnce)
    }

    fn of(window: Duration, mode: DedupMode) -> Self {
        Self {
            window,
            mode,
            action: None,
        }
    }

    /// Returns the name of what a group does with an event.
    #[must_use]
    pub fn action(&self, group: &Group) -> Action {
        let action = self.action.clone();
        action.unwrap_or_else(|| group.clone().into())
    }

    /// Returns the key of what a group does with this event; `None` if it is not an event. The message is that of
    /// [`Delivery::event_message`](super::Delivery::event_message).
    #[must_use]
    pub fn key(&self, group: &Group, event: &Message) -> Option<HandlingKey> {
        HandlingKey::of(&self.action(group), event).ok()
    }
}

impl Default for Dedup {
    fn default() -> Self {
        Self::settled(Self::WINDOW)
    }
}

/// What is marked when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DedupMode {
    /// The settlement: an event is not handled again for being stored twice. It is if its run ended and was not settled.
    #[default]
    Settled,
    /// Also the beginning of a run: an event whose run ended without being settled is dead-lettered, not handled again.
    AtMostOnce,
}

/// The mark of a handling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A run began on this delivery, which is in flight or waits for its retry.
    Begun(Beginning),
    /// A run began on a delivery that its group no longer has: how it ended is unknown. It was settled by a consumer that
    /// keeps no marks, or removed.
    Unknown,
    /// Handled.
    Done,
    /// Given up, as this dead letter.
    Dead(DeadLetterId),
}

impl Mark {
    /// Reports whether a handling may begin all the same: it is the one that began, or the replay of this dead letter, or
    /// nobody will settle the one that began.
    #[must_use]
    pub fn admits(&self, handling: &Handling) -> bool {
        match self {
            Self::Begun(beginning) => *beginning == handling.beginning,
            Self::Unknown => true,
            Self::Done => false,
            Self::Dead(letter) => handling.replay_of.as_ref() == Some(letter),
        }
    }
}

/// The delivery on which a run begins. Groups that share an action have the same positions, so it names the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The group that has it.
    pub group: Group,
    /// Its position. A retry has that of its original.
    pub position: Position,
}

/// A delivery that is to be handled, as its mark is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// The key.
    pub key: HandlingKey,
    /// The delivery.
    pub beginning: Beginning,
    /// The dead letter that it is the replay of.
    pub replay_of: Option<DeadLetterId>,
}

/// What is known of a handling besides its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Nothing: the verdict says all.
    Open,
    /// It is settled without a run.
    LeftOut,
    /// A run began that is not to be repeated, and was cut short or could not be completed.
    CutShort,
}

/// What a settlement does to the mark of its delivery, together with the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkChange {
    /// It becomes [`Mark::Done`].
    Done(HandlingKey),
    /// It becomes [`Mark::Dead`], with the dead letter that the verdict makes.
    Dead(HandlingKey),
    /// A run that is marked as begun at the position of the delivery is no longer.
    Forget(HandlingKey),
}

/// The marks that a subscription keeps. Their changes ride in [`Subscription::settle`](super::Subscription::settle):
/// where the store can, a mark and its settlement are one transaction; elsewhere the mark is stored first.
#[async_trait]
pub trait Marks: fmt::Debug + Send + Sync {
    /// Looks up the marks of deliveries in flight, and returns what was there: one result per handling, in order. A mark
    /// that is older than the window is none, and so is one of a store that was deleted and created again. A beginning is
    /// [`Mark::Begun`] only while its group may still settle it, and [`Mark::Unknown`] afterwards.
    ///
    /// A store whose members take copies of one event at the same moment, and which can note it with little effort, also
    /// begins each handling that its mark [admits](Mark::admits), so that other members see it.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>>;

    /// Begins a handling, durably, unless its mark does not [admit](Mark::admits) it; returns what was there. Of several
    /// callers, also of several members that hold one delivery, at most one gets `None`.
    ///
    /// # Errors
    /// If the server does not answer; it may have begun.
    async fn begin(&self, handling: &Handling) -> Result<Option<Mark>>;

    /// Returns how many marks were forgotten before the end of their window, for want of memory.
    fn forgotten(&self) -> u64 {
        0
    }
}
