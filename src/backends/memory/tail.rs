//! `Transport::tail`: reading without a group.

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use super::store::{Entry, State, Store};
use crate::{
    event::{Pattern, Stored},
    transport::{Result, Tail, TailFrom, TailRequest},
};

/// An open tail.
#[derive(Debug)]
pub(super) struct MemoryTail {
    store: Arc<Store>,
    patterns: Vec<Pattern>,
    next: u64,
    end: Option<u64>,
}

impl MemoryTail {
    /// Opens a tail at the requested position.
    pub(super) fn open(store: &Arc<Store>, request: TailRequest) -> Self {
        let (next, end) = store.look(|state| {
            let next = first(state, &request.patterns, request.from);
            (next, state.end())
        });
        Self {
            store: Arc::clone(store),
            patterns: request.patterns,
            next,
            end: request.until_end.then_some(end),
        }
    }

    /// Returns the next messages; `Continue` if there are none yet.
    fn read(&mut self, state: &State, max: usize) -> ControlFlow<Vec<Stored>> {
        let end = self.end.unwrap_or(u64::MAX);
        let mut found = Vec::new();
        for (number, entry) in state.log.range(self.next.min(end)..end) {
            if matches(&self.patterns, entry) {
                found.push(entry.stored.clone());
            }
            self.next = number + 1;
            if found.len() == max {
                break;
            }
        }
        if found.is_empty() && self.end.is_none() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(found)
        }
    }
}

fn matches(patterns: &[Pattern], entry: &Entry) -> bool {
    let topic = &entry.stored.message.topic;
    patterns.iter().any(|pattern| pattern.matches(topic))
}

fn first(state: &State, patterns: &[Pattern], from: TailFrom) -> u64 {
    let end = state.end();
    let mut log = state.log.iter();
    let found = match from {
        TailFrom::Now => None,
        TailFrom::Earliest => log.next(),
        TailFrom::Time(time) => log.find(|(_, entry)| entry.stored.time >= time),
        TailFrom::Last(count) => log
            .rev()
            .filter(|(_, entry)| matches(patterns, entry))
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .last(),
    };
    found.map_or(end, |(number, _)| *number)
}

#[async_trait]
impl Tail for MemoryTail {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        let store = Arc::clone(&self.store);
        Ok(store
            .wait(|state, _| self.read(state, max.max(1)).break_value())
            .await)
    }

    async fn until_end(&mut self) -> Result<()> {
        let end = self.store.look(State::end);
        self.end.get_or_insert(end);
        Ok(())
    }
}
