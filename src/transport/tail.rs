//! Reading without a group.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;

use super::Result;
use crate::event::{Pattern, Stored};

/// What to read, from where, until where.
#[derive(Debug, Clone)]
pub struct TailRequest {
    /// Topics; a message that matches several is shown once.
    pub patterns: Vec<Pattern>,
    /// Where to start.
    pub from: TailFrom,
    /// End after what was there at the start.
    pub until_end: bool,
}

/// Where a tail starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailFrom {
    /// With what is stored from now on.
    Now,
    /// With the oldest kept.
    Earliest,
    /// With the first stored at or after this time.
    Time(SystemTime),
    /// With the last so many that match.
    Last(u64),
}

/// An open read.
#[async_trait]
pub trait Tail: fmt::Debug + Send {
    /// Waits for messages and returns at most `max`; none means that the end was reached.
    ///
    /// May be dropped: nothing is skipped.
    ///
    /// # Errors
    /// If the connection is lost for good. A gap that retention tore is an error of kind
    /// [`ErrorKind::Gap`](super::ErrorKind::Gap), after which reading goes on behind it. [`ErrorKind::Warning`](super::ErrorKind::Warning) skips nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>>;

    /// From now on ends behind what is stored now, as if it had been asked to
    /// ([`until_end`](TailRequest::until_end)); nothing is skipped.
    ///
    /// May be dropped: whether it ends is open then, and it may be asked again.
    ///
    /// # Errors
    /// If the store does not tell where its end is; the tail goes on as before.
    async fn until_end(&mut self) -> Result<()>;
}
