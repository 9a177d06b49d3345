//! Reading without a group.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;

use super::Result;
use crate::event::{Pattern, Stored};

/// The topics to read, the start and the end.
#[derive(Debug, Clone)]
pub struct TailRequest {
    /// The topics. A message that matches several patterns is shown once.
    pub patterns: Vec<Pattern>,
    /// The start.
    pub from: TailFrom,
    /// Ends after the last message that was stored when the tail was opened.
    pub until_end: bool,
}

/// Where a tail starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailFrom {
    /// With messages stored from now on.
    Now,
    /// With the oldest message that is still stored.
    Earliest,
    /// With the first message stored at or after this time.
    Time(SystemTime),
    /// With the last N messages that match.
    Last(u64),
}

/// An open read.
#[async_trait]
pub trait Tail: fmt::Debug + Send {
    /// Waits for messages and returns at most `max`; an empty list means that the end was reached.
    ///
    /// May be dropped; no message is skipped.
    ///
    /// # Errors
    /// If the connection is lost for good. A gap left by retention is an error of kind
    /// [`ErrorKind::Gap`](super::ErrorKind::Gap), after which reading continues behind it. [`ErrorKind::Warning`](super::ErrorKind::Warning) skips nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>>;

    /// Makes the tail end after the last message that is stored now, as [`until_end`](TailRequest::until_end) does at
    /// the start. No message is skipped.
    ///
    /// May be dropped; the tail may then end or not, and the call may be repeated.
    ///
    /// # Errors
    /// If the store does not return its end; the tail continues as before.
    async fn until_end(&mut self) -> Result<()>;
}
