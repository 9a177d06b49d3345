//! Export: dead letters on lines of NDJSON, each with a checksum, and the same lines read again.
//!
//! A line is the record of `pf dlq list -o json` with a last member `checksum`: the SHA-256 of the line without that member. The
//! last line of an export holds the number of dead letters, so that one that was cut off is noticed.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::write_dead_letter;
use crate::{
    event::parse_record,
    transport::{DeadLetter, DeadLetterId, DeadLetterRecord},
};

/// What separates a record from its checksum.
const CHECKSUM: &str = r#","checksum":"sha256:"#;

/// Appends a dead letter as a line of an export, with its line break.
pub fn write_exported(out: &mut Vec<u8>, letter: &DeadLetter) {
    let start = out.len();
    write_dead_letter(out, letter);
    seal(out, start);
}

/// Appends the last line of an export, which holds the number of dead letters.
pub fn write_export_end(out: &mut Vec<u8>, letters: u64) {
    let start = out.len();
    out.extend_from_slice(format!(r#"{{"end":{{"dead_letters":{letters}}}}}"#).as_bytes());
    seal(out, start);
}

/// Appends a record that was masked as a line of an export: it can be read, and never be imported.
///
/// `record` is an object on one line.
pub fn write_masked(out: &mut Vec<u8>, record: &[u8], paths: &[&str]) {
    let start = out.len();
    out.extend_from_slice(record);
    out.pop();
    out.extend_from_slice(br#","masked":"#);
    // Strings cannot fail to serialise.
    let paths = serde_json::to_vec(paths).unwrap_or_else(|_| b"[]".to_vec());
    out.extend_from_slice(&paths);
    out.push(b'}');
    seal(out, start);
}

/// Adds the checksum to the object that begins at `start`, and a line break.
fn seal(out: &mut Vec<u8>, start: usize) {
    let sum = checksum(&out[start..]);
    out.pop();
    out.extend_from_slice(CHECKSUM.as_bytes());
    out.extend_from_slice(sum.as_bytes());
    out.extend_from_slice(b"\"}\n");
}

fn checksum(object: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(object))
}

/// A line of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum Exported {
    /// A dead letter.
    DeadLetter(Box<DeadLetter>),
    /// The end, with the number of dead letters before it.
    End(u64),
}

/// An error of a line that is not one of an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It has no checksum.
    #[error("it has no checksum: it is not a line of `pf dlq export`, or was cut off")]
    Unsealed,
    /// The checksum is of another line.
    #[error("its checksum does not match: the line was changed")]
    Changed,
    /// The dead letter was masked.
    #[error("it was masked and cannot be replayed")]
    Masked,
    /// It holds no dead letter.
    #[error("it holds no dead letter: {0}")]
    Invalid(String),
}

#[derive(Deserialize)]
struct Line {
    end: Option<End>,
    masked: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct End {
    dead_letters: u64,
}

#[derive(Deserialize)]
struct Id {
    id: DeadLetterId,
}

/// Reads a line of an export, byte for byte as it was written.
///
/// # Errors
/// If the line was changed, cut off, masked, or is not one of an export.
pub fn read_exported(line: &str) -> Result<Exported, ExportError> {
    let object = unseal(line.trim_start_matches('\u{feff}').trim_end())?;
    let invalid = |error: serde_json::Error| ExportError::Invalid(error.to_string());
    let known: Line = serde_json::from_str(&object).map_err(invalid)?;
    if let Some(end) = known.end {
        return Ok(Exported::End(end.dead_letters));
    }
    if known.masked.is_some() {
        return Err(ExportError::Masked);
    }
    let record = parse_record(object.as_bytes());
    let record = record.map_err(|error| ExportError::Invalid(error.to_string()))?;
    let fields = record
        .dead_letter
        .as_ref()
        .map_or("null", |json| json.get());
    // Not flattened into one: serde_json's exact numbers do not survive that.
    let Id { id } = serde_json::from_str(fields).map_err(invalid)?;
    let story: DeadLetterRecord = serde_json::from_str(fields).map_err(invalid)?;
    Ok(Exported::DeadLetter(Box::new(DeadLetter {
        id,
        message: record.message,
        at: None,
        is_foreign: story.foreign,
        record: story,
    })))
}

/// Returns the object without its checksum, if that matches.
fn unseal(line: &str) -> Result<String, ExportError> {
    let (object, sum) = line.rsplit_once(CHECKSUM).ok_or(ExportError::Unsealed)?;
    let sum = sum.strip_suffix("\"}").ok_or(ExportError::Unsealed)?;
    let object = format!("{object}}}");
    if checksum(object.as_bytes()) != sum {
        return Err(ExportError::Changed);
    }
    Ok(object)
}
