//! Responses of handlers: confirmed stored before their cause is acknowledged.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::Instant};

use super::run::runs::Finished;
use crate::{
    failpoint,
    runtime::joined,
    transport::{ErrorKind, Outgoing, Receipt, Result, Ticket, Transport, TransportError},
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Causes whose responses go into one batch.
const BATCH: usize = 256;

/// A cause and those of its responses that are not stored yet.
struct Answer {
    cause: Finished,
    left: Vec<Outgoing>,
    tries: u32,
    since: Instant,
}

/// What became of the responses of a cause.
pub(super) enum Answered {
    /// All are stored.
    Stored(Finished),
    /// The store will never take one of them: the handler's doing.
    Refused(Finished, TransportError),
    /// The store takes nothing from us: not the handler's doing.
    Barred(Finished, TransportError),
    /// The store did not answer for as long as the cause was ours.
    GivenUp(Finished, TransportError),
}

type Results = Vec<Result<Receipt>>;

/// See the module.
pub(super) struct Responder {
    transport: Arc<dyn Transport>,
    patience: Duration,
    waiting: Vec<Answer>,
    underway: Option<(Vec<Answer>, JoinHandle<Results>)>,
    retry_at: Option<Instant>,
}

impl Responder {
    pub(super) fn new(transport: Arc<dyn Transport>, patience: Duration) -> Self {
        Self {
            transport,
            patience,
            waiting: Vec::new(),
            underway: None,
            retry_at: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
            + self
                .underway
                .as_ref()
                .map_or(0, |(answers, _)| answers.len())
    }

    pub(super) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let underway = self.underway.iter().flat_map(|(answers, _)| answers);
        let all = self.waiting.iter().chain(underway);
        all.map(|answer| answer.cause.delivery.ticket())
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.retry_at.filter(|_| self.underway.is_none())
    }

    pub(super) fn add(&mut self, cause: Finished, responses: Vec<Outgoing>) {
        self.waiting.push(Answer {
            cause,
            left: responses,
            tries: 0,
            since: Instant::now(),
        });
    }

    /// Starts to publish what waits, unless a batch is under way or the store is being given a pause.
    pub(super) fn start(&mut self) {
        let paused = self.retry_at.is_some_and(|at| Instant::now() < at);
        if self.underway.is_some() || self.waiting.is_empty() || paused {
            return;
        }
        self.retry_at = None;
        let answers: Vec<Answer> = self
            .waiting
            .drain(..self.waiting.len().min(BATCH))
            .collect();
        let batch: Vec<Outgoing> = answers
            .iter()
            .flat_map(|answer| answer.left.iter().cloned())
            .collect();
        let transport = Arc::clone(&self.transport);
        let task = tokio::spawn(async move { transport.publish(batch).await });
        self.underway = Some((answers, task));
    }

    /// Waits for the batch under way; for ever if there is none. May be dropped.
    pub(super) async fn next(&mut self) -> Results {
        let Some((_, task)) = &mut self.underway else {
            return std::future::pending().await;
        };
        match joined(task).await {
            Some(results) => results,
            // The executor shuts down, and this task with it.
            None => std::future::pending().await,
        }
    }

    /// Takes what the transport warns of since responses were published last.
    pub(super) fn warnings(&self) -> Vec<TransportError> {
        let scheme = self.transport.scheme();
        let warning = |text| TransportError::new(scheme, ErrorKind::Warning, text);
        self.transport.warnings().into_iter().map(warning).collect()
    }

    /// Sorts out what the batch under way came to; what may still succeed stays.
    pub(super) fn apply(&mut self, results: Results) -> Vec<Answered> {
        let Some((answers, _)) = self.underway.take() else {
            return Vec::new();
        };
        failpoint::reach("consume.responses_stored");
        let mut results = results.into_iter();
        let mut answered = Vec::new();
        // What is to be published again stays before what came later.
        let later = std::mem::take(&mut self.waiting);
        for answer in answers {
            // A result that is missing is no confirmation.
            let unknown = || Err(TransportError::unanswered(self.transport.scheme()));
            let own = (0..answer.left.len())
                .map(|_| results.next().unwrap_or_else(unknown))
                .collect();
            answered.extend(self.sort_out(answer, own));
        }
        self.waiting.extend(later);
        answered
    }

    fn sort_out(&mut self, mut answer: Answer, results: Results) -> Option<Answered> {
        let mut error = None;
        let mut left = Vec::new();
        for (outgoing, result) in std::mem::take(&mut answer.left).into_iter().zip(results) {
            match result {
                Ok(_) => {}
                Err(failed) if may_pass(&failed) => {
                    left.push(outgoing);
                    error = error.or(Some(failed));
                }
                Err(barred) if is_ours(&barred) => {
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

    /// Gives up on everything and returns the causes.
    pub(super) fn abandon(&mut self) -> Vec<Finished> {
        let underway = self.underway.take().map(|(answers, _)| answers);
        let all = self.waiting.drain(..).chain(underway.into_iter().flatten());
        all.map(|answer| answer.cause).collect()
    }
}

/// Publishing again after an unknown outcome may double a response, never lose it.
fn may_pass(error: &TransportError) -> bool {
    let kind = error.kind();
    error.is_transient()
        || matches!(
            kind,
            ErrorKind::Ambiguous | ErrorKind::Full | ErrorKind::Other
        )
}

/// Reports whether any response would be refused like this: no attempt of the event must be spent on it.
fn is_ours(error: &TransportError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Denied | ErrorKind::Configuration | ErrorKind::Corrupt
    )
}
