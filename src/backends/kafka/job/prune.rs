//! Deletion of resolved letters: Kafka deletes the beginning of a partition, never a record in its midst.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rdkafka::{Offset, TopicPartitionList};

use super::worker::Worker;
use crate::{
    backends::kafka::{
        codec::{
            record::FetchedRecord,
            topic_partition::{RecordPlace, TopicPartition, Watermarks},
        },
        connection::{
            admin,
            handle::{self, Connection},
        },
        dead_letter::{
            resolved,
            state_records::{Receipt, RetainedReceipt},
            state_topic,
        },
        error,
        read::partition_queues::PartitionQueues,
    },
    failpoint,
    transport::Result,
};

/// The most records that are read one by one.
const LOOKS: usize = 1000;
/// With more letters left than this, receipts are kept: searching all of them for copies would take too long.
const LEFT: i64 = 50_000;
/// How long after a letter its copy may still come, from a consumer that crashed and comes back.
const LATE: Duration = Duration::from_hours(24);
/// The most receipts that are ended at a time.
const ENDED: usize = 1000;

type Place = (String, i32);

/// Deletes the beginning of each partition as far as all of it is resolved, and the receipts whose letters are all gone.
pub(crate) async fn prune(connection: &Arc<Connection>, worker: &mut Worker) -> Result<()> {
    let places = worker.resolved.partitions();
    let mut places: Vec<Place> = places
        .map(|(topic, part)| (topic.to_owned(), part))
        .collect();
    // Topics may have been deleted since.
    for place in std::mem::take(&mut places) {
        if connection
            .topics
            .partitions(&place.0)
            .await?
            .is_some_and(|count| place.1 < count)
        {
            places.push(place);
        }
    }
    let bounds = connection.topics.watermarks(places.clone()).await?;
    let mut left: HashMap<Place, Watermarks> = places.into_iter().zip(bounds).collect();
    let mut gone = TopicPartitionList::new();
    for (place, bounds) in &mut left {
        // Other programs may still read what they stored.
        let is_own = connection.names().origin_of(&place.0).is_some();
        if !is_own || !worker.touched.contains(place) {
            continue;
        }
        let end = resolved_prefix(connection, worker, place, *bounds).await?;
        if end > bounds.low {
            gone.add_partition_offset(&place.0, place.1, Offset::Offset(end))
                .map_err(|failed| error::from_kafka(failed, "deleting records"))?;
            bounds.low = end;
        }
    }
    if gone.count() > 0 {
        admin::delete_before(connection.admin().await?, &connection.config, &gone).await?;
        failpoint::reach("kafka.prefix_deleted");
    }
    end_receipts(connection, worker, &left).await
}

/// Returns the first offset whose letter is not resolved.
async fn resolved_prefix(
    connection: &Arc<Connection>,
    worker: &Worker,
    (topic, partition): &Place,
    bounds: Watermarks,
) -> Result<i64> {
    let skip = |mut at: i64| {
        let ranges = worker.resolved.ranges(topic, *partition);
        while let Some(end) = ranges.and_then(|ranges| ranges.end(at)) {
            at = end;
        }
        at
    };
    let mut at = skip(bounds.low);
    // A resolved letter may be followed by a copy of another one.
    for _ in 0..LOOKS {
        if at >= bounds.high {
            break;
        }
        let Some((offset, id)) = first_from(connection, worker, (topic, *partition), at).await?
        else {
            return Ok(bounds.high);
        };
        let place = RecordPlace {
            topic,
            partition: *partition,
            offset,
        };
        let is_over = offset >= bounds.high;
        let is_dealt_with = id.is_some_and(|id| worker.resolved.contains(id, place));
        if is_over || !is_dealt_with {
            return Ok(offset.min(bounds.high));
        }
        at = skip(offset + 1);
    }
    Ok(at.min(bounds.high))
}

/// Returns the offset and the id of the first letter from an offset on.
async fn first_from(
    connection: &Arc<Connection>,
    worker: &Worker,
    (topic, partition): (&str, i32),
    from: i64,
) -> Result<Option<(i64, Option<u64>)>> {
    let (config, topic): (_, Arc<str>) = (connection.config.clone(), topic.into());
    let read = handle::blocking(move || {
        let mut lane =
            PartitionQueues::new(&config, 1)?.open(&TopicPartition::new(topic, partition), from)?;
        lane.next(|topic, record| FetchedRecord::copy(Arc::clone(topic), record))
    });
    let mut decoder = worker.decoder.clone();
    Ok(read.await?.map(|read| {
        let offset = read.offset;
        let found = decoder.decode(read);
        (
            offset,
            found.map(|found| resolved::compact_id(&found.letter.id)),
        )
    }))
}

/// Ends receipts that are old, and whose letters were deleted and have no copy.
async fn end_receipts(
    connection: &Arc<Connection>,
    worker: &mut Worker,
    left: &HashMap<Place, Watermarks>,
) -> Result<()> {
    let now = SystemTime::now();
    let old = worker.receipts.iter();
    let old = old.filter(|(_, kept)| is_past(kept, now, left)).take(ENDED);
    let old: Vec<(i64, RetainedReceipt)> =
        old.map(|(offset, kept)| (*offset, kept.clone())).collect();
    let remaining: i64 = left.values().map(|bounds| bounds.high - bounds.low).sum();
    if old.is_empty() || remaining > LEFT {
        return Ok(());
    }
    let there = names_left(connection, worker, left).await?;
    let (fetcher, topic) = (
        Arc::clone(&worker.fetcher),
        connection.names().state_topic(),
    );
    let offsets: Vec<i64> = old.iter().map(|(offset, _)| *offset).collect();
    let receipts =
        handle::blocking(move || fetcher.read(&TopicPartition::new(topic, 0), &offsets)).await?;
    let mut ends = Vec::new();
    for read in receipts {
        let receipt = read
            .payload
            .as_deref()
            .map(serde_json::from_slice::<Receipt>);
        let (Some(Ok(receipt)), Some(key)) = (receipt, read.key) else {
            continue;
        };
        let mut ids = receipt.letters.iter().flat_map(|dealt| &dealt.ids);
        if ids.all(|id| !there.contains(&resolved::compact_id(id))) {
            ends.push(state_topic::tombstone(
                connection,
                String::from_utf8_lossy(&key),
            ));
        }
    }
    state_topic::write(connection, ends).await?;
    Ok(())
}

fn is_past(kept: &RetainedReceipt, now: SystemTime, left: &HashMap<Place, Watermarks>) -> bool {
    let age = now.duration_since(kept.time).unwrap_or_default();
    let is_deleted = |(topic, partition, last): &(String, i32, i64)| {
        let bounds = left.get(&(topic.clone(), *partition));
        bounds.is_none_or(|bounds| *last < bounds.low)
    };
    age > LATE && kept.last.iter().all(is_deleted)
}

async fn names_left(
    connection: &Arc<Connection>,
    worker: &Worker,
    left: &HashMap<Place, Watermarks>,
) -> Result<HashSet<u64>> {
    let config = connection.config.clone();
    let mut decoder = worker.decoder.clone();
    let left: Vec<(Place, Watermarks)> = left.iter().map(|(p, b)| (p.clone(), *b)).collect();
    handle::blocking(move || {
        let client = PartitionQueues::new(&config, left.len())?;
        let mut names = HashSet::new();
        for ((topic, partition), bounds) in left {
            if bounds.low >= bounds.high {
                continue;
            }
            let mut lane = client.open(&TopicPartition::new(topic, partition), bounds.low)?;
            while let Some(read) =
                lane.next(|topic, record| FetchedRecord::copy(Arc::clone(topic), record))?
            {
                let found = decoder.decode(read);
                names.extend(found.map(|found| resolved::compact_id(&found.letter.id)));
            }
        }
        Ok(names)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_end_once_they_are_old_and_speak_of_nothing_that_is_there() {
        let kept = RetainedReceipt {
            time: SystemTime::UNIX_EPOCH,
            last: vec![("order.dlq".to_owned(), 0, 6)],
        };
        let late = SystemTime::UNIX_EPOCH + LATE;
        let later = late + Duration::from_secs(1);
        let left =
            |low| HashMap::from([(("order.dlq".to_owned(), 0), Watermarks { low, high: 9 })]);
        assert!(is_past(&kept, later, &left(7)));
        assert!(!is_past(&kept, later, &left(6)), "its last letter is there");
        assert!(!is_past(&kept, late, &left(7)), "a copy may come");
    }
}
