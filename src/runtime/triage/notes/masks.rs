//! Masks: paths of a record whose values are not shown. A value that is masked is not shown in the failure either.

use serde_json::{Value, json};

use super::policy::MASK;
use crate::{
    event::{Message, parse_record},
    runtime::{Filter, FilterError, triage::write_dead_letter},
    transport::{DeadLetter, DeadLetterRecord},
};

/// A shorter value is masked only where it stands alone in a text.
const SHORT: usize = 4;

/// Masks, compiled.
#[derive(Debug, Clone)]
pub struct Masks {
    paths: Vec<String>,
    program: Filter,
    values: Filter,
}

impl Masks {
    /// Compiles paths in jq, such as `.event.data.card`; `None` if there are none.
    ///
    /// # Errors
    /// If one is not a path.
    pub fn compile(paths: Vec<String>) -> Result<Option<Self>, FilterError> {
        if paths.is_empty() {
            return Ok(None);
        }
        let mask = |path: &String| format!("(({path}) | select(. != null)) |= \"{MASK}\"");
        let mut steps: Vec<String> = paths.iter().map(mask).collect();
        // A payload beside the event holds the same data once more.
        steps.push(format!("if .message | type == \"object\" then .message |= (if has(\"payload\") or has(\"payload_base64\") then del(.payload_base64) | .payload = \"{MASK}\" else . end) else . end"));
        let values: Vec<_> = paths.iter().map(|path| format!("(({path})?)")).collect();
        let values = format!(
            "[{} | .. | select(type == \"string\" or type == \"number\")]",
            values.join(", ")
        );
        Ok(Some(Self {
            program: Filter::compile(&steps.join(" | "))?,
            values: Filter::compile(&values)?,
            paths,
        }))
    }

    /// Returns the paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Returns the record of a dead letter as JSON, masked.
    ///
    /// # Errors
    /// If a path cannot be applied to it.
    pub fn record(&self, letter: &DeadLetter) -> Result<Vec<u8>, FilterError> {
        let mut record = Vec::new();
        write_dead_letter(&mut record, letter);
        let masked = self.program.transform(&record)?;
        let values = self.values_in(&record)?;
        let Ok(mut masked) = serde_json::from_str::<Value>(&masked) else {
            return Ok(masked.into_bytes());
        };
        if let Some(fields) = masked.get_mut("dead_letter") {
            for name in ["failure", "earlier", "event_id", "event_type"] {
                if let Some(field) = fields.get_mut(name) {
                    hide(field, &values);
                }
            }
        }
        Ok(masked.to_string().into_bytes())
    }

    /// Returns the values that the paths lead to.
    fn values_in(&self, record: &[u8]) -> Result<Vec<String>, FilterError> {
        let values = self.values.transform(record)?;
        let values: Vec<Value> = serde_json::from_str(&values).unwrap_or_default();
        Ok(values.iter().map(text).collect())
    }

    /// Returns a text about a dead letter without the values of it that are masked.
    #[must_use]
    pub fn hide_in(&self, letter: &DeadLetter, text: &str) -> String {
        let mut record = Vec::new();
        write_dead_letter(&mut record, letter);
        let Ok(values) = self.values_in(&record) else {
            return MASK.to_owned();
        };
        let mut text = Value::from(text);
        hide(&mut text, &values);
        self::text(&text)
    }

    /// Returns an event that was made of these dead letters, without what is masked in any of them.
    #[must_use]
    pub fn event_of(&self, letters: &[&DeadLetter], event: &Value) -> String {
        let masked = || {
            let (mut record, mut values) = (Vec::new(), Vec::new());
            for letter in letters {
                record.clear();
                write_dead_letter(&mut record, letter);
                values.extend(self.values_in(&record)?);
            }
            self.event(event, &values)
        };
        masked().unwrap_or_else(|_: FilterError| json!(MASK).to_string())
    }

    /// Returns an event before and after an edit: each is shown without what is masked in either.
    pub(super) fn edit(&self, before: &Value, after: &Value) -> (String, String) {
        let masked = || {
            let mut values = Vec::new();
            for event in [before, after] {
                values.extend(self.values_in(json!({ "event": event }).to_string().as_bytes())?);
            }
            Ok::<_, FilterError>((self.event(before, &values)?, self.event(after, &values)?))
        };
        masked().unwrap_or_else(|_| (MASK.to_owned(), MASK.to_owned()))
    }

    /// Returns an event without what the paths lead to in it, nor these values.
    fn event(&self, event: &Value, values: &[String]) -> Result<String, FilterError> {
        let record = json!({ "event": event }).to_string();
        let masked = self.program.transform(record.as_bytes())?;
        let mut masked: Value = serde_json::from_str(&masked).unwrap_or_default();
        let mut event = masked.get_mut("event").map_or(Value::Null, std::mem::take);
        hide(&mut event, values);
        Ok(event.to_string())
    }

    /// Returns a dead letter as it may be shown. If the masks cannot be applied, nothing of its message and failure is left.
    #[must_use]
    pub fn apply(&self, letter: &DeadLetter) -> DeadLetter {
        let masked = self.record(letter).ok();
        let masked = masked.and_then(|record| read(&record, letter));
        masked.unwrap_or_else(|| hidden(letter))
    }
}

/// Reads a masked record back.
fn read(record: &[u8], letter: &DeadLetter) -> Option<DeadLetter> {
    let record = parse_record(record).ok()?;
    let fields = record.dead_letter?;
    let masked: DeadLetterRecord = serde_json::from_str(fields.get()).ok()?;
    Some(DeadLetter {
        message: Message {
            topic: letter.message.topic.clone(),
            ..record.message
        },
        record: masked,
        ..letter.clone()
    })
}

fn hidden(letter: &DeadLetter) -> DeadLetter {
    let mut letter = letter.clone();
    letter.message = Message::new(letter.message.topic.clone(), MASK);
    let failure = &mut letter.record.failure;
    MASK.clone_into(&mut failure.message);
    failure.detail = None;
    letter.record.earlier.clear();
    letter.record.event_id = None;
    letter
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Masks values in all texts of a field.
fn hide(field: &mut Value, values: &[String]) {
    match field {
        Value::String(text) => {
            for value in values.iter().filter(|value| !value.is_empty()) {
                *text = without(text, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, values)),
        // The fingerprint is a hash, by which dead letters are selected.
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| *name != "fingerprint")
            .for_each(|(_, member)| hide(member, values)),
        _ => {}
    }
}

/// Returns a text without a value; a short one counts only where no letter or digit is beside it.
fn without(text: &str, value: &str) -> String {
    if value.len() >= SHORT {
        return text.replace(value, MASK);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, behind) = (&rest[..at], &rest[at + value.len()..]);
        let ends = |found: Option<char>| found.is_none_or(|found| !found.is_alphanumeric());
        let previous = before
            .chars()
            .next_back()
            .or_else(|| masked.chars().next_back());
        let is_alone = ends(previous) && ends(behind.chars().next());
        masked.push_str(before);
        masked.push_str(if is_alone { MASK } else { value });
        rest = behind;
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_are_masked_where_they_stand_alone() {
        assert_eq!(without("card 4111 declined", "4111"), "card *** declined");
        assert_eq!(
            without("code 17, not 170 or a17", "17"),
            "code ***, not 170 or a17"
        );
        assert_eq!(without("7", "7"), MASK);
        assert_eq!(without("nothing", "7"), "nothing");
    }
}
