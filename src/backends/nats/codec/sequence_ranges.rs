//! Sequences as ranges: consecutive ones are serialized as a pair of the first and the last.

use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

pub(crate) fn serialize<S: Serializer>(numbers: &[u64], to: S) -> Result<S::Ok, S::Error> {
    let next = |before: &u64, after: &u64| before + 1 == *after;
    let ranges = numbers.chunk_by(next).filter_map(|range| {
        let (first, last) = (range.first()?, range.last()?);
        Some((*first, *last))
    });
    ranges.collect::<Vec<_>>().serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let ranges = Vec::<(u64, u64)>::deserialize(from)?;
    Ok(ranges
        .into_iter()
        .flat_map(|(first, last)| first..=last)
        .collect())
}
