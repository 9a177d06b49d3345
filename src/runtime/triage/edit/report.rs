//! What an edit did, or would do: how many dead letters change, how, and which cannot.

use serde_json::Value;

use super::{Becomes, Edited, EditedEvent, Named, changes::changes};
use crate::{
    runtime::triage::{listing::FilterFailures, notes::Hiding},
    transport::{DeadLetterId, MessageDigest},
};

/// Shapes of changes that a report has; others are counted together.
const MAX_SHAPES: usize = 20;

/// Refused dead letters that a report lists.
const MAX_REFUSED: usize = 10;

/// A change of events that share a shape.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EditShape {
    /// What changes, by path: `+ .data.x`, `- .data.y`, `~ .data.amount string -> number`.
    pub changes: Vec<String>,
    /// How many dead letters change so.
    pub count: u64,
    /// The event of one of them before.
    pub before: String,
    /// And after.
    pub after: String,
}

/// A dead letter that an edit does not change, or whose event would not be valid.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EditRefusal {
    /// Its id.
    pub id: DeadLetterId,
    /// Why.
    pub reason: String,
}

/// What an edit did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct EditReport {
    /// Dead letters that change.
    pub edited: u64,
    /// Dead letters that do not, or cannot; they stay as they are.
    pub refused: u64,
    /// Dead letters that stay as they are because they were replayed too often.
    pub left_out: u64,
    /// Dead letters that stay as they are because the policy never replays them.
    pub forbidden: u64,
    /// The shapes of the changes, the most frequent first.
    pub shapes: Vec<EditShape>,
    /// Some of those that are refused.
    pub refusals: Vec<EditRefusal>,
    /// Dead letters that were left out because the filter failed on them.
    #[serde(skip)]
    pub filter_failures: FilterFailures,
    /// The ids of the edited dead letters.
    #[serde(skip)]
    pub ids: Vec<DeadLetterId>,
    /// What each original would become, in order; only of a preview.
    #[serde(skip)]
    pub becomes: Vec<(DeadLetterId, Becomes)>,
}

impl EditReport {
    pub(in crate::runtime::triage) fn refuse(
        &mut self,
        id: &DeadLetterId,
        reason: impl FnOnce() -> String,
    ) {
        self.refused += 1;
        if self.refusals.len() < MAX_REFUSED {
            let (id, reason) = (id.clone(), reason());
            self.refusals.push(EditRefusal { id, reason });
        }
    }

    /// Counts a dead letter whose edit was refused after all.
    pub(in crate::runtime::triage) fn take_back(
        &mut self,
        original: &DeadLetterId,
        id: &DeadLetterId,
        reason: impl FnOnce() -> String,
    ) {
        self.edited -= 1;
        self.ids.retain(|known| known != id);
        self.refuse(original, reason);
    }

    pub(in crate::runtime::triage) fn add(
        &mut self,
        edited: &Edited,
        hiding: &Hiding,
        is_preview: bool,
    ) {
        self.edited += 1;
        self.ids.push(edited.letter.id.clone());
        let original = edited.letter.record.edit_of.clone();
        if let Some(original) = original.filter(|_| is_preview) {
            let becomes = Becomes {
                becomes: edited.letter.id.clone(),
                digest: MessageDigest::of(&edited.letter.message),
            };
            self.becomes.push((original, becomes));
        }
        self.add_change((&edited.before, &edited.after), &edited.name, hiding);
    }

    /// Adds a change to those of its shape.
    fn add_change(&mut self, (before, after): (&Value, &Value), name: &Named, hiding: &Hiding) {
        let changes = changes(before, after);
        let mut shapes = self.shapes.iter_mut();
        if let Some(known) = shapes.find(|shape| shape.changes == changes) {
            known.count += 1;
        } else if self.shapes.len() < MAX_SHAPES {
            let (before, after) = hiding.edit(before, &name.of(after));
            self.shapes.push(EditShape {
                changes,
                count: 1,
                before,
                after,
            });
        }
    }

    /// Counts a dead letter that a replay edits.
    pub(super) fn add_event(&mut self, edited: &EditedEvent, hiding: &Hiding) {
        self.edited += 1;
        self.add_change((&edited.before, &edited.after), &edited.name, hiding);
    }

    /// Adds what another report says of further dead letters.
    pub(in crate::runtime::triage) fn add_all(&mut self, other: Self) {
        self.edited += other.edited;
        self.refused += other.refused;
        for shape in other.shapes {
            let mut shapes = self.shapes.iter_mut();
            if let Some(known) = shapes.find(|known| known.changes == shape.changes) {
                known.count += shape.count;
            } else if self.shapes.len() < MAX_SHAPES {
                self.shapes.push(shape);
            }
        }
        let room = MAX_REFUSED.saturating_sub(self.refusals.len());
        self.refusals.extend(other.refusals.into_iter().take(room));
    }

    pub(in crate::runtime::triage) fn finish(mut self) -> Self {
        self.shapes
            .sort_by_key(|shape| std::cmp::Reverse(shape.count));
        self
    }
}
