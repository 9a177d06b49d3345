//! Messages that were read from several logs, merged by time.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::{Duration, SystemTime},
};

use crate::{
    backends::{delivery_buffer::errors::PendingErrors, pulsar::codec::message_id::MessageId},
    event::{Position, Stored, Topic},
};

/// A log that is read.
#[derive(Debug)]
pub(super) struct LogQueue {
    pub(super) topic: Topic,
    /// Pulsar's name of it, and the number of its partition.
    pub(super) name: String,
    pub(super) partition: i32,
    messages: VecDeque<Stored>,
    /// The last message when the tail was opened, unless everything up to it was read.
    pub(super) past: Option<MessageId>,
    /// The last message that was read.
    pub(super) position: Option<MessageId>,
    /// Its topic was deleted.
    pub(super) is_gone: bool,
}

/// The messages of a tail.
#[derive(Debug, Default)]
pub(super) struct Queues {
    pub(super) logs: Vec<LogQueue>,
    /// Messages that are not due yet, in order of time.
    early: BTreeMap<(SystemTime, u64), Stored>,
    next_early: u64,
    /// Where delayed events are stored that were cancelled.
    cancelled: HashSet<Position>,
    /// The tail ends with what was stored when it was opened.
    pub(super) is_bounded: bool,
    pub(super) errors: PendingErrors,
}

impl Queues {
    pub(super) fn add(
        &mut self,
        topic: Topic,
        (name, partition): (&str, i32),
        past: Option<MessageId>,
    ) -> usize {
        self.logs.push(LogQueue {
            topic,
            name: name.to_owned(),
            partition,
            messages: VecDeque::new(),
            past,
            position: None,
            is_gone: false,
        });
        self.logs.len() - 1
    }

    /// Adds a message behind the others of its log; a delayed one is shown when it is due.
    pub(super) fn push(&mut self, log: usize, stored: Stored, due: Option<SystemTime>) {
        if self.cancelled.contains(&stored.position) {
            return;
        }
        if let Some(due) = due.filter(|due| *due > SystemTime::now()) {
            if !self.is_bounded {
                self.next_early += 1;
                self.early.insert((due, self.next_early), stored);
            }
            return;
        }
        self.logs[log].messages.push_back(stored);
    }

    /// Leaves out delayed events that were cancelled.
    pub(super) fn cancel(&mut self, positions: Vec<Position>) {
        self.cancelled.extend(positions);
        let cancelled = &self.cancelled;
        self.early
            .retain(|_, one| !cancelled.contains(&one.position));
    }

    /// Reports whether events wait for their time.
    pub(super) fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Returns how many messages of a log were read and not taken.
    pub(super) fn len(&self, log: usize) -> usize {
        self.logs[log].messages.len()
    }

    /// Takes at most `max` messages; no messages are the end. Else returns how long nothing becomes due.
    pub(super) fn take(&mut self, max: usize) -> Result<Vec<Stored>, Duration> {
        let mut taken = Vec::new();
        while taken.len() < max {
            match self.pop() {
                Some(stored) => taken.push(stored),
                None => break,
            }
        }
        let is_past = self.logs.iter().all(|log| log.past.is_none());
        let is_empty = self.logs.iter().all(|log| log.messages.is_empty());
        if !taken.is_empty() || self.is_bounded && is_past && is_empty {
            return Ok(taken);
        }
        let next = self.early.keys().next();
        let pause = next.map(|(due, _)| due.duration_since(SystemTime::now()).unwrap_or_default());
        Err(pause.unwrap_or(Duration::from_mins(1)))
    }

    /// Keeps the last `count` messages of all logs.
    pub(super) fn keep_last(&mut self, count: u64) {
        let mut times: Vec<_> = self
            .logs
            .iter()
            .enumerate()
            .flat_map(|(number, log)| log.messages.iter().map(move |one| (one.time, number)))
            .collect();
        times.sort_unstable();
        let surplus = times
            .len()
            .saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
        for (_, number) in times.into_iter().take(surplus) {
            self.logs[number].messages.pop_front();
        }
    }

    /// Makes the tail end with these messages, one for each log.
    pub(super) fn bound(&mut self, ends: Vec<Option<MessageId>>) {
        let at = |id: MessageId| (id.ledger, id.entry);
        for (log, end) in self.logs.iter_mut().zip(ends) {
            let position = log.position;
            log.past = end.filter(|end| position.is_none_or(|here| at(here) < at(*end)));
        }
        self.is_bounded = true;
    }

    /// Takes the oldest message. While a log is not read up to its end, an older one may come from it.
    fn pop(&mut self) -> Option<Stored> {
        let now = SystemTime::now();
        let is_due = self
            .early
            .first_key_value()
            .is_some_and(|((due, _), _)| *due <= now);
        if is_due {
            return self.early.pop_first().map(|(_, stored)| stored);
        }
        let waits = |log: &LogQueue| log.past.is_some() && log.messages.is_empty();
        if self.logs.iter().any(waits) {
            return None;
        }
        let head = |log: &LogQueue| log.messages.front().map(|stored| stored.time);
        let heads = self.logs.iter().enumerate();
        let heads = heads.filter_map(|(number, log)| Some((head(log)?, number)));
        let (_, oldest) = heads.min()?;
        self.logs[oldest].messages.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Message, Position};

    fn stored(second: u64) -> Stored {
        Stored {
            message: Message::new("order".parse().unwrap(), second.to_string()),
            position: Position::number(second),
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
        }
    }

    fn numbers(taken: &[Stored]) -> Vec<&str> {
        taken.iter().map(|one| one.position.as_str()).collect()
    }

    #[test]
    fn the_past_is_merged_by_time() {
        let mut queues = Queues::default();
        let end = Some(MessageId {
            ledger: 1,
            entry: 1,
            batch_index: -1,
            partition: -1,
        });
        let (a, b) = (
            queues.add("order".parse().unwrap(), ("order-partition-0", 0), end),
            queues.add("order".parse().unwrap(), ("order-partition-1", 1), end),
        );
        queues.push(a, stored(2), None);
        assert!(queues.take(9).is_err(), "an older one may come");
        queues.push(b, stored(1), None);
        queues.push(b, stored(3), None);
        assert_eq!(numbers(&queues.take(2).unwrap()), ["1", "2"]);
        assert!(queues.take(9).is_err());
        queues.logs[a].past = None;
        assert_eq!(numbers(&queues.take(9).unwrap()), ["3"]);
        queues.logs[b].past = None;
        queues.is_bounded = true;
        assert!(queues.take(9).unwrap().is_empty());
    }
}
