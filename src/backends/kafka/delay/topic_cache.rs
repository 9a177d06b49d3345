//! The target topics of delayed events that are known to exist. A record for a topic that does not exist would hold up all
//! others of its transaction for as long as librdkafka looks for it.

use std::{
    collections::{HashMap, HashSet},
    sync::MutexGuard,
};

use rdkafka::consumer::BaseConsumer;

use crate::{
    backends::kafka::{
        codec::record,
        connection::{
            client::{self, context::Context},
            handle::Connection,
            topics::partitions_in,
        },
    },
    lock::Mutex,
};

/// When a missing topic is looked up again, in milliseconds.
const AGAIN: i64 = 2000;

/// Which target topics exist.
#[derive(Debug, Default)]
pub(crate) struct TopicCache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    existing: HashSet<String>,
    /// Missing topics, and when to look them up again.
    missing: HashMap<String, i64>,
}

impl TopicCache {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    /// Reports whether a topic exists. Blocks.
    pub(crate) fn exists(
        &self,
        connection: &Connection,
        asking: &BaseConsumer<Context>,
        name: &str,
    ) -> bool {
        let mut known = self.lock();
        if known.existing.contains(name) {
            return true;
        }
        let again = known.missing.get(name).copied();
        if again.is_some_and(|again| record::now_millis() < again) {
            return false;
        }
        let found = client::metadata(asking, &connection.config, Some(name))
            .and_then(|found| partitions_in(&connection.config, &found, name));
        if let Ok(Some(_)) = found {
            known.missing.remove(name);
            return known.existing.insert(name.to_owned());
        }
        let is_news = known
            .missing
            .insert(name.to_owned(), record::now_millis() + AGAIN)
            .is_none();
        match found {
            Err(failed) => {
                tracing::debug!(%failed, name, "cannot find out whether a topic exists");
            }
            Ok(_) if is_news => tracing::warn!(
                "events for topic `{name}` are due, but there is no such topic: they are delivered once it exists"
            ),
            Ok(_) => {}
        }
        false
    }

    /// Forgets the topics that exist: one of them may have been deleted since.
    pub(crate) fn forget(&self) {
        self.lock().existing.clear();
    }
}
