//! An open tail: a task reads each log, and the caller takes what they read in order of time.

use std::{pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Notify, time::sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{
    ledgers::Ledgers,
    queues::Queues,
    start::{self, OpenLog},
};
use crate::{
    backends::{
        delivery_buffer::wait::{wait_until, wait_until_due},
        pulsar::{
            codec::{message::Inbound, message_id::MessageId},
            connection::{handle::Connection, topics},
            delay::cancellations::Cancellations,
            error::error,
            read::reader::Reader,
        },
    },
    event::{Pattern, Stored, Topic},
    lock::Mutex,
    transport::{ErrorKind, Result, Tail, TailFrom, TailRequest, TransportError},
};

/// How often topics of a pattern are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often cancelled events are looked for while some wait: an event that is due within a second is not cancelled any more.
const LOOK_FOR_CANCELLED: Duration = Duration::from_millis(500);
/// Messages of a log that are read ahead of the caller.
const AHEAD: usize = 1000;

/// An open tail.
#[derive(Debug)]
pub(crate) struct PulsarTail {
    shared: Arc<Shared>,
    _tasks: TaskList,
    _watches: Vec<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    connection: Arc<Connection>,
    patterns: Vec<Pattern>,
    queues: Mutex<Queues>,
    cancellations: tokio::sync::Mutex<Cancellations>,
    /// Something was read.
    read: Notify,
    /// There is room to read more, or the end is known.
    changed: Notify,
}

type TaskList = Arc<Mutex<Vec<AbortOnDropHandle<()>>>>;

impl PulsarTail {
    /// Opens a tail of the topics that the patterns match.
    pub(crate) async fn open(connection: &Arc<Connection>, request: TailRequest) -> Result<Self> {
        let shared = Arc::new(Shared {
            connection: Arc::clone(connection),
            patterns: request.patterns,
            queues: Mutex::default(),
            cancellations: tokio::sync::Mutex::default(),
            read: Notify::new(),
            changed: Notify::new(),
        });
        shared.queues.lock().is_bounded = request.until_end;
        shared.look_for_cancelled().await?;
        let tasks = TaskList::default();
        shared.open_topics(&tasks, request.from).await?;
        if let TailFrom::Last(count) = request.from {
            shared.queues.lock().keep_last(count);
        }
        let mut watches = Vec::new();
        if !request.until_end {
            let topics = tokio::spawn(watch(Arc::clone(&shared), Arc::clone(&tasks)));
            let cancelled = tokio::spawn(watch_cancelled(Arc::clone(&shared)));
            watches = vec![
                AbortOnDropHandle::new(topics),
                AbortOnDropHandle::new(cancelled),
            ];
        }
        Ok(Self {
            shared,
            _tasks: tasks,
            _watches: watches,
        })
    }
}

impl Shared {
    /// Opens the topics that match and are not open.
    async fn open_topics(self: &Arc<Self>, tasks: &TaskList, from: TailFrom) -> Result<()> {
        for topic in self.matching().await? {
            let is_open = {
                let queues = self.queues.lock();
                let mut logs = queues.logs.iter();
                logs.any(|log| log.topic == topic && !log.is_gone)
            };
            if is_open {
                continue;
            }
            let info = topics::find(&self.connection, &topic).await?;
            let logs = info.logs().into_iter();
            let opening = logs.map(|log| start::open(&self.connection, &topic, log, from));
            for open in futures_util::future::try_join_all(opening).await? {
                self.follow(tasks, &topic, open);
            }
        }
        Ok(())
    }

    /// Leaves out what was cancelled since the last look.
    async fn look_for_cancelled(&self) -> Result<()> {
        let mut cancellations = self.cancellations.lock().await;
        let found = cancellations.read_on(&self.connection).await?;
        self.queues.lock().cancel(found);
        Ok(())
    }

    async fn matching(&self) -> Result<Vec<Topic>> {
        let mut matching: Vec<Topic> = self.patterns.iter().filter_map(Pattern::literal).collect();
        if self
            .patterns
            .iter()
            .any(|pattern| pattern.literal().is_none())
        {
            let topics = topics::of_users(&self.connection).await?;
            let matches = |topic: &Topic| self.patterns.iter().any(|one| one.matches(topic));
            matching.extend(topics.into_iter().filter(matches));
        }
        matching.sort();
        matching.dedup();
        Ok(matching)
    }

    fn follow(self: &Arc<Self>, tasks: &TaskList, topic: &Topic, mut open: OpenLog) {
        let log = {
            let mut queues = self.queues.lock();
            let log = queues.add(topic.clone(), open.reader.log(), open.past);
            queues.logs[log].position = open.reader.position();
            for stored in open.last.drain(..) {
                queues.push(log, stored, None);
            }
            log
        };
        let following = follow(Arc::clone(self), log, topic.clone(), open);
        let task = AbortOnDropHandle::new(tokio::spawn(following));
        tasks.lock().push(task);
    }
}

/// Reads a log, until the tail needs no more of it.
async fn follow(shared: Arc<Shared>, log: usize, topic: Topic, mut open: OpenLog) {
    let mut ledgers = open
        .past
        .map(|_| Ledgers::new(&shared.connection, open.reader.log().0));
    let mut last = open.reader.position();
    loop {
        let (end, is_bounded) = wait_for_room(&shared, log).await;
        let read = match end {
            Some(end) => open.reader.next_until(end).await,
            None if is_bounded => return,
            None => {
                let mut changed = pin!(shared.changed.notified());
                changed.as_mut().enable();
                tokio::select! {
                    messages = open.reader.next() => messages.map(Some),
                    () = changed => Ok(Some(Vec::new())),
                }
            }
        };
        // What was removed before the first message of a tail from a time may be older than that.
        let is_begun = last.is_some() || open.since.is_none();
        let missed = match (&mut ledgers, next_of(&read, last, end)) {
            (Some(ledgers), Some(next)) if is_begun => ledgers.missed(last, next).await,
            _ => 0,
        };
        if let Ok(Some(messages)) = &read {
            last = messages.last().map(|message| message.id).or(last);
        }
        let mut queues = shared.queues.lock();
        if missed > 0 {
            queues.errors.push(removed(&topic, missed));
        }
        match read {
            Ok(read) => {
                let is_done = read.is_none();
                take(&mut queues, log, &topic, &open, read.unwrap_or_default());
                if is_done || end.is_some_and(|end| open.reader.has_passed(end)) {
                    queues.logs[log].past = None;
                }
            }
            Err(failed) => {
                let place = &mut queues.logs[log];
                if failed.kind() == ErrorKind::NotFound {
                    (place.is_gone, place.past) = (true, None);
                    queues.errors.push(deleted(&topic));
                    if let Ok(name) = shared.connection.config.names.topic_name(&topic) {
                        shared.connection.topics.forget(&name);
                    }
                } else {
                    queues.errors.push(failed);
                }
                drop(queues);
                shared.read.notify_waiters();
                return;
            }
        }
        drop(queues);
        shared.read.notify_waiters();
    }
}

/// Returns the next message that there is behind the last one that was read; if it is behind the end, which was not read, about
/// where it is.
fn next_of(
    read: &Result<Option<Vec<Inbound>>>,
    last: Option<MessageId>,
    end: Option<MessageId>,
) -> Option<MessageId> {
    let at = |id: MessageId| (id.ledger, id.entry);
    match (read, end) {
        (Ok(Some(messages)), _) => messages.first().map(|message| message.id),
        (Ok(None), Some(end)) if last.is_none_or(|last| at(last) < at(end)) => Some(MessageId {
            ledger: end.ledger + 1,
            ..end
        }),
        _ => None,
    }
}

fn removed(topic: &Topic, count: u64) -> TransportError {
    let entries = if count == 1 { "entry" } else { "entries" };
    let message = format!("retention or a truncation removed {count} {entries} of {topic}");
    error(ErrorKind::Gap, message)
}

fn deleted(topic: &Topic) -> TransportError {
    let message =
        format!("topic {topic} was deleted; if it is created again, it is read from its beginning");
    error(ErrorKind::Gap, message)
}

fn take(queues: &mut Queues, log: usize, topic: &Topic, open: &OpenLog, messages: Vec<Inbound>) {
    let place = &mut queues.logs[log];
    place.position = open.reader.position();
    let end = (place.past, queues.is_bounded);
    for message in messages {
        let at = (message.id.ledger, message.id.entry);
        let is_wanted = match end {
            (Some(past), true) => at <= (past.ledger, past.entry),
            (None, true) => false,
            (_, false) => true,
        };
        let is_late_enough = open.since.is_none_or(|since| message.time >= since);
        if is_wanted && is_late_enough {
            queues.push(log, message.stored(topic), message.due);
        }
    }
}

/// Waits until the caller has taken enough; returns the end up to which to read, and whether the tail ends there.
async fn wait_for_room(shared: &Shared, log: usize) -> (Option<MessageId>, bool) {
    wait_until(&shared.changed, || {
        let queues = shared.queues.lock();
        let has_room = queues.len(log) < AHEAD;
        has_room.then(|| (queues.logs[log].past, queues.is_bounded))
    })
    .await
}

/// Adds topics that match and are created later, also those that were deleted before.
async fn watch(shared: Arc<Shared>, tasks: TaskList) {
    loop {
        sleep(LOOK_EVERY).await;
        if let Err(failed) = shared.open_topics(&tasks, TailFrom::Earliest).await {
            tracing::debug!(%failed, "topics could not be opened");
        }
    }
}

async fn watch_cancelled(shared: Arc<Shared>) {
    loop {
        sleep(LOOK_FOR_CANCELLED).await;
        let has_early = shared.queues.lock().has_early();
        if has_early && let Err(failed) = shared.look_for_cancelled().await {
            tracing::debug!(%failed, "cancelled events could not be read");
        }
    }
}

#[async_trait]
impl Tail for PulsarTail {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        let shared = &self.shared;
        let taken = wait_until_due(&shared.read, || {
            let mut queues = shared.queues.lock();
            let failed = queues.errors.take_notice();
            if let Some(failed) = failed.or_else(|| queues.errors.take_failure()) {
                return Ok(Err(failed));
            }
            queues.take(max.max(1)).map(Ok)
        })
        .await;
        shared.changed.notify_waiters();
        taken
    }

    async fn until_end(&mut self) -> Result<()> {
        let logs: Vec<(String, i32)> = {
            let queues = self.shared.queues.lock();
            let logs = queues.logs.iter();
            logs.map(|log| (log.name.clone(), log.partition)).collect()
        };
        let mut ends = Vec::with_capacity(logs.len());
        for (log, partition) in logs {
            let end = Reader::open_at_end(&self.shared.connection, log, partition).await?;
            ends.push(end.position());
        }
        self.shared.queues.lock().bound(ends);
        self.shared.changed.notify_waiters();
        self.shared.read.notify_waiters();
        Ok(())
    }
}
