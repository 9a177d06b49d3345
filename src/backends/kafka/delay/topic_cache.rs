//! Topics that events which are due go to. A record for one that is not there would hold up all others for as long as
//! the client looks for it.

use std::{
    collections::{HashMap, HashSet},
    sync::MutexGuard,
};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::partition::now;
use crate::{
    backends::kafka::connection::{
        client::{self, errors::ClientErrors},
        handle::{self, Connection},
    },
    lock::Mutex,
};

/// When to look again for a topic that is not there, in milliseconds.
const AGAIN: i64 = 2000;

/// What is known of topics that events go to.
#[derive(Debug, Default)]
pub(crate) struct Targets(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    there: HashSet<String>,
    /// Topics that are not there, and when to look again.
    missing: HashMap<String, i64>,
}

impl Targets {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    /// Tells whether a topic is there. Blocks.
    pub(crate) fn is_there(
        &self,
        connection: &Connection,
        asking: &BaseConsumer<ClientErrors>,
        name: &str,
    ) -> bool {
        let mut known = self.lock();
        if known.there.contains(name) {
            return true;
        }
        let again = known.missing.get(name).copied();
        if again.is_some_and(|again| now() < again) {
            return false;
        }
        let found = client::metadata(asking, asking.context(), &connection.config, Some(name))
            .and_then(|found| handle::partitions_in(&found, name));
        if let Ok(Some(_)) = found {
            known.missing.remove(name);
            return known.there.insert(name.to_owned());
        }
        let is_news = known
            .missing
            .insert(name.to_owned(), now() + AGAIN)
            .is_none();
        match found {
            Err(failed) => {
                tracing::debug!(%failed, name, "it is not known whether a topic is there");
            }
            Ok(_) if is_news => tracing::warn!(
                "events for the topic `{name}` are due, and there is no such topic: they wait for it"
            ),
            Ok(_) => {}
        }
        false
    }

    /// Topics may have been deleted since they were seen.
    pub(crate) fn forget(&self) {
        self.lock().there.clear();
    }
}
