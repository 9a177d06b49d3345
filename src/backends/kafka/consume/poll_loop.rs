//! The polling thread of a subscription.
//!
//! It works in steps: subscribe to what is to be read, buffer due retries, poll a chunk, and look after partitions that
//! stopped. Everything that blocks on a broker is here or on the committing thread; callers see the state alone.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{TopicPartitionList, consumer::Consumer as _};

use super::{
    assignment::{
        partition::AssignmentId, positions, rebalance::GroupConsumer,
        recreated_topics::RecreatedTopics,
    },
    due_retries::DueRetries,
    membership::leave,
    offsets::commit,
    poll::Poller,
    retry_topics::{legacy_forwarder::Forwarder, sources::RetryTopic},
    session::Session,
    state::{delivery, lifecycle::Phase},
};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord},
            topic_partition::TopicPartition,
        },
        connection::threads,
        error,
    },
    transport::Result,
};

/// The most records that are taken over at once.
const CHUNK: usize = 256;
/// The same of retries, of which little more than their due time is kept; the others stay in the memory of the client.
const RETRIES: usize = 2048;
/// The longest wait of a poll, and the pause after a failure.
const POLL: Duration = Duration::from_millis(20);
/// How often leases are checked.
const LEASES: Duration = Duration::from_millis(50);
/// How often positions are read while retry partitions are caught up and records keep coming.
const CATCH_UP: Duration = Duration::from_millis(100);
/// How long the client goes on fetching without being polled for messages, while the buffer is full. Pausing throws
/// away what it has prefetched, so a short stall must not pause.
const BEFORE_PAUSE: Duration = Duration::from_millis(500);

/// The topics that a client subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subscribed {
    /// The revision of the sources.
    revision: u64,
    left_out: Option<String>,
}

/// The thread's side of a subscription.
pub(crate) struct PollLoop {
    session: Arc<Session>,
    client: Arc<GroupConsumer>,
    poller: Poller,
    due_retries: DueRetries,
    recreated: RecreatedTopics,
    subscribed: Option<Subscribed>,
    is_forwarding: bool,
    leases_at: Instant,
    full_since: Option<Instant>,
    positions_read: Instant,
}

impl PollLoop {
    pub(crate) fn new(client: GroupConsumer) -> Self {
        let session = Arc::clone(&client.context().callbacks.session);
        let client = Arc::new(client);
        let now = Instant::now();
        Self {
            poller: Poller::new(&client, &session),
            due_retries: DueRetries::new(&session),
            recreated: RecreatedTopics::default(),
            session,
            client,
            subscribed: None,
            is_forwarding: false,
            leases_at: now + LEASES,
            full_since: None,
            positions_read: now,
        }
    }

    /// Works until the subscription ends.
    pub(crate) fn run(mut self) {
        let commits = self.start_commits();
        while self.session.state().lifecycle.phase.is_active() {
            if let Err(failed) = self.step() {
                self.session.fail(failed);
                thread::park_timeout(POLL);
            }
        }
        self.poll_until_done(commits.as_ref());
        let _ = commits.map(JoinHandle::join);
        let session = Arc::clone(&self.session);
        // Dropping the client leaves the group, which takes a moment; only then the subscription is closed.
        drop(self);
        session.enter(Phase::Closed);
    }

    /// Polls while the last offsets are committed: a rebalance that goes on has to come to its end first. Messages that come
    /// meanwhile are left to the next member.
    fn poll_until_done(&self, commits: Option<&JoinHandle<()>>) {
        while commits.is_some_and(|commits| !commits.is_finished()) {
            drop(self.client.poll(POLL));
        }
    }

    /// Starts the thread that commits.
    fn start_commits(&self) -> Option<JoinHandle<()>> {
        let (client, session) = (Arc::clone(&self.client), Arc::clone(&self.session));
        let work = move || commit::commit_loop(&client, &session);
        match threads::spawn("pf-kafka-commits", work) {
            Ok(thread) => Some(thread),
            Err(failed) => {
                self.session.fail(failed);
                None
            }
        }
    }

    fn step(&mut self) -> Result<()> {
        self.subscribe()?;
        let now = Instant::now();
        if now >= self.leases_at {
            self.leases_at = now + LEASES;
            self.check_leases();
        }
        self.stagger()?;
        let plan = &self.client.context().callbacks.plan;
        let next = self.due_retries.enqueue(&self.session, plan, POLL)?;
        if self.apply_backpressure()? {
            let mut chunk = Vec::new();
            let gathered = self.gather(next, &mut chunk);
            self.drop_recreated(&mut chunk);
            let is_idle = chunk.is_empty();
            // Records that were polled before a failure are not polled again.
            self.admit(chunk)?;
            gathered?;
            self.recreated.restart(&self.client, &self.session)?;
            let (client, session) = (&self.client, &self.session);
            let recovered = self.poller.gaps.recover(client, session, is_idle)?;
            if !recovered && (is_idle || self.must_read_positions()) {
                self.positions_read = Instant::now();
                positions::refresh(&self.client, &self.session)?;
            }
            return Ok(());
        }
        // Retries are indexed, not delivered, before there is room. Left alone, each of their queues would fill up.
        let mut retries = Vec::new();
        let polled = self.poller.poll_retries(RETRIES, &mut retries);
        self.drop_recreated(&mut retries);
        self.admit(retries)?;
        polled
    }

    /// Reports whether positions are to be read though records keep coming: the last offsets of a retry partition may be
    /// markers of transactions, which no record shows.
    fn must_read_positions(&self) -> bool {
        self.positions_read.elapsed() > CATCH_UP && self.session.state().assignment.is_catching_up()
    }

    fn drop_recreated(&mut self, chunk: &mut Vec<FetchedRecord>) {
        let (client, session) = (&self.client, &self.session);
        self.recreated.drop_records(client, session, chunk);
    }

    /// Subscribes if the topics to be read changed, or the group has to be joined again.
    fn subscribe(&mut self) -> Result<()> {
        let (mut topics, retries, has_legacy, has_foreign, wanted) = {
            let mut state = self.session.state();
            if state.lifecycle.has_left() {
                return Ok(());
            }
            if state.lifecycle.must_rejoin() {
                self.subscribed = None;
            }
            let wanted = Subscribed {
                revision: state.sources.revision(),
                left_out: state.lifecycle.left_out.clone(),
            };
            if self.subscribed.as_ref() == Some(&wanted) {
                return Ok(());
            }
            if self.subscribed.is_none() {
                state.lifecycle.joining();
            }
            let retries: Vec<RetryTopic> = state.sources.retries().cloned().collect();
            let has_legacy = state.sources.legacy().is_some();
            let has_foreign = wanted.left_out.is_some() && !state.assignment.foreign.is_empty();
            let topics = state.sources.subscription();
            (topics, retries, has_legacy, has_foreign, wanted)
        };
        // Before they can be assigned: records that arrive earlier stay in the common queue.
        self.poller.split_retries(&retries);
        if has_legacy && !std::mem::replace(&mut self.is_forwarding, true) {
            let runtime = self.session.runtime.clone();
            Forwarder::start(&self.session, &self.client, runtime)?;
        }
        topics.retain(|name| Some(name) != wanted.left_out.as_ref());
        if has_foreign {
            // Members join with the partitions that they have, and would keep those that they do not read.
            self.client.unsubscribe();
        }
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.client
            .subscribe(&topics)
            .map_err(|failed| error::from_kafka(failed, "subscribing"))?;
        self.subscribed = Some(wanted);
        Ok(())
    }

    /// Leaves the group if deliveries are not worked on any more.
    fn check_leases(&mut self) {
        if self.session.state().is_stalled(self.session.lease) {
            tracing::debug!("deliveries are not worked on; leaving the group");
            leave::leave_group(&self.client, &self.session);
        }
    }

    /// Pauses and resumes retry partitions, so that few are caught up at a time.
    fn stagger(&self) -> Result<()> {
        let staggered = self.session.state().assignment.stagger();
        let reading = |failed| error::from_kafka(failed, "reading retries");
        if staggered.pause.count() > 0 {
            self.client.pause(&staggered.pause).map_err(reading)?;
        }
        if staggered.resume.count() > 0 {
            self.client.resume(&staggered.resume).map_err(reading)?;
        }
        Ok(())
    }

    /// Reports whether to poll. While the buffer is full it waits; after a while it pauses the client, which is then polled
    /// for its errors and rebalances alone.
    fn apply_backpressure(&mut self) -> Result<bool> {
        let (has_room, is_paused) = {
            let mut state = self.session.state();
            let has_room = delivery::has_room(&state.deliveries, self.session.max_in_flight);
            state.awaits_room = !has_room;
            (has_room, state.assignment.is_paused)
        };
        if has_room {
            self.full_since = None;
            if is_paused {
                let all = self.assigned("resuming")?;
                let resumed = self.client.resume(&all);
                resumed.map_err(|failed| error::from_kafka(failed, "resuming"))?;
                self.session.state().assignment.resumed();
            }
            return Ok(true);
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        if is_paused {
            return Ok(true);
        }
        if since.elapsed() > BEFORE_PAUSE {
            let all = self.assigned("pausing")?;
            let paused = self.client.pause(&all);
            paused.map_err(|failed| error::from_kafka(failed, "pausing"))?;
            self.session.state().assignment.is_paused = true;
        }
        thread::park_timeout(POLL);
        Ok(false)
    }

    fn assigned(&self, doing: &str) -> Result<TopicPartitionList> {
        let all = self.client.assignment();
        all.map_err(|failed| error::from_kafka(failed, doing))
    }

    /// Polls a chunk; waits for its first record until `wait` has passed.
    fn gather(&mut self, wait: Duration, chunk: &mut Vec<FetchedRecord>) -> Result<()> {
        self.poller.poll_retries(RETRIES, chunk)?;
        let most = chunk.len() + CHUNK;
        let mut wait = if chunk.is_empty() {
            wait
        } else {
            Duration::ZERO
        };
        while chunk.len() < most
            && let Some(record) = self.poller.poll(wait)?
        {
            chunk.push(record);
            wait = Duration::ZERO;
        }
        Ok(())
    }

    /// Adds records to the state, and pauses partitions that a bounded subscription has read to its end.
    fn admit(&mut self, chunk: Vec<FetchedRecord>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let now = record::now_millis();
        let mut ended = TopicPartitionList::new();
        let mut state = self.session.state();
        let mut last: Option<LastPartition> = None;
        for record in chunk {
            let known = last
                .take()
                .filter(|last| last.at.partition == record.partition)
                .filter(|last| Arc::ptr_eq(&last.at.topic, &record.topic));
            let partition = if let Some(known) = known {
                known
            } else {
                let at = TopicPartition::new(Arc::clone(&record.topic), record.partition);
                let Some(id) = state.assignment.id(&at) else {
                    continue;
                };
                let partition = state.assignment.partitions.get(&id);
                let end = partition.and_then(|partition| partition.kind.end());
                LastPartition { at, id, end }
            };
            if partition.end.is_some_and(|end| record.offset >= end) {
                ended.add_partition(&record.topic, record.partition);
            } else {
                state.admit(partition.id, record, now);
            }
            last = Some(partition);
        }
        drop(state);
        self.session.delivered.notify_waiters();
        if ended.count() > 0 {
            let paused = self.client.pause(&ended);
            paused.map_err(|failed| error::from_kafka(failed, "pausing"))?;
        }
        Ok(())
    }
}

/// The partition of the last record: most records follow one of the same partition.
struct LastPartition {
    at: TopicPartition,
    id: AssignmentId,
    /// The offset up to which a bounded subscription reads it.
    end: Option<i64>,
}
