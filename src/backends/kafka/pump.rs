//! The thread of a membership: it polls, takes in what came, commits what is settled, and hands out what was to be
//! tried again once it is due.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::KafkaError,
};

use super::{
    connection,
    desk::{Claim, Desk, End, Kind, PartId, Shared, Waiting},
    errors,
    fetcher::Fetcher,
    pending::Due,
    reader,
    rebalance::{self, Watch},
    record::{self, LINEAGE, Read},
    waiting,
};
use crate::{
    event::{Stored, Topic},
    failpoint,
    transport::{Attempts, Result},
};

/// The most records taken in at once.
const CHUNK: usize = 256;
/// How long a poll waits at the most.
const LOOK: Duration = Duration::from_millis(20);
/// How often what is settled is committed.
const COMMIT: Duration = Duration::from_millis(40);
/// How often leases are looked at.
const LEASES: Duration = Duration::from_millis(50);
/// For how long nothing is polled while there is no room; then the client is told to stop fetching.
const HOLD: Duration = Duration::from_millis(500);
/// When what could not be read is tried again, in milliseconds.
const AGAIN: i64 = 500;

/// The thread's side of a membership.
pub(super) struct Pump {
    shared: Arc<Shared>,
    client: BaseConsumer<Watch>,
    fetcher: Fetcher,
    names: HashMap<String, Arc<str>>,
    subscribed: HashSet<String>,
    commit_at: Instant,
    leases_at: Instant,
    full_since: Option<Instant>,
    paused: bool,
    down: bool,
}

/// What a poll brought.
enum Polled {
    Record(Read),
    Nothing,
}

impl Pump {
    /// Takes over a client.
    pub(super) fn new(client: BaseConsumer<Watch>) -> Self {
        let shared = Arc::clone(&client.context().shared);
        let now = Instant::now();
        Self {
            fetcher: Fetcher::new(&shared.link.config),
            shared,
            client,
            names: HashMap::new(),
            subscribed: HashSet::new(),
            commit_at: now + COMMIT,
            leases_at: now + LEASES,
            full_since: None,
            paused: false,
            down: false,
        }
    }

    /// Works until the membership is left.
    pub(super) fn run(mut self) {
        loop {
            let end = self.shared.desk().end;
            match end {
                End::No | End::Reached => {}
                End::Closing => {
                    self.commit(CommitMode::Sync);
                    break;
                }
                End::Closed | End::Abandoned => break,
            }
            if let Err(failed) = self.step() {
                self.shared.fail(failed);
                thread::park_timeout(LOOK);
            }
        }
        let shared = Arc::clone(&self.shared);
        // Leaving the group takes a moment, in which nobody should think that it is done.
        drop(self);
        shared.end(End::Closed);
    }

    fn step(&mut self) -> Result<()> {
        self.subscribe()?;
        let now = Instant::now();
        if now >= self.leases_at {
            self.leases_at = now + LEASES;
            self.check_leases();
        }
        let is_asked = {
            let desk = self.shared.desk();
            desk.commits_asked > desk.commits_made
        };
        if is_asked || now >= self.commit_at {
            self.commit_at = now + COMMIT;
            self.commit(if is_asked {
                CommitMode::Sync
            } else {
                CommitMode::Async
            });
        }
        let next = self.hand_out_due()?;
        if self.has_room()? {
            let chunk = self.gather(next)?;
            let idle = chunk.is_empty();
            self.admit(chunk)?;
            if idle {
                self.look_around()?;
            }
        }
        Ok(())
    }

    /// Reads the topics that are wanted now.
    fn subscribe(&mut self) -> Result<()> {
        let topics: Vec<String> = {
            let mut desk = self.shared.desk();
            if desk.stalled {
                if !desk.wanted {
                    return Ok(());
                }
                desk.stalled = false;
                self.subscribed.clear();
            }
            if desk.topics.len() + 1 == self.subscribed.len() {
                return Ok(());
            }
            desk.topics.keys().cloned().collect()
        };
        let names = topics.iter().map(String::as_str);
        let all: Vec<&str> = names.chain([self.shared.retries.as_str()]).collect();
        self.client
            .subscribe(&all)
            .map_err(|failed| errors::of(failed, "subscribing"))?;
        self.subscribed = all.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    /// Gives everything to others if what was handed out is not worked on any more.
    fn check_leases(&mut self) {
        let mut desk = self.shared.desk();
        if !desk.stands_still(self.shared.lease) {
            return;
        }
        tracing::debug!("nobody works on what was taken; the group is left");
        let all: HashSet<PartId> = desk.parts.keys().copied().collect();
        let positions = rebalance::positions(&mut desk, None);
        desk.disown(&all);
        desk.stalled = true;
        desk.wanted = false;
        drop(desk);
        if let Some(positions) = positions {
            rebalance::commit(&self.client, &self.shared, &positions, CommitMode::Sync);
        }
        self.client.unsubscribe();
    }

    /// Commits what is settled: now and then, or at once for somebody who waits for it.
    fn commit(&mut self, mode: CommitMode) {
        let (positions, asked) = {
            let mut desk = self.shared.desk();
            (rebalance::positions(&mut desk, None), desk.commits_asked)
        };
        failpoint::reach("kafka.commit");
        let is_committed = positions.is_none_or(|positions| {
            rebalance::commit(&self.client, &self.shared, &positions, mode)
        });
        if is_committed && matches!(mode, CommitMode::Sync) {
            self.shared.desk().commits_made = asked;
            self.shared.committed.notify_waiters();
        }
    }

    /// Takes in what is due of what was to be tried again; returns when the next will be.
    fn hand_out_due(&mut self) -> Result<Duration> {
        let now = record::millis(SystemTime::now());
        let mut due: Vec<(PartId, i32, Vec<Due>)> = Vec::new();
        let mut next = LOOK;
        {
            let mut desk = self.shared.desk();
            let room = self.shared.max_in_flight.saturating_sub(desk.waiting.len());
            for (id, part) in &mut desk.parts {
                let Kind::Retries(retries) = &mut part.kind else {
                    continue;
                };
                if !retries.is_read() {
                    continue;
                }
                let some = retries.pending.due(now, room);
                if !some.is_empty() {
                    due.push((*id, part.partition, some));
                }
                if let Some(time) = retries.pending.next() {
                    let left = u64::try_from(time - now).unwrap_or(0);
                    next = next.min(Duration::from_millis(left));
                }
            }
        }
        for (id, partition, some) in due {
            self.wake_up(id, partition, some, now)?;
        }
        Ok(next)
    }

    fn wake_up(&mut self, id: PartId, partition: i32, due: Vec<Due>, now: i64) -> Result<()> {
        let mut absent: Vec<i64> = due
            .iter()
            .filter(|due| due.record.is_none())
            .map(|due| due.offset)
            .collect();
        absent.sort_unstable();
        let found = self.fetcher.read(&self.shared.retries, partition, &absent);
        let (found, failed) = match found {
            Ok(found) => (found, None),
            Err(failed) => (Vec::new(), Some(failed)),
        };
        let mut found: HashMap<i64, Read> =
            found.into_iter().map(|read| (read.offset, read)).collect();
        let mut desk = self.shared.desk();
        for due in due {
            let (time, offset) = (due.time, due.offset);
            let read = due.record.or_else(|| found.remove(&offset));
            match read.and_then(|read| self.awake(&desk, id, read)) {
                Some(waiting) => desk.admit(waiting),
                None if failed.is_some() => {
                    let due = Due {
                        time,
                        offset,
                        record: None,
                    };
                    if let Some(retries) = desk.retries(id) {
                        retries.pending.put_back(due, now + AGAIN);
                    }
                }
                None => {}
            }
        }
        drop(desk);
        self.shared.came.notify_waiters();
        failed.map_or(Ok(()), Err)
    }

    /// Makes a delivery of what waited; a bounded membership leaves what others will try again later.
    fn awake(&self, desk: &Desk, part: PartId, read: Read) -> Option<Waiting> {
        let key = read.key.clone()?;
        let (partition, offset, time) = (read.partition, read.offset, read.time);
        let (story, message) = waiting::read(read)?;
        let course = &self.client.context().course;
        if course.until_end && story.due > course.joined && !desk.retrying.contains_key(&key) {
            return None;
        }
        let own = || format!("{}/{partition}/{offset}", self.shared.retries);
        let position = story.position.clone();
        let stored = Stored {
            message,
            position: position.unwrap_or_else(|| crate::event::Position::new(own())),
            time: story
                .stored
                .map_or(time, |millis| record::time(Some(millis))),
        };
        Some(Waiting {
            stored,
            attempts: story.attempts(),
            lineage: story.lineage,
            claim: Claim {
                part,
                offset,
                waited: Some(key),
            },
        })
    }

    /// Reports whether more may be taken in. While there is no room nothing is polled for a while; then the client stops
    /// fetching, and is polled for what else it has to tell.
    fn has_room(&mut self) -> Result<bool> {
        let has_room = {
            let mut desk = self.shared.desk();
            let has_room = desk.has_room(self.shared.max_in_flight);
            desk.full = !has_room;
            has_room
        };
        if has_room {
            self.full_since = None;
            if self.paused {
                self.paused = false;
                self.resume()?;
            }
            return Ok(true);
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        if self.paused {
            return Ok(true);
        }
        if since.elapsed() > HOLD {
            self.pause()?;
            self.paused = true;
        }
        thread::park_timeout(LOOK);
        Ok(false)
    }

    fn pause(&self) -> Result<()> {
        let pausing = |failed| errors::of(failed, "pausing");
        let all = self.client.assignment().map_err(pausing)?;
        self.client.pause(&all).map_err(pausing)
    }

    fn resume(&self) -> Result<()> {
        let resuming = |failed| errors::of(failed, "resuming");
        let all = self.client.assignment().map_err(resuming)?;
        self.client.resume(&all).map_err(resuming)
    }

    fn gather(&mut self, patience: Duration) -> Result<Vec<Read>> {
        let mut chunk = Vec::new();
        let mut patience = patience;
        while chunk.len() < CHUNK {
            match self.poll(patience)? {
                Polled::Record(read) => chunk.push(read),
                Polled::Nothing => break,
            }
            patience = Duration::ZERO;
        }
        Ok(chunk)
    }

    fn poll(&mut self, patience: Duration) -> Result<Polled> {
        match self.client.poll(patience) {
            None => Ok(Polled::Nothing),
            Some(Ok(record)) => {
                self.down = false;
                let known = self.names.get(record.topic()).cloned();
                let name = known.unwrap_or_else(|| {
                    let name: Arc<str> = record.topic().into();
                    self.names
                        .insert(record.topic().to_owned(), Arc::clone(&name));
                    name
                });
                Ok(Polled::Record(Read::copy(name, &record)))
            }
            Some(Err(failed)) => {
                self.heed(failed)?;
                Ok(Polled::Nothing)
            }
        }
    }

    fn heed(&mut self, failed: KafkaError) -> Result<()> {
        if rebalance::is_gap(&failed) {
            return self.skip_gaps();
        }
        let watch = self.client.context();
        if let Some(refused) = watch.ears.refused() {
            return Err(refused);
        }
        let known = errors::of(failed, "reading");
        if known.is_transient() && !self.down {
            self.down = true;
            self.shared
                .fail(watch.ears.silence(&self.shared.link.config.servers));
        } else {
            tracing::debug!(%known, "reading goes on");
        }
        Ok(())
    }

    /// Goes on behind what retention removed, and tells of it.
    fn skip_gaps(&mut self) -> Result<()> {
        let reading = |failed| errors::of(failed, "reading");
        let places: Vec<(PartId, Arc<str>, i32, i64)> = {
            let desk = self.shared.desk();
            let parts = desk.parts.iter();
            parts
                .map(|(id, part)| {
                    (
                        *id,
                        Arc::clone(&part.name),
                        part.partition,
                        part.kind.seen(),
                    )
                })
                .collect()
        };
        for (id, name, partition, seen) in places {
            let config = &self.shared.link.config;
            let low = connection::bounds(&self.client, config, &name, partition)?.low;
            if seen >= low {
                continue;
            }
            self.client
                .seek(
                    &name,
                    partition,
                    Offset::Offset(low),
                    Duration::from_secs(1),
                )
                .map_err(reading)?;
            let mut desk = self.shared.desk();
            let kind = desk.parts.get_mut(&id).map(|part| &mut part.kind);
            if let Some(kind) = kind {
                kind.saw(low);
            }
            if *name != self.shared.retries {
                desk.failed = Some(reader::gap(&name, partition, seen, low));
            }
            drop(desk);
            self.shared.came.notify_waiters();
        }
        Ok(())
    }

    fn admit(&mut self, chunk: Vec<Read>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let now = record::millis(SystemTime::now());
        let course = &self.client.context().course;
        let mut behind = TopicPartitionList::new();
        let mut desk = self.shared.desk();
        let mut last: Option<(Arc<str>, i32, PartId)> = None;
        for read in chunk {
            let id = match &last {
                Some((name, partition, id))
                    if *partition == read.partition && Arc::ptr_eq(name, &read.topic) =>
                {
                    *id
                }
                _ => {
                    let Some(id) = desk.part(&read.topic, read.partition) else {
                        continue;
                    };
                    last = Some((Arc::clone(&read.topic), read.partition, id));
                    id
                }
            };
            let end = course.end(&read.topic, read.partition);
            if *read.topic != *self.shared.retries && end.is_some_and(|end| read.offset >= end) {
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
                .map_err(|failed| errors::of(failed, "pausing"))?;
        }
        Ok(())
    }

    /// Looks how far was read where no record tells, and whether the end was reached.
    fn look_around(&mut self) -> Result<()> {
        let course = &self.client.context().course;
        let positions = self
            .client
            .position()
            .map_err(|failed| errors::of(failed, "reading"))?;
        let mut desk = self.shared.desk();
        for part in desk.parts.values_mut() {
            let at = positions.find_partition(&part.name, part.partition);
            if let Some(Offset::Offset(offset)) = at.map(|at| at.offset()) {
                // What is behind the end was passed over, not seen.
                let end = match part.kind {
                    Kind::Messages { .. } => course.end(&part.name, part.partition),
                    Kind::Retries(_) => None,
                };
                part.kind.saw(end.map_or(offset, |end| offset.min(end)));
            }
        }
        if course.until_end
            && desk.end == End::No
            && desk.is_done(course.joined, |name, partition| course.end(name, partition))
        {
            drop(desk);
            self.shared.end(End::Reached);
        }
        Ok(())
    }
}

impl Desk {
    /// Takes in a record of a partition that is ours.
    fn take(&mut self, id: PartId, read: Read, now: i64) {
        let Some(part) = self.parts.get_mut(&id) else {
            return;
        };
        match &mut part.kind {
            Kind::Retries(retries) => {
                retries.seen = retries.seen.max(read.offset + 1);
                retries.pending.take(read, now);
            }
            Kind::Messages { topic, tracker } => {
                if tracker.take(read.offset) {
                    let waiting = fresh(id, topic.clone(), read);
                    self.admit(waiting);
                }
            }
        }
    }
}

/// Makes a delivery of a message that was not tried yet.
fn fresh(part: PartId, topic: Topic, read: Read) -> Waiting {
    let lineage = read.marks.get(LINEAGE);
    let lineage = lineage.and_then(|text| serde_json::from_slice(text).ok());
    let offset = read.offset;
    let stored = Stored {
        position: record::position(&topic, read.partition, offset),
        time: read.time,
        message: read.message(topic),
    };
    Waiting {
        stored,
        attempts: Attempts::default(),
        lineage,
        claim: Claim {
            part,
            offset,
            waited: None,
        },
    }
}
