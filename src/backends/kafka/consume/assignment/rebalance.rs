//! Rebalances: where each assigned partition starts, and draining partitions before they are revoked.
//!
//! Revocation waits until in-flight deliveries of the partition are settled and committed. Otherwise the next owner
//! would get them a second time, while they are still being worked on here. Under the cooperative protocol the other
//! partitions go on meanwhile, and so do those of other members.

use std::{
    collections::HashSet,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, RebalanceProtocol},
    types::RDKafkaRespErr,
};

use super::partition::{AssignedPartition, AssignmentId, PartitionKind, RetryPartition};
use crate::{
    backends::kafka::{
        codec::{
            record,
            topic_partition::{TopicPartition, Watermarks},
        },
        connection::client::{
            self,
            context::{self, Callbacks, Context},
            topic_ids::{TopicIdentity, TopicIds},
        },
        consume::{
            offsets::{
                commit,
                offset_tracker::OffsetTracker,
                resume::{self, Committed},
                start_offset::OffsetPlan,
            },
            retry_topics::sources::Role,
            session::Session,
            state::{delivery, lifecycle::Phase},
        },
        delay::index::{CACHE_HORIZON, DelayIndex},
        error::{self, error},
    },
    event::Topic,
    failpoint,
    transport::{ErrorKind, Result, TransportError},
};

/// How long in-flight deliveries may delay a revocation: somewhat less than `max.poll.interval.ms` (5 minutes), after
/// which the client leaves the group by itself.
const DRAIN: Duration = Duration::from_mins(4);
/// How often draining checks for leases that ran out.
const DRAIN_CHECK: Duration = Duration::from_millis(40);
/// How long a request to a broker may take.
const REQUEST: Duration = Duration::from_secs(5);
/// The pause before partitions are assigned again after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// The callbacks of the client that is a member of the group.
pub(crate) struct GroupCallbacks {
    /// Which topics the client knows.
    pub(crate) topics: Arc<TopicIds>,
    pub(crate) session: Arc<Session>,
    pub(crate) plan: OffsetPlan,
}

/// The client that is a member of the group.
pub(crate) type GroupConsumer = BaseConsumer<Context<GroupCallbacks>>;

impl Callbacks for GroupCallbacks {
    fn rebalance(
        &self,
        client: &GroupConsumer,
        event: RDKafkaRespErr,
        partitions: &TopicPartitionList,
    ) {
        if !context::is_assignment(event) {
            if let Err(failed) = self.on_revoked(client, partitions) {
                self.session.fail(failed);
            }
            return;
        }
        // The group relies on this member: a partition that it does not read, nobody reads.
        while let Err(failed) = self.on_assigned(client, partitions) {
            if self.session.state().lifecycle.phase != Phase::Running {
                return;
            }
            self.session.fail(failed);
            thread::park_timeout(RETRY);
        }
    }
}

/// A partition of an assignment, and the group's offset in it.
struct Given {
    at: TopicPartition,
    committed: Option<Committed>,
}

impl GroupCallbacks {
    /// Returns the identity of the topic that has a name now, if it is known.
    pub(crate) fn identity(&self, name: &str) -> Option<TopicIdentity> {
        let topic = self.topics.of(name)?;
        let cluster = self.session.cluster();
        Some(TopicIdentity { cluster, topic })
    }

    fn on_assigned(&self, client: &GroupConsumer, given: &TopicPartitionList) -> Result<()> {
        let assigning = |failed| error::from_kafka(failed, "assigning partitions");
        let mut list = TopicPartitionList::new();
        let (mut partitions, mut foreign, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
        for Given { at, committed } in self.committed(client, given)? {
            let role = self.session.state().sources.role(&at.topic);
            let partition = match role {
                Role::Messages => self.messages(client, &at, committed, &mut gaps)?,
                Role::Retries(topic) => self.retries(&at, committed, Some(topic))?,
                Role::Legacy => self.retries(&at, committed, None)?,
                Role::Foreign => {
                    // It has to be assigned, and is not read.
                    list.add_partition_offset(&at.topic, at.partition, Offset::End)
                        .map_err(assigning)?;
                    foreign.push(at);
                    continue;
                }
            };
            let offset = Offset::Offset(partition.kind.seen());
            list.add_partition_offset(&at.topic, at.partition, offset)
                .map_err(assigning)?;
            partitions.push(partition);
        }
        let assigned = match client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => client.incremental_assign(&list),
            _ => client.assign(&list),
        };
        assigned.map_err(assigning)?;
        // A partition of an earlier assignment may still be paused, as may others for want of room.
        client
            .assignment()
            .and_then(|all| client.resume(&all))
            .map_err(assigning)?;
        let mut state = self.session.state();
        state.assignment.resumed();
        for partition in partitions {
            let at = &partition.at;
            tracing::debug!(topic = &*at.topic, at.partition, "assigned");
            state.assignment.assign(partition);
        }
        state.assignment.foreign.extend(foreign);
        state.lifecycle.assigned();
        for gap in gaps {
            state.errors.push(gap);
        }
        drop(state);
        self.session.delivered.notify_waiters();
        Ok(())
    }

    /// Asks for the group's offsets until there is an answer: a guess would lose messages or repeat them.
    fn committed(&self, client: &GroupConsumer, given: &TopicPartitionList) -> Result<Vec<Given>> {
        if given.count() == 0 {
            return Ok(Vec::new());
        }
        let found = loop {
            match client.committed_offsets(given.clone(), REQUEST) {
                Ok(found) => break found,
                Err(failed) if self.session.state().lifecycle.phase == Phase::Running => {
                    tracing::debug!(%failed, "committed offsets are requested again");
                }
                Err(failed) => return Err(error::from_kafka(failed, "reading committed offsets")),
            }
        };
        let elements = found.elements();
        let given = elements.iter().map(|element| Given {
            at: TopicPartition::new(element.topic(), element.partition()),
            committed: match element.offset() {
                Offset::Offset(offset) => Some(Committed {
                    offset,
                    metadata: element.metadata().to_owned(),
                }),
                _ => None,
            },
        });
        Ok(given.collect())
    }

    fn messages(
        &self,
        client: &GroupConsumer,
        at: &TopicPartition,
        committed: Option<Committed>,
        gaps: &mut Vec<TransportError>,
    ) -> Result<AssignedPartition> {
        let watermarks = self.session.watermarks(at)?;
        let topic = self.session.connection.names().topic(&at.topic);
        let topic = topic.ok_or_else(|| {
            let message = format!("`{}` is not a topic of this subscription", at.topic);
            error(ErrorKind::Other, message)
        })?;
        let identity = self.identity(&at.topic);
        let tracker = if let Some(committed) = committed {
            let (tracker, gap) =
                resume::resume_committed(&topic, at.partition, &committed, watermarks, identity);
            gaps.extend(gap);
            tracker
        } else {
            let at_time = |time| self.offset_at_time(client, at, time);
            let mut tracker = OffsetTracker::new(self.plan.start(at, watermarks, at_time)?, "");
            // From now on the group has an offset, also if nothing is settled.
            tracker.force_commit();
            tracker
        };
        Ok(AssignedPartition {
            at: at.clone(),
            kind: PartitionKind::Messages {
                topic,
                tracker: tracker.under(identity),
                // The log may have lost its end since the member joined.
                end: self.plan.end(at).map(|end| end.min(watermarks.high)),
            },
        })
    }

    fn retries(
        &self,
        at: &TopicPartition,
        committed: Option<Committed>,
        topic: Option<Topic>,
    ) -> Result<AssignedPartition> {
        // With records of open transactions: one behind them may end a retry before them.
        let Watermarks { low, high } = self.session.watermarks(at)?;
        let mut identity = self.identity(&at.topic);
        let start = match committed {
            Some(committed) if committed.offset <= high && committed.is_of(identity) => {
                identity = identity.or(committed.identity());
                committed.offset.max(low)
            }
            _ => low,
        };
        // Retries of an earlier version are moved at once, whenever they are due.
        let soon = topic.as_ref().map_or(i64::MAX, |_| CACHE_HORIZON);
        let index = DelayIndex::sharing(at.clone(), Arc::clone(&self.session.retry_memory), soon);
        Ok(AssignedPartition {
            at: at.clone(),
            kind: PartitionKind::Retries(Box::new(RetryPartition {
                topic,
                index,
                seen: start,
                barrier: high,
                committed: -1,
                is_held_back: false,
                committing: None,
                identity,
            })),
        })
    }

    /// Returns the first offset whose record is not older than a time. Without one, returns the end that readers of
    /// committed records see: records of an open transaction must not be skipped.
    fn offset_at_time(
        &self,
        client: &GroupConsumer,
        at: &TopicPartition,
        time: SystemTime,
    ) -> Result<i64> {
        let asking = |failed| error::from_kafka(failed, "asking for offsets");
        let mut asked = TopicPartitionList::new();
        let millis = Offset::Offset(record::millis(time));
        asked
            .add_partition_offset(&at.topic, at.partition, millis)
            .map_err(asking)?;
        let found = client.offsets_for_times(asked, REQUEST).map_err(asking)?;
        let element = found.find_partition(&at.topic, at.partition);
        if let Some(Offset::Offset(offset)) = element.map(|element| element.offset()) {
            return Ok(offset);
        }
        let config = &self.session.connection.config;
        Ok(client::watermarks(client, config, at)?.high)
    }

    fn on_revoked(&self, client: &GroupConsumer, given: &TopicPartitionList) -> Result<()> {
        let revoked: Vec<TopicPartition> = given
            .elements()
            .iter()
            .map(|element| TopicPartition::new(element.topic(), element.partition()))
            .collect();
        let state = self.session.state();
        let ids = revoked.iter().filter_map(|at| state.assignment.id(at));
        let partitions: HashSet<AssignmentId> = ids.collect();
        let is_active = state.lifecycle.phase.is_active();
        drop(state);
        if !client.assignment_lost() && is_active {
            self.drain(&partitions);
            if let Err(failed) = commit::commit(client, &self.session, Some(&partitions)) {
                tracing::debug!(%failed, "settled messages are delivered again by the next owner");
            }
        }
        let mut state = self.session.state();
        state.revoke(&partitions);
        for at in &revoked {
            state.assignment.foreign.remove(at);
        }
        state.assignment.may_be_stalled = true;
        drop(state);
        failpoint::reach("kafka.partitions_gone");
        let unassigned = match client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => client.incremental_unassign(given),
            _ => client.unassign(),
        };
        unassigned.map_err(|failed| error::from_kafka(failed, "revoking partitions"))
    }

    /// Delivers nothing more of partitions, and waits until their deliveries are settled or their leases end.
    fn drain(&self, partitions: &HashSet<AssignmentId>) {
        let end = Instant::now() + DRAIN;
        let mut state = self.session.state();
        state.assignment.draining.extend(partitions);
        while !delivery::is_drained(&state.deliveries, partitions, Instant::now())
            && Instant::now() < end
        {
            state = self.session.wait_for_settled(state, DRAIN_CHECK);
        }
    }
}
