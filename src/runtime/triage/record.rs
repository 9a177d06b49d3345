//! The JSON record of a dead letter, as `-o json` prints it and filters read it.

use serde::Serialize;

use super::{Fix, LineageStep};
use crate::{
    event::{Message, Stored, write_record, write_record_seen},
    transport::{DeadLetter, DeadLetterId, DeadLetterRecord},
};

#[derive(Serialize)]
struct Fields<'a> {
    id: &'a DeadLetterId,
    #[serde(skip_serializing_if = "Option::is_none")]
    regressed: Option<&'a Fix>,
    #[serde(skip_serializing_if = "<[LineageStep]>::is_empty")]
    lineage: &'a [LineageStep],
    #[serde(flatten)]
    record: &'a DeadLetterRecord,
}

/// Appends the JSON record of a dead letter on one line, without a line break: the message, with the rest under
/// `dead_letter`.
pub fn write_dead_letter(out: &mut Vec<u8>, letter: &DeadLetter) {
    write(out, letter, None, None, &[]);
}

/// Appends the same record, with the lineage of the dead letter under `dead_letter.lineage`, and with the event as people see
/// it, if its data were decoded.
pub fn write_shown(
    out: &mut Vec<u8>,
    letter: &DeadLetter,
    seen: Option<&Message>,
    lineage: &[LineageStep],
) {
    write(out, letter, seen, None, lineage);
}

/// Appends the same record, with the fix that the dead letter is the first to refute, under `dead_letter.regressed`.
pub fn write_listed(out: &mut Vec<u8>, letter: &DeadLetter, regressed: Option<&Fix>) {
    write(out, letter, None, regressed, &[]);
}

fn write(
    out: &mut Vec<u8>,
    letter: &DeadLetter,
    seen: Option<&Message>,
    regressed: Option<&Fix>,
    lineage: &[LineageStep],
) {
    let stored = Stored {
        message: letter.message.clone(),
        position: letter.record.origin.position.clone(),
        time: letter.record.origin.time,
    };
    let fields = Fields {
        id: &letter.id,
        regressed,
        lineage,
        record: &letter.record,
    };
    // Strings, numbers and times cannot fail to serialise.
    let fields = serde_json::to_vec(&fields).unwrap_or_else(|_| b"null".to_vec());
    match seen {
        Some(seen) => write_record_seen(out, &stored, seen, Some(&fields)),
        None => write_record(out, &stored, Some(&fields)),
    }
}
