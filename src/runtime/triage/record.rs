//! The record of a dead letter, as `-o json` shows it and filters see it.

use serde::Serialize;

use crate::{
    event::{Stored, write_record},
    transport::{DeadLetter, LetterId, LetterRecord},
};

#[derive(Serialize)]
struct Story<'a> {
    id: &'a LetterId,
    #[serde(flatten)]
    record: &'a LetterRecord,
}

/// Appends the record of a letter as one line without its line break: the message, and its story under
/// `dead_letter`.
pub fn write_letter(out: &mut Vec<u8>, letter: &DeadLetter) {
    let stored = Stored {
        message: letter.message.clone(),
        position: letter.record.origin.position.clone(),
        time: letter.record.origin.time,
    };
    let story = Story {
        id: &letter.id,
        record: &letter.record,
    };
    // Strings, numbers and times only: nothing in it can fail to serialise.
    let story = serde_json::to_vec(&story).unwrap_or_else(|_| b"null".to_vec());
    write_record(out, &stored, Some(&story));
}
