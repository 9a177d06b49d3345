//! Where a membership begins and, if it is bounded, where it ends.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, MutexGuard},
    time::SystemTime,
};

use crate::{
    backends::kafka::{
        codec::record,
        connection::handle::{Connection, Watermarks},
        read::open_transactions,
    },
    event::Topic,
    lock::Mutex,
    transport::{Result, StartFrom},
};

/// Where a membership begins on partitions of which its group has no position, and where it ends.
#[derive(Debug)]
pub(crate) struct Course {
    from: StartFrom,
    /// The partitions that were there when it joined: behind what everybody can see, and behind everything.
    known: HashMap<(String, i32), (i64, i64)>,
    /// Topics that were deleted and created again since.
    recreated: Mutex<HashSet<String>>,
    pub(crate) until_end: bool,
    /// When it joined, in milliseconds since the epoch.
    pub(crate) joined: i64,
}

impl Course {
    /// Looks at what is there.
    pub(crate) async fn plan(
        connection: &Arc<Connection>,
        topics: &[(Topic, String, i32)],
        from: StartFrom,
        until_end: bool,
    ) -> Result<Self> {
        let mut known = HashMap::new();
        if until_end || from != StartFrom::Earliest {
            let places: Vec<(String, i32)> = topics
                .iter()
                .flat_map(|(_, name, count)| (0..*count).map(|partition| (name.clone(), partition)))
                .collect();
            let ends = open_transactions::ends(connection, &places).await?;
            let bounds = connection.bounds(places.clone()).await?;
            let visible = bounds.into_iter().map(|bounds| bounds.high);
            known = places.into_iter().zip(visible.zip(ends)).collect();
        }
        Ok(Self {
            from,
            known,
            recreated: Mutex::default(),
            until_end,
            joined: record::millis(SystemTime::now()),
        })
    }

    /// Returns the offset with which a group begins on a partition of which it has no position; `at_time` looks up the
    /// first record that is not older than a time, or the end of what everybody can see.
    pub(crate) fn begin(
        &self,
        (name, partition): (&str, i32),
        bounds: Watermarks,
        at_time: impl FnOnce(SystemTime) -> Result<i64>,
    ) -> Result<i64> {
        let known = self.known(name, partition);
        let known = known.filter(|_| !self.lock().contains(name));
        let begin = match (self.from, known) {
            (StartFrom::New, Some((visible, _))) => *visible,
            (StartFrom::Time(time), Some(_)) => at_time(time)?,
            // What stands in a partition that was made later is new.
            (StartFrom::Earliest, _) | (_, None) => bounds.low,
        };
        Ok(begin.max(bounds.low))
    }

    /// Returns the offset before which a bounded membership ends; what is in a partition that was made later is behind
    /// its end.
    pub(crate) fn end(&self, name: &str, partition: i32) -> Option<i64> {
        if !self.until_end {
            return None;
        }
        Some(self.known(name, partition).map_or(0, |(_, end)| *end))
    }

    /// Notes that a topic was deleted and created again: what is there now is new.
    pub(crate) fn was_recreated(&self, name: &str) {
        self.lock().insert(name.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.recreated.lock()
    }

    fn known(&self, name: &str, partition: i32) -> Option<&(i64, i64)> {
        self.known.get(&(name.to_owned(), partition))
    }
}
