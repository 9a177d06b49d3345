//! Events accepted now and delivered later.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Result;
use crate::event::Message;

/// The name of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduleId(pub String);

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub id: ScheduleId,
    /// When it is delivered.
    pub due: SystemTime,
    /// The message.
    pub message: Message,
}

/// What waits for its time on a transport.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Reads what is pending, in order of time where the broker can, changing nothing.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn scan(&self) -> Result<Box<dyn ScheduleScan>>;

    /// Returns the pending schedules whose name begins so.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn find(&self, prefix: &str) -> Result<Vec<Schedule>>;

    /// Cancels a schedule; `false` means that it had fired or never was.
    ///
    /// # Errors
    /// If the server does not answer. [`super::ErrorKind::Ambiguous`] where it may be firing right now.
    async fn cancel(&self, id: &ScheduleId) -> Result<bool>;

    /// Gives a schedule another time; `false` means that it had fired or never was.
    ///
    /// # Errors
    /// If the server does not answer, or cannot keep the new time.
    async fn reschedule(&self, id: &ScheduleId, due: SystemTime) -> Result<bool>;

    /// Fires what becomes due until dropped; returns at once where nobody needs to be running.
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
    /// Returns at most `max` schedules; none means that the end was reached.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>>;
}
