//! Repair: another event in place of that of a dead letter.
//!
//! A replay edits as it goes: each step of the job publishes what the events become, and archives the originals. Its editor is
//! called twice for each dead letter, when the plan is made and when it is replayed.
//!
//! By hand, an edited dead letter is a new one beside its original, with an id that follows from both, so that editing twice stores
//! one. The original is archived. Both are noted before the first of them happens: a crash in between leaves the original archived
//! and the edited one missing, which the next edit finds and undoes.

mod changes;
mod editor;
mod report;

use std::collections::HashMap;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

pub(super) use self::editor::{JobEdit, PlannedEvents};
pub use self::{
    editor::ReplayEditor,
    report::{EditRefusal, EditReport, EditShape},
};
use crate::{
    event::{
        Encoding, Envelope, Form, Headers, Message, Mode, Position, identified, parse_record_to,
        write_event_of,
    },
    transport::{DeadLetter, DeadLetterId, MessageDigest},
};

/// The members of an edited event that are not the edit's.
const NAMES: [&str; 3] = ["id", "causationid", "editof"];

/// Makes another event of a dead letter: gets its record as JSON, returns the event as JSON.
pub type EditEvent<'a> = dyn FnMut(&DeadLetter, &[u8]) -> Result<Vec<u8>, String> + Send + 'a;

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

/// An edited dead letter beside its original.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) letter: DeadLetter,
    before: Value,
    after: Value,
    name: Named,
}

/// What an edit reads of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All of its record.
    Record,
    /// A record with nothing but the event, which takes a third of the time to write and to parse.
    Event,
}

/// The event of a dead letter before and after an edit, and the message that it becomes.
#[derive(Debug)]
struct EditedEvent {
    message: Message,
    before: Value,
    /// Without its name.
    after: Value,
    name: Named,
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
    let edited = edit_event(letter, encoding, (Scope::Record, event))?;
    Ok(Edited {
        letter: new_letter(letter, edit, edited.message),
        before: edited.before,
        after: edited.after,
        name: edited.name,
    })
}

/// Edits the event of a dead letter.
fn edit_event(
    letter: &DeadLetter,
    encoding: Encoding,
    (scope, event): (Scope, &mut EditEvent<'_>),
) -> Result<EditedEvent, String> {
    let original = identified(&letter.message, &letter.record.origin.position);
    let mut record = Vec::with_capacity(original.bytes().len() + 64);
    record.extend_from_slice(b"{\"event\":");
    let start = record.len();
    let is_payload = write_event_of(&mut record, &original);
    let json =
        |text: &[u8]| serde_json::from_slice::<Value>(text).map_err(|error| error.to_string());
    let before = json(&record[start..])?;
    if !before.is_object() {
        return Err("it is not a CloudEvent".to_owned());
    }
    match scope {
        Scope::Event => record.push(b'}'),
        Scope::Record => {
            record.clear();
            super::write_dead_letter(&mut record, letter);
        }
    }
    let edited = event(letter, &record)?;
    let after = json(&edited).map_err(|error| format!("the edited event is not JSON: {error}"))?;
    if after == before {
        return Err("the edit changes nothing".to_owned());
    }
    let Value::Object(mut after) = after else {
        return Err("the edited event is not an object".to_owned());
    };
    let id = before.get("id").and_then(Value::as_str).unwrap_or_default();
    let (name, text) = Named::new(&mut after, letter, id);
    let mode = if is_payload {
        Mode::Structured
    } else {
        mode_of(&original)
    };
    let encoding = Encoding { mode, ..encoding };
    Ok(EditedEvent {
        message: message(&letter.message, text.as_bytes(), encoding)?,
        before,
        after: Value::Object(after),
        name,
    })
}

/// What an edited event is named: its own id, which follows from the original and the content, and that of the original.
#[derive(Debug)]
struct Named {
    id: String,
    original: String,
}

impl Named {
    /// Names an event, and returns it as JSON. `event` is left without the members that are its name.
    fn new(event: &mut Map<String, Value>, letter: &DeadLetter, original: &str) -> (Self, String) {
        for name in NAMES {
            event.remove(name);
        }
        // A map with names of text cannot fail to serialise.
        let content = serde_json::to_string(event).unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(letter.id.as_str());
        hash.update(&content);
        let id = data_encoding::BASE32_NOPAD.encode(&hash.finalize());
        let named = Self {
            id: format!("edit-{}", id[..26].to_ascii_lowercase()),
            original: original.to_owned(),
        };
        let original = Value::from(original);
        let id = &named.id;
        let mut text = format!(r#"{{"id":"{id}","causationid":{original},"editof":{original}"#);
        match content.get(1..) {
            Some(rest) if !event.is_empty() => {
                text.push(',');
                text.push_str(rest);
            }
            _ => text.push('}'),
        }
        (named, text)
    }

    /// Returns an event with its name.
    fn of(&self, event: &Value) -> Value {
        let mut event = event.clone();
        let values = [&self.id, &self.original, &self.original];
        for (name, value) in NAMES.into_iter().zip(values) {
            event[name] = value.as_str().into();
        }
        event
    }
}

/// Returns the form of a message.
fn mode_of(message: &Message) -> Mode {
    match Envelope::read(message).map(|envelope| envelope.form) {
        Ok(Form::Binary) => Mode::Binary,
        Ok(Form::Protobuf) => Mode::Protobuf,
        Ok(Form::Hexa) => Mode::Hexa,
        Ok(Form::Structured) | Err(_) => Mode::Structured,
    }
}

/// Returns the message of an edited event, with topic, key and headers of the original.
fn message(original: &Message, event: &[u8], encoding: Encoding) -> Result<Message, String> {
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
