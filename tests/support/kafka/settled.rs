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
    let mut numbers = Vec::new();
    let (mut number, mut shift) = (0_i64, 0);
    for byte in STANDARD_NO_PAD.decode(text).unwrap() {
        number |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    let mut at = position;
    let run = |pair: &[i64]| {
        let from = at + pair[0];
        at = from + pair[1];
        (from, at)
    };
    let pairs = numbers.chunks_exact(2);
    pairs.take_while(|pair| pair[1] > 0).map(run).collect()
}
