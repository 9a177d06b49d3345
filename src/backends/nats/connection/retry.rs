//! Repeating an operation while the connection, a leader or an answer is missing.
//!
//! A cluster that elects a leader looks like one that is not there: a message to a stream finds no responder, a request
//! gets no answer or "temporarily unavailable", and the connection is as good as ever. An election takes a few seconds,
//! a restart of a server some more, so half a minute rides out both.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::error::{ApiError, is_transient_code},
    transport::TransportError,
};

/// How long an outage is ridden out.
pub(crate) const RIDE_OUT: Duration = Duration::from_secs(30);
/// The pause between two attempts. An election takes seconds, so that more requests would not end it sooner, and each
/// of them is one more that the new leader has to answer.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);

/// Errors that may go away by themselves.
pub(crate) trait Transient {
    /// Reports whether the same operation may succeed later.
    fn is_transient(&self) -> bool;
}

impl Transient for TransportError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

impl Transient for ApiError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Refused { code, .. } => is_transient_code(*code),
            Self::Unanswered(failed) | Self::NotStored(failed) => failed.is_transient(),
        }
    }
}

/// The outcome of one attempt.
#[derive(Debug)]
pub(crate) enum Attempt<T, E> {
    /// It succeeded, or failed for good.
    Final(Result<T, E>),
    /// It may succeed later.
    Again(E),
    /// It failed before the deadline, and the connection that it lacked is back: it is repeated even if that took until after
    /// the deadline.
    Reconnected(E),
}

/// Repeats an operation that may happen twice while its failures are transient, at most until the deadline.
pub(crate) async fn until<T, E, F>(deadline: Instant, mut op: impl FnMut() -> F) -> Result<T, E>
where
    E: Transient,
    F: Future<Output = Result<T, E>>,
{
    attempts(deadline, |_| {
        let attempt = op();
        async move {
            match attempt.await {
                Err(failed) if failed.is_transient() => Attempt::Again(failed),
                result => Attempt::Final(result),
            }
        }
    })
    .await
}

/// Repeats an operation while its failures are transient, for as long as it is wanted.
pub(crate) async fn forever<T, E, F>(mut op: impl FnMut() -> F) -> Result<T, E>
where
    E: Transient,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match op().await {
            Err(failed) if failed.is_transient() => sleep(PAUSE).await,
            result => return result,
        }
    }
}

/// Repeats an operation that says itself whether to repeat it, at most until the deadline. It is given the failure of
/// the attempt before: an attempt that got no answer may have been carried out, which those after it must not forget.
pub(crate) async fn attempts<T, E, F>(
    deadline: Instant,
    mut op: impl FnMut(Option<E>) -> F,
) -> Result<T, E>
where
    F: Future<Output = Attempt<T, E>>,
{
    let mut last = None;
    loop {
        match op(last.take()).await {
            Attempt::Final(result) => return result,
            Attempt::Again(failed) if Instant::now() >= deadline => return Err(failed),
            Attempt::Again(failed) | Attempt::Reconnected(failed) => last = Some(failed),
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::transport::ErrorKind;

    fn failed(kind: ErrorKind) -> TransportError {
        TransportError::new("nats", kind, "no")
    }

    async fn tries(outcome: impl Fn(u32) -> Result<(), TransportError>) -> (bool, u32) {
        let count = Cell::new(0);
        let deadline = Instant::now() + RIDE_OUT;
        let result = until(deadline, || {
            count.set(count.get() + 1);
            std::future::ready(outcome(count.get()))
        });
        (result.await.is_ok(), count.get())
    }

    #[tokio::test(start_paused = true)]
    async fn transient_failures_are_ridden_out() {
        let third = |count| match count {
            3 => Ok(()),
            _ => Err(failed(ErrorKind::Unavailable)),
        };
        assert_eq!(tries(third).await, (true, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn other_failures_are_returned_at_once() {
        let denied = |_| Err(failed(ErrorKind::Denied));
        assert_eq!(tries(denied).await, (false, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_comes_back_late_is_used() {
        let count = Cell::new(0);
        let result: Result<u32, TransportError> = attempts(Instant::now(), |last| {
            let number = count.replace(count.get() + 1);
            std::future::ready(match last {
                None => Attempt::Reconnected(failed(ErrorKind::Unavailable)),
                Some(_) => Attempt::Final(Ok(number)),
            })
        })
        .await;
        assert_eq!(result.ok(), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_lasts_is_returned_at_the_deadline() {
        let begun = Instant::now();
        let (is_ok, _) = tries(|_| Err(failed(ErrorKind::Unavailable))).await;
        assert!(!is_ok && begun.elapsed() >= RIDE_OUT);
    }
}
