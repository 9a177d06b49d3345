//! Responses of handlers: published and confirmed before their cause is acknowledged.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};

use super::run::{failure_replies::take_verdict, finished::FinishedRun};
use crate::{
    failpoint,
    runtime::joined,
    transport::{ErrorKind, Outgoing, Receipt, Result, Ticket, Transport, TransportError, Verdict},
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Causes whose responses go into one batch.
const BATCH: usize = 256;

/// A cause and its responses that are not stored yet.
struct PendingResponses {
    cause: FinishedRun,
    left: Vec<Outgoing>,
    tries: u32,
    since: Instant,
}

/// Result of publishing the responses of a cause.
pub(super) enum Answered {
    /// All of them are stored.
    Stored(FinishedRun),
    /// The store will never take one of them, because of its content: a failed run.
    Refused(FinishedRun, TransportError),
    /// The store takes no response at all, for example for lack of permission: not the fault of the event.
    Barred(FinishedRun, TransportError),
    /// The store did not answer within the lease of the cause.
    GivenUp(FinishedRun, TransportError),
    /// The reply to a request that is given up is stored, or cannot be.
    Reported(FinishedRun, Verdict, Option<TransportError>),
}

type Results = Vec<Result<Receipt>>;
type Failed = fn(FinishedRun, TransportError) -> Answered;

/// See the module.
pub(super) struct Responses {
    transport: Arc<dyn Transport>,
    patience: Duration,
    waiting: Vec<PendingResponses>,
    in_progress: Option<(Vec<PendingResponses>, JoinHandle<Results>)>,
    retry_at: Option<Instant>,
}

impl Responses {
    pub(super) fn new(transport: Arc<dyn Transport>, patience: Duration) -> Self {
        Self {
            transport,
            patience,
            waiting: Vec::new(),
            in_progress: None,
            retry_at: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
            + self
                .in_progress
                .as_ref()
                .map_or(0, |(answers, _)| answers.len())
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let in_progress = self.in_progress.iter().flat_map(|(answers, _)| answers);
        let all = self.waiting.iter().chain(in_progress);
        all.map(|answer| answer.cause.delivery.ticket())
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.retry_at.filter(|_| self.in_progress.is_none())
    }

    pub(super) fn add(&mut self, cause: FinishedRun, responses: Vec<Outgoing>) {
        self.waiting.push(PendingResponses {
            cause,
            left: responses,
            tries: 0,
            since: Instant::now(),
        });
    }

    /// Starts to publish a batch, unless one is in progress or a pause after a failure has not ended.
    pub(super) fn start(&mut self) {
        let paused = self.retry_at.is_some_and(|at| Instant::now() < at);
        if self.in_progress.is_some() || self.waiting.is_empty() || paused {
            return;
        }
        self.retry_at = None;
        let answers: Vec<PendingResponses> = self
            .waiting
            .drain(..self.waiting.len().min(BATCH))
            .collect();
        let batch: Vec<Outgoing> = answers
            .iter()
            .flat_map(|answer| answer.left.iter().cloned())
            .collect();
        let transport = Arc::clone(&self.transport);
        let task = tokio::spawn(async move { transport.publish(batch).await });
        self.in_progress = Some((answers, task));
    }

    /// Waits for the batch in progress; indefinitely if there is none. Cancellation-safe.
    pub(super) async fn next(&mut self) -> Results {
        let Some((_, task)) = &mut self.in_progress else {
            return std::future::pending().await;
        };
        match joined(task).await {
            Some(results) => results,
            // The executor is shutting down, and this task with it.
            None => std::future::pending().await,
        }
    }

    /// Takes the warnings of the transport since the previous batch.
    pub(super) fn warnings(&self) -> Vec<TransportError> {
        let scheme = self.transport.scheme();
        let warning = |text| TransportError::new(scheme, ErrorKind::Warning, text);
        self.transport.warnings().into_iter().map(warning).collect()
    }

    /// Takes the results of the batch in progress. Responses that may still succeed stay and are published again.
    pub(super) fn apply(&mut self, results: Results) -> Vec<Answered> {
        let Some((answers, _)) = self.in_progress.take() else {
            return Vec::new();
        };
        failpoint::reach("consume.responses_stored");
        let mut results = results.into_iter();
        let mut answered = Vec::new();
        // Responses that are published again stay in front of later ones.
        let later = std::mem::take(&mut self.waiting);
        for answer in answers {
            // A missing result is not a confirmation.
            let unknown = || Err(TransportError::unanswered(self.transport.scheme()));
            let own = (0..answer.left.len())
                .map(|_| results.next().unwrap_or_else(unknown))
                .collect();
            answered.extend(self.sort_out(answer, own).map(reported));
        }
        self.waiting.extend(later);
        answered
    }

    fn sort_out(&mut self, mut answer: PendingResponses, results: Results) -> Option<Answered> {
        let mut error = None;
        let mut left = Vec::new();
        for (outgoing, result) in std::mem::take(&mut answer.left).into_iter().zip(results) {
            match result {
                Ok(_) => {}
                Err(failed) if may_pass(&failed) => {
                    left.push(outgoing);
                    error = error.or(Some(failed));
                }
                Err(barred) if is_store_wide(&barred) => {
                    return Some(Answered::Barred(answer.cause, barred));
                }
                Err(refused) => return Some(Answered::Refused(answer.cause, refused)),
            }
        }
        let Some(error) = error else {
            return Some(Answered::Stored(answer.cause));
        };
        if answer.since.elapsed() >= self.patience {
            return Some(Answered::GivenUp(answer.cause, error));
        }
        answer.left = left;
        answer.tries += 1;
        let pause = FIRST_PAUSE.saturating_mul(1 << answer.tries.min(10)) / 2;
        self.retry_at = Some(Instant::now() + pause.min(MAX_PAUSE).min(self.patience / 2));
        self.waiting.push(answer);
        None
    }

    /// Drops everything and returns the causes.
    pub(super) fn abandon(&mut self) -> Vec<FinishedRun> {
        let in_progress = self.in_progress.take().map(|(answers, _)| answers);
        let all = self
            .waiting
            .drain(..)
            .chain(in_progress.into_iter().flatten());
        all.map(|answer| answer.cause).collect()
    }
}

/// Tells the reply to a request that is given up from other responses.
fn reported(answered: Answered) -> Answered {
    let (mut cause, error) = match answered {
        Answered::Stored(cause) => (cause, None),
        Answered::Refused(cause, error) => (cause, Some((Answered::Refused as Failed, error))),
        Answered::Barred(cause, error) => (cause, Some((Answered::Barred as Failed, error))),
        Answered::GivenUp(cause, error) => (cause, Some((Answered::GivenUp as Failed, error))),
        reported @ Answered::Reported(..) => return reported,
    };
    match (take_verdict(&mut cause), error) {
        (Some(verdict), error) => Answered::Reported(cause, verdict, error.map(|(_, error)| error)),
        (None, Some((failed, error))) => failed(cause, error),
        (None, None) => Answered::Stored(cause),
    }
}

/// Reports whether publishing again may succeed. After an unknown outcome it may store a response twice, but never loses
/// one.
fn may_pass(error: &TransportError) -> bool {
    let kind = error.kind();
    error.is_transient()
        || matches!(
            kind,
            ErrorKind::Ambiguous | ErrorKind::Full | ErrorKind::Other
        )
}

/// Reports whether the store would refuse any response like this, so that it must not cost the event an attempt.
fn is_store_wide(error: &TransportError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Denied | ErrorKind::Configuration | ErrorKind::Corrupt
    )
}
