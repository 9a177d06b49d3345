//! Records that are gone before they were read: how that is told, and how reading goes on behind them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode as Code,
};

use super::partition::{Kind, Part, PartId};
use crate::{
    backends::kafka::{
        connection::{
            client::topic_ids::TopicIdentity,
            handle::{self, Watermarks},
        },
        consume::{
            offsets::offset_tracker::Tracker, poll_loop::Pump, session::Shared, state::Desk,
        },
        error::{self, error},
        read::partition_reader::ReaderThread,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// How long what was fetched may take to come, and the pause after a failure.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often, at the most, it is looked whether the client stopped somewhere without a word.
const SUSPECT: Duration = Duration::from_secs(10);

/// Reports whether the error says that records are gone; the client then reads the partition no further.
pub(crate) fn is_gap(failed: &KafkaError) -> bool {
    matches!(
        failed.rdkafka_error_code(),
        Some(Code::AutoOffsetReset | Code::OffsetOutOfRange)
    )
}

/// What is missing of a partition.
#[derive(Debug)]
pub(crate) enum Gap {
    /// Retention removed what came next.
    Removed(TransportError),
    /// The log ends before what came next.
    Cut(TransportError),
}

impl Gap {
    /// Looks whether what comes next is there, or will be.
    pub(crate) fn find(topic: &str, partition: i32, next: i64, bounds: Watermarks) -> Option<Self> {
        if next < bounds.low {
            return Some(Self::Removed(removed(topic, partition, next, bounds.low)));
        }
        if next <= bounds.high {
            return None;
        }
        let message = format!(
            "`{topic}`, partition {partition}, ends at offset {}, and was read up to {next} before: its broker \
             lost records, or the topic was made anew; it is read again from its beginning",
            bounds.high
        );
        let hint = "where brokers lose records, see `min.insync.replicas` and `unclean.leader.election.enable`";
        Some(Self::Cut(error(ErrorKind::Gap, message).hint(hint)))
    }

    pub(crate) fn told(self) -> TransportError {
        match self {
            Self::Removed(told) | Self::Cut(told) => told,
        }
    }
}

/// Returns the error of records that retention removed.
pub(crate) fn removed(topic: &str, partition: i32, from: i64, to: i64) -> TransportError {
    let count = to - from;
    let message = format!(
        "retention removed {count} records of `{topic}`, partition {partition}, before they were read"
    );
    error(ErrorKind::Gap, message).hint("raise the topic's `retention.ms`, or read more often")
}

/// Returns the error of a topic that was deleted and created again after a partition had been read up to an offset.
pub(crate) fn recreated(
    topic: &str,
    partition: i32,
    read: i64,
    bounds: Watermarks,
) -> TransportError {
    let count = bounds.high - bounds.low;
    let message = format!(
        "`{topic}` was deleted and created again after partition {partition} had been read up to offset {read}: what was \
         not read of the old topic is gone, and the new one, of {count} records so far, is read from its beginning"
    );
    error(ErrorKind::Gap, message)
}

/// Reads on at an offset of a partition that the client may have given up; in one of those it seeks nothing any more.
pub(crate) fn go_on<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<()> {
    let begin = || -> KafkaResult<()> {
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        // What was given up already cannot be given up again; then only the other half is left to do.
        let _ = client.incremental_unassign(&place);
        client.incremental_assign(&place)
    };
    begin().map_err(|failed| error::from_kafka(failed, "reading"))
}

/// Partitions of a member in one of which the client may have stopped; it does not say in which.
#[derive(Debug)]
pub(crate) struct Torn {
    /// Whether it did in one of them.
    is_sure: bool,
    /// How far each was seen when it stopped; it is looked at once all has come that was fetched by then.
    seen: Option<HashMap<PartId, i64>>,
    /// When that is taken for granted, once it is known how far each was.
    until: Instant,
    /// After a failure, not before this.
    again: Instant,
}

impl Torn {
    pub(crate) fn new(is_sure: bool) -> Self {
        let now = Instant::now();
        Self {
            is_sure,
            seen: None,
            until: now + PATIENCE,
            again: now,
        }
    }
}

impl Shared {
    /// Asks for the bounds of a partition, with what an open transaction hides: others may have committed a position behind
    /// that, and what is bounded waits for it. Blocks.
    pub(crate) fn bounds(&self, (name, partition): (&str, i32)) -> Result<Watermarks> {
        self.connection.whole(name, partition)
    }
}

impl Pump {
    /// Goes on where the client stopped: in a partition that gave nothing more. Reports whether it did something: what the
    /// client tells of positions is old then.
    pub(crate) fn mend(&mut self, is_idle: bool) -> Result<bool> {
        self.suspect();
        let Some(torn) = &self.torn else {
            return Ok(false);
        };
        let Some(seen) = &torn.seen else {
            // The client may be further where there are no records.
            self.look_around()?;
            let parts = &self.shared.desk().parts;
            let seen = parts.iter().map(|(id, part)| (*id, part.kind.seen()));
            let seen = seen.collect();
            if let Some(torn) = &mut self.torn {
                torn.seen = Some(seen);
                torn.until = Instant::now() + PATIENCE;
            }
            return Ok(false);
        };
        let now = Instant::now();
        if now < torn.again || !is_idle && now < torn.until {
            return Ok(false);
        }
        let is_sure = torn.is_sure;
        let mut left = seen.clone();
        let mended = self.go_on_in(&mut left, is_sure);
        self.torn = (!left.is_empty()).then(|| Torn {
            seen: Some(left),
            again: Instant::now() + PATIENCE,
            ..Torn::new(is_sure)
        });
        mended.map(|()| true)
    }

    /// Looks now and then whether the client stopped somewhere without a word.
    fn suspect(&mut self) {
        let is_bounded = self.client.context().course.until_end;
        if self.torn.is_none()
            && self.suspected.elapsed() > SUSPECT
            // A log that lost its end gives nothing more, and no error either.
            && (std::mem::take(&mut self.shared.desk().suspect) || is_bounded)
        {
            self.suspected = Instant::now();
            self.torn = Some(Torn::new(false));
        }
    }

    /// Goes on in partitions, and takes out those that are dealt with.
    fn go_on_in(&mut self, left: &mut HashMap<PartId, i64>, is_sure: bool) -> Result<()> {
        for (id, next) in left.clone() {
            match self.go_on(id, next, is_sure) {
                // Whoever does not answer now is not asked about the others either.
                Err(failed) if is_sure && failed.is_transient() => return Err(failed),
                Err(failed) if failed.is_transient() => {
                    tracing::debug!(%failed, "it is looked again later");
                    self.shared.desk().suspect = true;
                    left.clear();
                    return Ok(());
                }
                Err(failed) => tracing::debug!(%failed, "a partition is left as it is"),
                Ok(()) => {}
            }
            left.remove(&id);
        }
        Ok(())
    }

    /// Goes on in a partition of which nothing came, if this is it.
    fn go_on(&self, id: PartId, next: i64, is_sure: bool) -> Result<()> {
        let (name, partition, is_retried) = match self.shared.desk().parts.get(&id) {
            Some(part) if part.kind.seen() == next && !part.kind.is_passed() => {
                let is_retried = matches!(part.kind, Kind::Retries(_));
                (Arc::clone(&part.name), part.partition, is_retried)
            }
            _ => return Ok(()),
        };
        let place = (&*name, partition);
        let bounds = self.shared.bounds(place)?;
        let gap = Gap::find(&name, partition, next, bounds);
        if gap.is_none() && !is_sure && next >= bounds.high {
            self.shared.desk().ends_by(id, bounds.high);
            return Ok(());
        }
        let is_cut = matches!(gap, Some(Gap::Cut(_)));
        let told = gap.map(Gap::told);
        let offset = if is_cut {
            bounds.low
        } else {
            next.max(bounds.low)
        };
        if is_cut && is_retried {
            // What waits in it is made out anew when it comes back.
            self.leave();
            return Ok(());
        }
        self.seek(id, (&name, partition), offset)?;
        let identity = self.client.context().identity(&name);
        let mut desk = self.shared.desk();
        desk.ends_by(id, bounds.high);
        if is_cut {
            desk.begins_anew(id, offset, identity);
        } else {
            desk.passes(id, offset);
        }
        drop(desk);
        if let Some(told) = told.filter(|_| !is_retried) {
            self.shared.fail(told);
        }
        Ok(())
    }

    /// Reads on at an offset of a partition of ours.
    pub(crate) fn seek(
        &self,
        id: PartId,
        (name, partition): (&str, i32),
        offset: i64,
    ) -> Result<()> {
        match self.client.rebalance_protocol() {
            RebalanceProtocol::Eager => self.assign_anew(id, offset),
            _ => go_on(&self.client, name, partition, offset),
        }
    }

    /// Reads on at an offset where all partitions can be assigned only together.
    fn assign_anew(&self, id: PartId, offset: i64) -> Result<()> {
        let assign = || -> KafkaResult<()> {
            let mut places = TopicPartitionList::new();
            for (other, part) in &self.shared.desk().parts {
                let is_other = *other != id;
                let next = if is_other { part.kind.seen() } else { offset };
                places.add_partition_offset(&part.name, part.partition, Offset::Offset(next))?;
            }
            self.client.assign(&places)
        };
        assign().map_err(|failed| error::from_kafka(failed, "reading"))
    }
}

impl ReaderThread {
    /// Goes on behind what is gone, and tells of it.
    pub(crate) fn skip_gaps(&mut self) -> Result<()> {
        let positions = self
            .client
            .position()
            .map_err(|failed| error::from_kafka(failed, "reading"))?;
        let mut told = Vec::new();
        for span in self.open.values_mut() {
            let (topic, partition) = (&*span.topic, span.partition);
            let bounds = handle::bounds(&self.client, &self.config, topic, partition)?;
            let next = match positions.find_partition(topic, partition) {
                Some(place) if let Offset::Offset(next) = place.offset() => next,
                _ => span.from,
            };
            let gap = Gap::find(topic, partition, next, bounds);
            span.from = match &gap {
                // What is there now is not what was to be read until there.
                Some(Gap::Cut(_)) if let Some(until) = span.until => until,
                Some(_) => bounds.low,
                None => next,
            };
            if !span.is_empty() {
                go_on(&self.client, topic, partition, span.from)?;
            }
            told.extend(gap.map(Gap::told));
        }
        self.tell(told);
        Ok(())
    }
}

impl Desk {
    /// Notes where the log of a partition ends: a bounded membership waits for nothing behind that.
    pub(crate) fn ends_by(&mut self, id: PartId, high: i64) {
        if let Some(Kind::Messages { end: Some(end), .. }) =
            self.parts.get_mut(&id).map(|part| &mut part.kind)
        {
            *end = high.min(*end);
        }
    }

    /// Notes that a partition is read on behind a gap.
    fn passes(&mut self, id: PartId, offset: i64) {
        if let Some(part) = self.parts.get_mut(&id) {
            part.kind.saw(offset);
        }
    }

    /// Notes that a partition is read from its beginning, as if it had just become ours; which topic it is may be known.
    pub(crate) fn begins_anew(&mut self, id: PartId, offset: i64, identity: Option<TopicIdentity>) {
        let Some(part) = self.parts.get(&id) else {
            return;
        };
        let Kind::Messages { topic, end, .. } = &part.kind else {
            return;
        };
        let mut tracker = Tracker::new(offset, "").under(identity);
        tracker.begins_here();
        let part = Part {
            name: Arc::clone(&part.name),
            partition: part.partition,
            kind: Kind::Messages {
                topic: topic.clone(),
                tracker,
                end: *end,
            },
        };
        self.disown(&HashSet::from([id]));
        self.own(part);
    }
}
