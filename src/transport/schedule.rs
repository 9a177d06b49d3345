//! Delayed events: accepted now, delivered when due.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Result;
use crate::event::Message;

/// The id of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduleId(pub String);

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A delayed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// When it is delivered.
    pub due: SystemTime,
    /// The message.
    pub message: Message,
}

/// The most schedules that [`Schedules::find`] returns.
pub const FIND_LIMIT: usize = 100;

/// Returns the first [`FIND_LIMIT`] schedules in order of time, those of one time in order of id.
#[must_use]
pub fn first_due(mut schedules: Vec<Schedule>) -> Vec<Schedule> {
    schedules.sort_by(|a, b| a.due.cmp(&b.due).then_with(|| a.id.cmp(&b.id)));
    schedules.truncate(FIND_LIMIT);
    schedules
}

/// The delayed events of a transport.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Reads the pending schedules, in order of time where the broker can. Changes nothing.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>>;

    /// Returns the pending schedules whose id begins with `prefix`: the first [`FIND_LIMIT`] in the order of
    /// [`first_due`].
    ///
    /// # Errors
    /// If the server does not answer.
    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>> {
        let mut scan = self.scan().await?;
        let mut found = Vec::new();
        loop {
            let page = scan.next(500).await?;
            if page.is_empty() {
                return Ok(first_due(found));
            }
            found.extend(page.into_iter().filter(|one| one.id.0.starts_with(prefix)));
            if found.len() > 10 * FIND_LIMIT {
                found = first_due(found);
            }
        }
    }

    /// Cancels a schedule; `false` means that it was delivered already or does not exist.
    ///
    /// # Errors
    /// If the server does not answer. [`super::ErrorKind::Ambiguous`] if it may be delivered at this moment.
    async fn cancel(&self, id: &ScheduleId) -> Result<bool>;

    /// Changes the due time of a schedule; `false` means that it was delivered already or does not exist.
    ///
    /// # Errors
    /// If the server does not answer, or the transport does not support that delay.
    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool>;

    /// Delivers due events until dropped. Returns at once where the broker does that itself.
    ///
    /// # Errors
    /// If the connection is lost for good.
    async fn run(&self) -> Result<()> {
        Ok(())
    }
}

/// An open read of schedules.
#[async_trait]
pub trait ScheduleScan: Send {
    /// Returns at most `max` schedules; an empty list means that the end was reached.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>>;
}
