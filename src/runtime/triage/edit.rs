//! Repair: another event in place of that of a dead letter.
//!
//! An edited dead letter is a new one beside its original, with an id that follows from both, so that editing twice stores one.
//! The original is archived. Both are noted before the first of them happens: a crash in between leaves the original archived
//! and the edited one missing, which the next edit finds and undoes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use sha2::{Digest as _, Sha256};

use super::{listing::FilterFailures, notes::Hiding};
use crate::{
    event::{
        Encoding, Envelope, Form, Headers, Message, Mode, Position, identified, parse_record_to,
    },
    transport::{DeadLetter, DeadLetterId, MessageDigest},
};

/// Shapes of changes that a report has; others are counted together.
const MAX_SHAPES: usize = 20;

/// Refused dead letters that a report lists.
const MAX_REFUSED: usize = 10;

/// Makes another event of a dead letter: gets its record as JSON, returns the event as JSON.
pub type EditEvent<'a> = dyn FnMut(&DeadLetter, &[u8]) -> Result<Vec<u8>, String> + Send + 'a;

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

/// The edited dead letter that takes the place of an original.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Becomes {
    /// Its id, which follows from the original and the content of the event.
    pub becomes: DeadLetterId,
    /// The digest of its message.
    pub digest: MessageDigest,
}

/// An edit that is planned: what it is, and what each dead letter becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedEdit {
    /// The edit, as the operator wrote it.
    pub program: String,
    /// What the dead letters become; others are not in the plan.
    pub becomes: HashMap<DeadLetterId, Becomes>,
}

impl EditReport {
    pub(super) fn refuse(&mut self, id: &DeadLetterId, reason: impl FnOnce() -> String) {
        self.refused += 1;
        if self.refusals.len() < MAX_REFUSED {
            let (id, reason) = (id.clone(), reason());
            self.refusals.push(EditRefusal { id, reason });
        }
    }

    /// Counts a dead letter whose edit was refused after all.
    pub(super) fn take_back(
        &mut self,
        original: &DeadLetterId,
        id: &DeadLetterId,
        reason: impl FnOnce() -> String,
    ) {
        self.edited -= 1;
        self.ids.retain(|known| known != id);
        self.refuse(original, reason);
    }

    pub(super) fn add(&mut self, edited: &Edited, hiding: &Hiding, is_preview: bool) {
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
        let changes = changes(&edited.before, &edited.after);
        let mut shapes = self.shapes.iter_mut();
        if let Some(known) = shapes.find(|shape| shape.changes == changes) {
            known.count += 1;
        } else if self.shapes.len() < MAX_SHAPES {
            let (before, after) = hiding.edit(&edited.before, &edited.after);
            self.shapes.push(EditShape {
                changes,
                count: 1,
                before,
                after,
            });
        }
    }

    pub(super) fn finish(mut self) -> Self {
        self.shapes
            .sort_by_key(|shape| std::cmp::Reverse(shape.count));
        self
    }
}

/// An edited dead letter beside its original.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) letter: DeadLetter,
    before: Value,
    after: Value,
}

/// Returns the hash by which the same edit of the same request is recognised.
pub(super) fn hash(text: &str) -> String {
    let hash = data_encoding::BASE32_NOPAD.encode(&Sha256::digest(text));
    hash[..16].to_ascii_lowercase()
}

/// Returns an edited copy of a dead letter, without storing anything.
///
/// # Errors
/// If the edit fails, changes nothing, or makes no valid event: why.
pub fn edited_copy(
    letter: &DeadLetter,
    encoding: Encoding,
    event: &mut EditEvent<'_>,
) -> Result<DeadLetter, String> {
    edit(letter, "", encoding, event).map(|edited| edited.letter)
}

/// Edits a dead letter. `edit` is the hash of the request.
pub(super) fn edit(
    letter: &DeadLetter,
    edit: &str,
    encoding: Encoding,
    event: &mut EditEvent<'_>,
) -> Result<Edited, String> {
    let mut record = Vec::new();
    super::write_dead_letter(&mut record, letter);
    let json =
        |text: &[u8]| serde_json::from_slice::<Value>(text).map_err(|error| error.to_string());
    let before = match event_of(&record) {
        Some(event) => json(event.get().as_bytes())?,
        None => Value::Null,
    };
    if !before.is_object() {
        return Err("it is not a CloudEvent".to_owned());
    }
    let edited = event(letter, &record)?;
    let after = json(&edited).map_err(|error| format!("the edited event is not JSON: {error}"))?;
    if after == before {
        return Err("the edit changes nothing".to_owned());
    }
    let Value::Object(mut after) = after else {
        return Err("the edited event is not an object".to_owned());
    };
    let original = before.get("id").and_then(Value::as_str).unwrap_or_default();
    name(&mut after, letter, original);
    let after = Value::Object(after);
    let message = message(letter, after.to_string().as_bytes(), encoding)?;
    Ok(Edited {
        letter: new_letter(letter, edit, message),
        before,
        after,
    })
}

/// Returns the event in a record, without parsing the rest of it.
fn event_of(record: &[u8]) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct EventOnly<'a> {
        #[serde(borrow)]
        event: Option<&'a RawValue>,
    }
    let record: EventOnly<'_> = serde_json::from_slice(record).ok()?;
    record.event
}

/// Gives an edited event an id of its own, which follows from the original and the content.
fn name(event: &mut Map<String, Value>, letter: &DeadLetter, original: &str) {
    for name in ["id", "causationid", "editof"] {
        event.remove(name);
    }
    let mut hash = Sha256::new();
    hash.update(letter.id.as_str());
    // A map with names of text cannot fail to serialise.
    hash.update(serde_json::to_string(event).unwrap_or_default());
    let id = data_encoding::BASE32_NOPAD.encode(&hash.finalize());
    let id = format!("edit-{}", id[..26].to_ascii_lowercase());
    event.insert("id".to_owned(), id.into());
    event.insert("causationid".to_owned(), original.into());
    event.insert("editof".to_owned(), original.into());
}

/// Returns the message of an edited event: in the form of the original, with its topic, key and headers.
fn message(letter: &DeadLetter, event: &[u8], encoding: Encoding) -> Result<Message, String> {
    let original = &letter.message;
    let named = identified(original, &letter.record.origin.position);
    let mode = match Envelope::read(&named).map(|envelope| envelope.form) {
        Ok(Form::Binary) => Mode::Binary,
        Ok(Form::Protobuf) => Mode::Protobuf,
        Ok(Form::Hexa) => Mode::Hexa,
        Ok(Form::Structured) | Err(_) => Mode::Structured,
    };
    let encoding = Encoding { mode, ..encoding };
    let record = parse_record_to(event, Some(&original.topic), encoding);
    let mut message = record.map_err(|error| error.to_string())?.message;
    message.key.clone_from(&original.key);
    let own = std::mem::take(&mut message.headers);
    let kept = original
        .headers
        .iter()
        .filter(|(name, _)| !crate::event::is_event_header(name));
    let kept = kept.map(|(name, value)| (name.to_owned(), value.cloned()));
    let own = own
        .iter()
        .map(|(name, value)| (name.to_owned(), value.cloned()));
    message.headers = own.chain(kept).collect::<Headers>();
    Ok(message)
}

fn new_letter(letter: &DeadLetter, edit: &str, message: Message) -> DeadLetter {
    let mut record = letter.record.clone();
    let envelope = Envelope::read(&message).ok();
    record.event_id = envelope.as_ref().map(|envelope| envelope.id.to_string());
    record.event_type = envelope.as_ref().map(|envelope| envelope.ty.to_string());
    record.edit_of = Some(letter.id.clone());
    record.edit = Some(edit.to_owned());
    record.foreign = letter.is_foreign;
    let event = record.event_id.clone().unwrap_or_default();
    let position = Position::new(format!("{}/{event}", letter.id));
    DeadLetter {
        id: DeadLetterId::derive("edit", &position, &record.group, record.generation),
        message,
        record,
        at: None,
        is_foreign: letter.is_foreign,
    }
}

/// Returns what differs between two values, by path; the index of an array does not count.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    differing_leaves(before, after, String::new(), (&mut old, &mut new));
    let mut found = BTreeSet::new();
    for (path, values) in &new {
        match old.get(path) {
            None => drop(found.insert(format!("+ {path}"))),
            Some(earlier) if earlier == values => {}
            Some(earlier) => {
                let (from, to) = (kinds(earlier), kinds(values));
                let kinds = if from == to {
                    String::new()
                } else {
                    format!(" {from} -> {to}")
                };
                found.insert(format!("~ {path}{kinds}"));
            }
        }
    }
    let gone = old.keys().filter(|path| !new.contains_key(*path));
    found.extend(gone.map(|path| format!("- {path}")));
    // These change with every edit.
    let is_own =
        |change: &String| ["~ .id", "+ .causationid", "+ .editof"].contains(&change.as_str());
    found.into_iter().filter(|change| !is_own(change)).collect()
}

/// Collects the leaves of members that differ. Elements of arrays share a path, so that an array counts as a whole.
fn differing_leaves(
    before: &Value,
    after: &Value,
    path: String,
    (old, new): (&mut Leaves, &mut Leaves),
) {
    match (before, after) {
        (Value::Object(earlier), Value::Object(later))
            if !earlier.is_empty() && !later.is_empty() =>
        {
            for (name, value) in later {
                let path = format!("{path}.{name}");
                match earlier.get(name) {
                    Some(same) if same == value => {}
                    Some(other) => differing_leaves(other, value, path, (&mut *old, &mut *new)),
                    None => leaves(value, path, new),
                }
            }
            for (name, value) in earlier {
                if !later.contains_key(name) {
                    leaves(value, format!("{path}.{name}"), old);
                }
            }
        }
        _ => {
            leaves(before, path.clone(), old);
            leaves(after, path, new);
        }
    }
}

/// Values by path.
type Leaves = BTreeMap<String, Vec<Value>>;

fn leaves(value: &Value, path: String, found: &mut Leaves) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                leaves(value, format!("{path}.{name}"), found);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for value in values {
                leaves(value, format!("{path}[]"), found);
            }
        }
        leaf => found.entry(path).or_default().push(leaf.clone()),
    }
}

fn kinds(values: &[Value]) -> String {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds: BTreeSet<_> = values.iter().map(kind).collect();
    kinds.into_iter().collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_named_by_path_and_kind() {
        let before = json!({"id": "1", "data": {"amount": "7", "items": [{"n": 1}], "old": true}});
        let after = json!({"id": "2", "data": {"amount": 7, "items": [{"n": 2}], "new": 1}});
        assert_eq!(
            changes(&before, &after),
            [
                "+ .data.new",
                "- .data.old",
                "~ .data.amount string -> number",
                "~ .data.items[].n"
            ]
        );
        assert_eq!(changes(&before, &before), [""; 0]);
    }
}
