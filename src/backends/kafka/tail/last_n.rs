//! Finding the last so many records of several partitions, in the order of time.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    backends::kafka::{
        codec::topic_partition::OffsetRange,
        connection::{client::settings::Isolation, handle::Connection},
        read::{partition_reader::PartitionReader, time_merge::TimeMerge},
    },
    transport::{ErrorKind, Result},
};

/// By how much a look goes further back than the one before, where offsets have no records.
const FURTHER: i64 = 4;

/// A partition, and what was found of its end.
struct Lane {
    span: OffsetRange,
    /// The offset from which on it was looked at.
    from: i64,
    found: VecDeque<(SystemTime, i64)>,
}

/// Returns the ends of partitions that hold the last so many records, all taken together.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    whole: Vec<OffsetRange>,
    number: u64,
) -> Result<Vec<OffsetRange>> {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let lane = |span: OffsetRange| Lane {
        from: span.until.unwrap_or(span.from),
        found: VecDeque::new(),
        span,
    };
    let mut lanes: Vec<Lane> = whole.into_iter().map(lane).collect();
    let mut width = i64::try_from(number).unwrap_or(i64::MAX);
    while look(connection, &mut lanes, number, width).await? {
        width = width.saturating_mul(FURTHER);
    }
    Ok(cut(lanes, number))
}

/// Looks further back where too few were found; false if there is no need, or nothing more.
async fn look(
    connection: &Arc<Connection>,
    lanes: &mut [Lane],
    number: usize,
    width: i64,
) -> Result<bool> {
    let mut windows = Vec::new();
    let mut numbers: HashMap<(Arc<str>, i32), usize> = HashMap::new();
    for (index, lane) in lanes.iter_mut().enumerate() {
        if lane.found.len() < number && lane.from > lane.span.from {
            let from = lane.from.saturating_sub(width).max(lane.span.from);
            let until = Some(lane.from);
            numbers.insert((Arc::from(&*lane.span.topic), lane.span.partition), index);
            windows.push(OffsetRange {
                from,
                until,
                ..lane.span.clone()
            });
            lane.from = from;
        }
    }
    if windows.is_empty() {
        return Ok(false);
    }
    let mut before: HashMap<usize, Vec<(SystemTime, i64)>> = HashMap::new();
    let mut reader = PartitionReader::open(connection, windows, Isolation::Committed)?;
    loop {
        let chunk = match reader.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // What retention removes meanwhile is not among the last.
            Err(failed) if failed.kind() == ErrorKind::Gap => continue,
            Err(failed) => return Err(failed),
        };
        for read in chunk {
            if let Some(index) = numbers.get(&(read.topic, read.partition)) {
                let found = before.entry(*index).or_default();
                found.push((read.time, read.offset));
            }
        }
    }
    for (index, found) in before {
        found
            .into_iter()
            .rev()
            .for_each(|place| lanes[index].found.push_front(place));
    }
    Ok(true)
}

/// Lets each partition begin with its first among the last so many.
fn cut(lanes: Vec<Lane>, number: usize) -> Vec<OffsetRange> {
    let mut merge = TimeMerge::new(lanes.len(), usize::MAX);
    for (index, lane) in lanes.iter().enumerate() {
        for (time, offset) in &lane.found {
            merge.push(index, *time, 0, (index, *offset));
        }
    }
    merge.close_all();
    let mut last = VecDeque::new();
    while let Some(place) = merge.pop() {
        last.push_back(place);
        if last.len() > number {
            last.pop_front();
        }
    }
    let mut begins: HashMap<usize, i64> = HashMap::new();
    for (index, offset) in last {
        begins.entry(index).or_insert(offset);
    }
    let spans = lanes.into_iter().enumerate();
    spans
        .filter_map(|(index, lane)| {
            let from = *begins.get(&index)?;
            Some(OffsetRange { from, ..lane.span })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lane(topic: &str, found: &[(u64, i64)]) -> Lane {
        let at = |(second, offset): &(u64, i64)| {
            (
                SystemTime::UNIX_EPOCH + Duration::from_secs(*second),
                *offset,
            )
        };
        Lane {
            span: OffsetRange {
                topic: topic.to_owned(),
                partition: 0,
                from: 0,
                until: Some(100),
            },
            from: 0,
            found: found.iter().map(at).collect(),
        }
    }

    fn begins(lanes: Vec<Lane>, number: usize) -> Vec<(String, i64)> {
        let spans = cut(lanes, number).into_iter();
        spans.map(|span| (span.topic, span.from)).collect()
    }

    #[test]
    fn the_last_are_those_of_all_together() {
        let lanes = || {
            vec![
                lane("a", &[(1, 10), (4, 11), (5, 12)]),
                lane("b", &[(2, 20), (3, 22)]),
            ]
        };
        let named = |pairs: &[(&str, i64)]| -> Vec<(String, i64)> {
            pairs
                .iter()
                .map(|(name, from)| ((*name).to_owned(), *from))
                .collect()
        };
        assert_eq!(begins(lanes(), 2), named(&[("a", 11)]));
        assert_eq!(begins(lanes(), 3), named(&[("a", 11), ("b", 22)]));
        assert_eq!(begins(lanes(), 9), named(&[("a", 10), ("b", 20)]));
        assert_eq!(begins(lanes(), 0), []);
    }
}
