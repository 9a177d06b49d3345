//! Partitions that come and go: where each begins, and how what was taken of it is given back.

use std::{
    collections::HashSet,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol},
    error::KafkaError,
    types::RDKafkaRespErr,
    util::Timeout,
};

use super::partition::{Kind, Part, PartId, Retries};
use crate::{
    backends::kafka::{
        codec::record,
        connection::{
            client::{errors::ClientErrors, topic_ids::TopicIdentity},
            handle::{self, Watermarks},
        },
        consume::{
            offsets::{
                commit,
                offset_tracker::Tracker,
                resume::{self, Committed},
                start_offset::Course,
            },
            retry_topics::sources::Role,
            session::Shared,
            state::End,
        },
        delay::index::{CACHE_HORIZON, DelayIndex},
        error::{self, error},
    },
    event::Topic,
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// How long what is worked on may take when its partition is to go to another consumer: somewhat less than the time
/// after which the client takes us for dead.
const DRAIN: Duration = Duration::from_mins(4);
/// How often it is looked whether they ran out.
const TURN: Duration = Duration::from_millis(40);
/// How long a question to a broker may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause before partitions are taken on again.
const AGAIN: Duration = Duration::from_millis(250);

/// What a member's client tells, and what becomes of it.
pub(crate) struct Watch {
    pub(crate) errors: ClientErrors,
    pub(crate) shared: Arc<Shared>,
    pub(crate) course: Course,
}

type Client = BaseConsumer<Watch>;

impl ClientContext for Watch {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        self.errors.log(facility, message);
    }

    fn error(&self, failed: KafkaError, reason: &str) {
        self.errors.record(&failed, reason);
    }
}

impl ConsumerContext for Watch {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if event != RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            if let Err(failed) = self.give_up(client, partitions) {
                self.shared.fail(failed);
            }
            return;
        }
        // The group counts on us: what we do not read now nobody reads.
        while let Err(failed) = self.take_on(client, partitions) {
            if self.shared.desk().end != End::No {
                return;
            }
            self.shared.fail(failed);
            thread::park_timeout(AGAIN);
        }
    }

    fn main_queue_min_poll_interval(&self) -> Timeout {
        Timeout::After(Duration::from_millis(100))
    }
}

impl Watch {
    fn take_on(&self, client: &Client, partitions: &TopicPartitionList) -> Result<()> {
        let taking = |failed| error::from_kafka(failed, "taking on partitions");
        let mut placed = TopicPartitionList::new();
        let (mut parts, mut foreign, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (name, partition, committed) in self.committed(client, partitions)? {
            let role = self.shared.desk().sources.role(&name);
            let place = (&*name, partition);
            let part = match role {
                Role::Messages => self.messages(client, place, committed, &mut told)?,
                Role::Retries(topic) => self.retries(place, committed, Some(topic))?,
                Role::Legacy => self.retries(place, committed, None)?,
                Role::Foreign => {
                    // It has to be taken on, and is not read.
                    placed
                        .add_partition_offset(&name, partition, Offset::End)
                        .map_err(taking)?;
                    foreign.push((name, partition));
                    continue;
                }
            };
            placed
                .add_partition_offset(&name, partition, Offset::Offset(part.kind.seen()))
                .map_err(taking)?;
            parts.push(part);
        }
        let taken = match client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => client.incremental_assign(&placed),
            _ => client.assign(&placed),
        };
        taken.map_err(taking)?;
        // A partition that was ours before may still be paused from then, and others for want of room.
        client
            .assignment()
            .and_then(|all| client.resume(&all))
            .map_err(taking)?;
        let mut desk = self.shared.desk();
        desk.are_resumed();
        for part in parts {
            tracing::debug!(topic = &*part.name, part.partition, "a partition is ours");
            desk.own(part);
        }
        desk.foreign.extend(foreign);
        desk.is_given();
        for gap in told {
            desk.fail(gap);
        }
        drop(desk);
        self.shared.came.notify_waiters();
        Ok(())
    }

    /// Returns which topic stands under a name now, if that is known.
    pub(crate) fn identity(&self, name: &str) -> Option<TopicIdentity> {
        let topic = self.errors.topics.of(name)?;
        let cluster = self.shared.cluster();
        Some(TopicIdentity { cluster, topic })
    }

    /// Asks for the positions of the group, until there is an answer: to guess would lose messages or repeat them.
    fn committed(
        &self,
        client: &Client,
        partitions: &TopicPartitionList,
    ) -> Result<Vec<(String, i32, Option<Committed>)>> {
        if partitions.count() == 0 {
            return Ok(Vec::new());
        }
        let found = loop {
            match client.committed_offsets(partitions.clone(), PATIENCE) {
                Ok(found) => break found,
                Err(failed) if self.shared.desk().end == End::No => {
                    tracing::debug!(%failed, "positions are asked for again");
                }
                Err(failed) => return Err(error::from_kafka(failed, "reading positions")),
            }
        };
        let elements = found.elements();
        let committed = elements.iter().map(|element| {
            let committed = match element.offset() {
                Offset::Offset(offset) => Some(Committed {
                    offset,
                    metadata: element.metadata().to_owned(),
                }),
                _ => None,
            };
            (element.topic().to_owned(), element.partition(), committed)
        });
        Ok(committed.collect())
    }

    fn messages(
        &self,
        client: &Client,
        (name, partition): (&str, i32),
        committed: Option<Committed>,
        told: &mut Vec<TransportError>,
    ) -> Result<Part> {
        let bounds = self.shared.bounds((name, partition))?;
        let topic = self
            .shared
            .connection
            .names()
            .topic(name)
            .ok_or_else(|| error(ErrorKind::Other, format!("`{name}` was not asked for")))?;
        let identity = self.identity(name);
        let tracker = if let Some(committed) = committed {
            resume::go_on((&topic, partition), &committed, (bounds, identity), told)
        } else {
            let begin = self.course.begin((name, partition), bounds, |time| {
                self.at_time(client, (name, partition), time)
            })?;
            // The group has a position from now on, also if nothing comes.
            let mut tracker = Tracker::new(begin, "");
            tracker.begins_here();
            tracker
        };
        Ok(Part {
            name: name.into(),
            partition,
            kind: Kind::Messages {
                topic,
                tracker: tracker.under(identity),
                // What was there before may be lost by now.
                end: self
                    .course
                    .end(name, partition)
                    .map(|end| end.min(bounds.high)),
            },
        })
    }

    fn retries(
        &self,
        (name, partition): (&str, i32),
        committed: Option<Committed>,
        topic: Option<Topic>,
    ) -> Result<Part> {
        // Also what an open transaction hides: behind it may stand the end of what is before it.
        let Watermarks { low, high } = self.shared.bounds((name, partition))?;
        let mut identity = self.identity(name);
        let begin = match committed {
            Some(committed) if committed.offset <= high && committed.is_of(identity) => {
                identity = identity.or(committed.identity());
                committed.offset.max(low)
            }
            _ => low,
        };
        let own: Arc<str> = name.into();
        let place = (Arc::clone(&own), partition);
        // What is forwarded at once need not be told from what waits longer.
        let soon = topic.as_ref().map_or(i64::MAX, |_| CACHE_HORIZON);
        Ok(Part {
            name: own,
            partition,
            kind: Kind::Retries(Box::new(Retries {
                topic,
                pending: DelayIndex::sharing(place, Arc::clone(&self.shared.room), soon),
                seen: begin,
                barrier: high,
                committed: -1,
                is_held: false,
                saving: None,
                identity,
            })),
        })
    }

    /// Returns the first offset whose record is not older; if there is none, the end of what everybody can see: what an
    /// open transaction hides is not passed over.
    fn at_time(
        &self,
        client: &Client,
        (name, partition): (&str, i32),
        time: SystemTime,
    ) -> Result<i64> {
        let asking = |failed| error::from_kafka(failed, "asking for offsets");
        let mut asked = TopicPartitionList::new();
        let millis = Offset::Offset(record::millis(time));
        asked
            .add_partition_offset(name, partition, millis)
            .map_err(asking)?;
        let found = client.offsets_for_times(asked, PATIENCE).map_err(asking)?;
        let element = found.find_partition(name, partition);
        if let Some(Offset::Offset(offset)) = element.map(|element| element.offset()) {
            return Ok(offset);
        }
        let config = &self.shared.connection.config;
        Ok(handle::bounds(client, config, name, partition)?.high)
    }

    fn give_up(&self, client: &Client, partitions: &TopicPartitionList) -> Result<()> {
        let parts: HashSet<PartId> = {
            let desk = self.shared.desk();
            let elements = partitions.elements();
            let parts = elements.iter();
            parts
                .filter_map(|element| desk.part(element.topic(), element.partition()))
                .collect()
        };
        let is_leaving = !matches!(self.shared.desk().end, End::No | End::Reached);
        if !client.assignment_lost() && !is_leaving {
            self.drain(&parts);
            if let Err(failed) = commit::commit(client, &self.shared, Some(&parts)) {
                tracing::debug!(%failed, "what is settled comes again where its partition goes");
            }
        }
        let mut desk = self.shared.desk();
        desk.disown(&parts);
        for given in partitions.elements() {
            desk.foreign
                .remove(&(given.topic().to_owned(), given.partition()));
        }
        desk.suspect = true;
        drop(desk);
        failpoint::reach("kafka.partitions_gone");
        let given = match client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => client.incremental_unassign(partitions),
            _ => client.unassign(),
        };
        given.map_err(|failed| error::from_kafka(failed, "giving partitions up"))
    }

    /// Hands out nothing more, and waits for what is worked on as long as its leases last. The others of the group go
    /// on meanwhile; only these partitions wait.
    fn drain(&self, parts: &HashSet<PartId>) {
        let end = Instant::now() + DRAIN;
        let mut desk = self.shared.desk();
        desk.leaving.extend(parts);
        while !desk.is_quiet(parts) && Instant::now() < end {
            desk = self.shared.wait_for_settled(desk, TURN);
        }
    }
}
