//! The thread of a membership: it polls, takes in what came, and hands out what was to be tried again once it is due.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::{
    assignment::{gap_recovery::Torn, partition::PartId, rebalance::Watch},
    offsets::commit,
    retry_topics::{legacy_forwarder::Forwarder, retry_queues::RetryQueues, sources::RetryTopic},
    session::Shared,
    state::End,
};
use crate::{
    backends::kafka::{
        codec::record::{self, FetchedRecord},
        error::{self, error},
        read::offset_fetcher::OffsetFetcher,
    },
    transport::{ErrorKind, Result},
};

/// The most records taken in at once.
const CHUNK: usize = 256;
/// The same of retries, of which little more than the time when they are due is kept: what is not taken in stays in the
/// memory of the client.
const RETRIES: usize = 2048;
/// How long a poll waits at the most.
pub(crate) const LOOK: Duration = Duration::from_millis(20);
/// How often leases are looked at.
const LEASES: Duration = Duration::from_millis(50);
/// How often it is looked how far was read while there are retries to be read and records keep coming.
const UNREAD: Duration = Duration::from_millis(100);
/// For how long nothing is polled while there is no room; then the client is told to stop fetching.
const HOLD: Duration = Duration::from_millis(500);

/// A partition that is ours, and where a bounded membership of it ends.
type Known = (PartId, Option<i64>);

/// The thread's side of a membership.
pub(crate) struct Pump {
    pub(crate) shared: Arc<Shared>,
    pub(crate) retries: RetryQueues,
    pub(crate) client: Arc<BaseConsumer<Watch>>,
    pub(crate) fetcher: OffsetFetcher,
    pub(crate) names: HashMap<String, Arc<str>>,
    /// The revision of the sources that was subscribed to, and what was left out of them.
    subscribed: Option<(u64, Option<String>)>,
    is_forwarding: bool,
    leases_at: Instant,
    full_since: Option<Instant>,
    looked: Instant,
    pub(crate) down: bool,
    pub(crate) torn: Option<Torn>,
    /// Topics that were created again and are not read from their beginning yet.
    pub(crate) recreated: HashSet<String>,
    /// When it was last looked whether the client stopped somewhere without a word.
    pub(crate) suspected: Instant,
}

impl Pump {
    /// Takes over a client.
    pub(crate) fn new(client: BaseConsumer<Watch>) -> Self {
        let shared = Arc::clone(&client.context().shared);
        let now = Instant::now();
        let client = Arc::new(client);
        Self {
            fetcher: OffsetFetcher::new(&shared.connection.config),
            shared,
            retries: RetryQueues::default(),
            client,
            names: HashMap::new(),
            subscribed: None,
            is_forwarding: false,
            leases_at: now + LEASES,
            full_since: None,
            looked: now,
            down: false,
            torn: None,
            recreated: HashSet::new(),
            suspected: now,
        }
    }

    /// Works until the membership is left.
    pub(crate) fn run(mut self) {
        let commits = self.start_commits();
        while matches!(self.shared.desk().end, End::No | End::Reached) {
            if let Err(failed) = self.step() {
                self.shared.fail(failed);
                thread::park_timeout(LOOK);
            }
        }
        let _ = commits.map(thread::JoinHandle::join);
        let shared = Arc::clone(&self.shared);
        // Leaving the group takes a moment, in which nobody should think that it is done.
        drop(self);
        shared.end(End::Closed);
    }

    /// Starts the thread that commits.
    fn start_commits(&self) -> Option<thread::JoinHandle<()>> {
        let (client, shared) = (Arc::clone(&self.client), Arc::clone(&self.shared));
        let thread = thread::Builder::new()
            .name("pf-kafka-commits".to_owned())
            .spawn(move || commit::run(&client, &shared));
        match thread {
            Ok(thread) => Some(thread),
            Err(source) => {
                let failed = error(ErrorKind::Other, "no thread can be started").because(source);
                self.shared.fail(failed);
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
        let next = self.hand_out_due()?;
        if self.has_room()? {
            let mut chunk = Vec::new();
            let gathered = self.gather(next, &mut chunk);
            self.leave_out_recreated(&mut chunk);
            let is_idle = chunk.is_empty();
            // What came before a failure comes only once.
            self.admit(chunk)?;
            gathered?;
            self.read_recreated()?;
            let is_mending = self.mend(is_idle)?;
            if !is_mending && (is_idle || self.must_look()) {
                self.looked = Instant::now();
                self.look_around()?;
            }
            return Ok(());
        }
        // Nothing of these is handed out before there is room, and each of many queues would fill up by itself.
        let mut retries = Vec::new();
        let polled = self.poll_retries(RETRIES, &mut retries);
        self.leave_out_recreated(&mut retries);
        self.admit(retries)?;
        polled
    }

    /// Reports whether it has to be looked how far was read, though records keep coming: behind the last retry there may
    /// be marks of transactions, of which no record tells.
    fn must_look(&self) -> bool {
        self.looked.elapsed() > UNREAD && self.shared.desk().has_unread_retries()
    }

    /// Reads the topics that are wanted now.
    fn subscribe(&mut self) -> Result<()> {
        let (mut topics, retries, has_legacy, has_foreign, wanted) = {
            let mut desk = self.shared.desk();
            if desk.stalled {
                if !desk.wanted {
                    return Ok(());
                }
                desk.stalled = false;
                self.subscribed = None;
            }
            let wanted = (desk.sources.revision(), desk.left_out.clone());
            if self.subscribed.as_ref() == Some(&wanted) {
                return Ok(());
            }
            desk.is_joining |= self.subscribed.is_none();
            let retries: Vec<RetryTopic> = desk.sources.retries().cloned().collect();
            let has_legacy = desk.sources.legacy().is_some();
            let has_foreign = wanted.1.is_some() && !desk.foreign.is_empty();
            (
                desk.sources.subscription(),
                retries,
                has_legacy,
                has_foreign,
                wanted,
            )
        };
        self.retries.split(&self.client, &retries);
        if has_legacy && !std::mem::replace(&mut self.is_forwarding, true) {
            let runtime = self.shared.runtime.clone();
            Forwarder::start(&self.shared, &self.client, runtime)?;
        }
        topics.retain(|name| Some(name) != wanted.1.as_ref());
        if has_foreign {
            // Where members join with what they have, the client lets each keep also what it does not read.
            self.client.unsubscribe();
        }
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        self.client
            .subscribe(&topics)
            .map_err(|failed| error::from_kafka(failed, "subscribing"))?;
        self.subscribed = Some(wanted);
        Ok(())
    }

    /// Gives everything to others if what was handed out is not worked on any more.
    fn check_leases(&mut self) {
        if self.shared.desk().stands_still(self.shared.lease) {
            tracing::debug!("nobody works on what was taken; the group is left");
            self.leave();
        }
    }

    /// Leaves the group until somebody asks for more.
    pub(crate) fn leave(&self) {
        let mut desk = self.shared.desk();
        let all: HashSet<PartId> = desk.parts.keys().copied().collect();
        desk.leaving.extend(&all);
        drop(desk);
        if let Err(failed) = commit::commit(&self.client, &self.shared, None) {
            tracing::debug!(%failed, "what is settled comes again");
        }
        let mut desk = self.shared.desk();
        desk.disown(&all);
        desk.stalled = true;
        desk.wanted = false;
        drop(desk);
        // Who waits for something after all shows it by asking again.
        self.shared.came.notify_waiters();
        self.client.unsubscribe();
    }

    /// Reports whether more may be taken in. While there is no room nothing is polled for a while; then the client stops
    /// fetching, and is polled for what else it has to tell.
    fn has_room(&mut self) -> Result<bool> {
        let (has_room, is_paused) = {
            let mut desk = self.shared.desk();
            let has_room = desk.has_room(self.shared.max_in_flight);
            desk.full = !has_room;
            (has_room, desk.paused)
        };
        if has_room {
            self.full_since = None;
            if is_paused {
                self.resume()?;
                self.shared.desk().are_resumed();
            }
            return Ok(true);
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        if is_paused {
            return Ok(true);
        }
        if since.elapsed() > HOLD {
            self.pause()?;
            self.shared.desk().paused = true;
        }
        thread::park_timeout(LOOK);
        Ok(false)
    }

    fn pause(&self) -> Result<()> {
        let pausing = |failed| error::from_kafka(failed, "pausing");
        let all = self.client.assignment().map_err(pausing)?;
        self.client.pause(&all).map_err(pausing)
    }

    fn resume(&self) -> Result<()> {
        let resuming = |failed| error::from_kafka(failed, "resuming");
        let all = self.client.assignment().map_err(resuming)?;
        self.client.resume(&all).map_err(resuming)
    }

    fn gather(&mut self, patience: Duration, chunk: &mut Vec<FetchedRecord>) -> Result<()> {
        self.poll_retries(RETRIES, chunk)?;
        let most = chunk.len() + CHUNK;
        let mut patience = if chunk.is_empty() {
            patience
        } else {
            Duration::ZERO
        };
        while chunk.len() < most
            && let Some(read) = self.poll(patience)?
        {
            chunk.push(read);
            patience = Duration::ZERO;
        }
        Ok(())
    }

    fn admit(&mut self, chunk: Vec<FetchedRecord>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let now = record::millis(SystemTime::now());
        let mut behind = TopicPartitionList::new();
        let mut desk = self.shared.desk();
        let mut last: Option<(Arc<str>, i32, Known)> = None;
        for read in chunk {
            let (id, end) = match &last {
                Some((name, partition, known))
                    if *partition == read.partition && Arc::ptr_eq(name, &read.topic) =>
                {
                    *known
                }
                _ => {
                    let Some(id) = desk.part(&read.topic, read.partition) else {
                        continue;
                    };
                    let end = desk.parts.get(&id).and_then(|part| part.kind.end());
                    last = Some((Arc::clone(&read.topic), read.partition, (id, end)));
                    (id, end)
                }
            };
            if end.is_some_and(|end| read.offset >= end) {
                behind.add_partition(&read.topic, read.partition);
                continue;
            }
            desk.take(id, read, now);
        }
        drop(desk);
        self.shared.came.notify_waiters();
        if behind.count() > 0 {
            self.client
                .pause(&behind)
                .map_err(|failed| error::from_kafka(failed, "pausing"))?;
        }
        Ok(())
    }

    /// Looks how far was read where no record tells, and whether the end was reached.
    pub(crate) fn look_around(&self) -> Result<()> {
        let course = &self.client.context().course;
        let positions = self
            .client
            .position()
            .map_err(|failed| error::from_kafka(failed, "reading"))?;
        let mut desk = self.shared.desk();
        for part in desk.parts.values_mut() {
            let at = positions.find_partition(&part.name, part.partition);
            if let Some(Offset::Offset(offset)) = at.map(|at| at.offset()) {
                // What is behind the end was passed over, not seen.
                let end = part.kind.end();
                part.kind.saw(end.map_or(offset, |end| offset.min(end)));
            }
        }
        if course.until_end && desk.end == End::No && desk.is_done(course.joined) {
            drop(desk);
            self.shared.end(End::Reached);
        }
        Ok(())
    }
}
