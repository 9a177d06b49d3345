//! The offsets of the last N records of several partitions, by time. Offsets are not counts (transaction markers and
//! compaction leave gaps), so each partition is read from its end, further back until enough records were found.

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

/// The factor by which a look goes further back than the one before.
const FURTHER: i64 = 4;

/// A partition, and the records that were found at its end.
struct Window {
    span: OffsetRange,
    /// The offset from which on it was read.
    from: i64,
    found: VecDeque<(SystemTime, i64)>,
}

/// Returns the ranges at the ends of partitions that hold the last `number` records of all of them together.
pub(crate) async fn last_n(
    connection: &Arc<Connection>,
    whole: Vec<OffsetRange>,
    number: u64,
) -> Result<Vec<OffsetRange>> {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let window = |span: OffsetRange| Window {
        from: span.until.unwrap_or(span.from),
        found: VecDeque::new(),
        span,
    };
    let mut windows: Vec<Window> = whole.into_iter().map(window).collect();
    let mut width = i64::try_from(number).unwrap_or(i64::MAX);
    while widen(connection, &mut windows, number, width).await? {
        width = width.saturating_mul(FURTHER);
    }
    Ok(take_last(windows, number))
}

/// Reads further back where too few records were found; false if that is not needed, or nothing is left.
async fn widen(
    connection: &Arc<Connection>,
    windows: &mut [Window],
    number: usize,
    width: i64,
) -> Result<bool> {
    let mut ranges = Vec::new();
    let mut numbers: HashMap<(Arc<str>, i32), usize> = HashMap::new();
    for (index, window) in windows.iter_mut().enumerate() {
        if window.found.len() < number && window.from > window.span.from {
            let from = window.from.saturating_sub(width).max(window.span.from);
            let until = Some(window.from);
            numbers.insert(
                (Arc::from(&*window.span.topic), window.span.partition),
                index,
            );
            ranges.push(OffsetRange {
                from,
                until,
                ..window.span.clone()
            });
            window.from = from;
        }
    }
    if ranges.is_empty() {
        return Ok(false);
    }
    let mut before: HashMap<usize, Vec<(SystemTime, i64)>> = HashMap::new();
    let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
    loop {
        let chunk = match reader.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // Records that retention removes meanwhile are not among the last.
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
            .for_each(|place| windows[index].found.push_front(place));
    }
    Ok(true)
}

/// Starts each partition at its first record among the last `number`.
fn take_last(windows: Vec<Window>, number: usize) -> Vec<OffsetRange> {
    let mut merge = TimeMerge::new(windows.len(), usize::MAX);
    for (index, window) in windows.iter().enumerate() {
        for (time, offset) in &window.found {
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
    let mut starts: HashMap<usize, i64> = HashMap::new();
    for (index, offset) in last {
        starts.entry(index).or_insert(offset);
    }
    let spans = windows.into_iter().enumerate();
    spans
        .filter_map(|(index, window)| {
            let from = *starts.get(&index)?;
            Some(OffsetRange {
                from,
                ..window.span
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn window(topic: &str, found: &[(u64, i64)]) -> Window {
        let at = |(second, offset): &(u64, i64)| {
            (
                SystemTime::UNIX_EPOCH + Duration::from_secs(*second),
                *offset,
            )
        };
        Window {
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

    fn starts(windows: Vec<Window>, number: usize) -> Vec<(String, i64)> {
        let spans = take_last(windows, number).into_iter();
        spans.map(|span| (span.topic, span.from)).collect()
    }

    #[test]
    fn the_last_are_those_of_all_together() {
        let windows = || {
            vec![
                window("a", &[(1, 10), (4, 11), (5, 12)]),
                window("b", &[(2, 20), (3, 22)]),
            ]
        };
        let named = |pairs: &[(&str, i64)]| -> Vec<(String, i64)> {
            pairs
                .iter()
                .map(|(name, from)| ((*name).to_owned(), *from))
                .collect()
        };
        assert_eq!(starts(windows(), 2), named(&[("a", 11)]));
        assert_eq!(starts(windows(), 3), named(&[("a", 11), ("b", 22)]));
        assert_eq!(starts(windows(), 9), named(&[("a", 10), ("b", 20)]));
        assert_eq!(starts(windows(), 0), []);
    }
}
