//! What a group has settled: everything before its position, and the runs behind it that the commit's metadata names.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::{raw::Raw, records::Stored};

/// Returns the records of a topic that a group has not settled.
pub fn unsettled(raw: &Raw, group: &str, topic: &str) -> Vec<Stored> {
    let (mut positions, mut settled) = (BTreeMap::new(), BTreeMap::new());
    for commit in raw.commits(group, topic) {
        positions.insert(commit.partition, commit.offset);
        settled.insert(commit.partition, runs(commit.offset, &commit.metadata));
    }
    let mut left = raw.rest(topic, &positions);
    left.retain(|record| {
        let mut runs = settled.get(&record.partition).into_iter().flatten();
        !runs.any(|(from, to)| (*from..*to).contains(&record.offset))
    });
    left
}

/// Reads runs behind a position: gaps and lengths, seven bits a byte, the low ones first. A run of no length is the last:
/// behind it stands which topic this is about.
fn runs(position: i64, metadata: &str) -> Vec<(i64, i64)> {
    let Some(text) = metadata.strip_prefix("1:") else {
        assert_eq!(metadata, "", "metadata of another sort");
        return Vec::new();
    };
    let bytes = STANDARD_NO_PAD.decode(text).unwrap();
    let (mut runs, mut at, mut rest) = (Vec::new(), position, &bytes[..]);
    while let Some((gap, length)) = number(&mut rest).zip(number(&mut rest))
        && length > 0
    {
        let from = at + gap;
        at = from + length;
        runs.push((from, at));
    }
    runs
}

fn number(rest: &mut &[u8]) -> Option<i64> {
    let (mut number, mut shift) = (0_i64, 0);
    loop {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= i64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}
