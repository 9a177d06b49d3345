//! Batches of messages, now or at a later time.
//!
//! The messages of a batch are sent without waiting for the confirmation of those before, in an order that concurrent
//! batches do not mix. What got no confirmation is sent again under the same id, which the server recognises for two minutes
//! by default; an outage is ridden out for half of that.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{Subject, jetstream::message::PublishMessage};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use crate::{
    backends::nats::{
        connection::{
            handle::Connection,
            retry::{PAUSE, Transient as _},
            stream::{coverage, retention::Retention},
        },
        error::{self, ApiError, error},
        publish::{
            duplicates,
            prepared::{self, PreparedMessage, Progress, prepare},
            retention_cache::RetentionCache,
        },
    },
    event::Position,
    failpoint,
    transport::{ErrorKind, Outgoing, Receipt, Result, TransportError},
};

/// How long an outage is ridden out: the server must still recognise the id of a message then.
const RIDE_OUT: Duration = Duration::from_mins(1);

/// The most messages without a confirmation: enough that the server is never idle, and fewer than it refuses.
const WINDOW: usize = 4096;

/// Publishes to the stream that the URL names.
#[derive(Debug)]
pub(crate) struct Publisher {
    connection: Arc<Connection>,
    /// Held while a batch is sent, so that batches do not mix.
    order: Mutex<()>,
    /// Room for messages that wait for their confirmation.
    window: Arc<Semaphore>,
    retention: RetentionCache,
}

impl Publisher {
    /// Publishes over a connection.
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self {
            connection: Arc::clone(connection),
            order: Mutex::default(),
            window: Arc::new(Semaphore::new(WINDOW)),
            retention: RetentionCache::new(Arc::clone(connection)),
        }
    }

    /// Takes the warnings that were not reported yet.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.retention.take_warnings()
    }

    /// Publishes a batch and returns one result per message, in order.
    pub(crate) async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let connection = &*self.connection;
        let connects = connection.connects();
        let deadline = Instant::now() + RIDE_OUT;
        let turn = self.order.lock().await;
        let mut batch = prepare(connection, batch).await;
        let known = self.refuse_dropped(&mut batch).await;
        let watched = match &known {
            Some(retention) if !retention.needs_consumer() => Vec::new(),
            _ => watched(&batch),
        };
        let sent = self.send(batch, Some(turn));
        let (mut batch, mut retention) = if watched.is_empty() {
            (sent.await, None)
        } else {
            match self.with_retention(sent).await {
                (Some(batch), retention) => (batch, Some(retention)),
                (None, retention) => return unconfirmed(&retention, watched.len()),
            }
        };
        explain_not_stored(connection, &mut batch).await;
        while Instant::now() < deadline && should_repeat(connection, &batch, connects) {
            sleep(PAUSE).await;
            connection.wait_until_connected(deadline).await;
            batch = self.send(batch, None).await;
            explain_not_stored(connection, &mut batch).await;
            if retention
                .as_ref()
                .is_some_and(|retention| retention.is_unknown())
            {
                retention = Some(self.retention.beside_publish().await);
            }
        }
        if let Some(retention) = retention {
            self.check_kept(&retention, &watched, &mut batch);
        }
        batch.into_iter().map(prepared::result).collect()
    }

    /// Refuses messages that the stream is known to drop before they are sent. With `--require-consumer` that has to be
    /// known of every message.
    async fn refuse_dropped(&self, batch: &mut [Progress]) -> Option<Arc<Retention>> {
        let connection = &self.connection;
        let known = if connection.require_consumer {
            self.retention.current().await.map(Some)
        } else {
            Ok(self.retention.known())
        };
        for progress in batch {
            let Progress::Pending(message, _) = progress else {
                continue;
            };
            let objection = match &known {
                Err(failed) => Some(failed.clone()),
                Ok(Some(retention)) if connection.require_consumer => {
                    retention.objection(&connection.names, &message.subject, message.bytes())
                }
                Ok(Some(retention)) => retention
                    .unconfirmed()
                    .or_else(|| retention.too_large(message.bytes())),
                Ok(None) => None,
            };
            if let Some(objection) = objection {
                *progress = Progress::Done(Err(objection));
            }
        }
        known.ok().flatten()
    }

    /// Reads the retention while messages are sent. What the stream will not confirm is not waited for.
    async fn with_retention(
        &self,
        sent: impl Future<Output = Vec<Progress>>,
    ) -> (Option<Vec<Progress>>, Arc<Retention>) {
        let read = self.retention.beside_publish();
        tokio::pin!(sent, read);
        tokio::select! {
            biased;
            batch = &mut sent => (Some(batch), read.await),
            retention = &mut read => {
                if retention.unconfirmed().is_some() {
                    return (None, retention);
                }
                (Some(sent.await), retention)
            }
        }
    }

    /// Checks confirmed messages against the retention: those that are too large were dropped at once, and of those that
    /// no consumer covers is warned.
    fn check_kept(
        &self,
        retention: &Retention,
        watched: &[(Subject, usize)],
        batch: &mut [Progress],
    ) {
        for ((subject, bytes), progress) in watched.iter().zip(batch) {
            if !matches!(progress, Progress::Done(Ok(_))) {
                continue;
            }
            match retention.too_large(*bytes) {
                Some(dropped) => *progress = Progress::Done(Err(dropped)),
                None => self.retention.warn_without_consumer(retention, subject),
            }
        }
    }

    /// Sends pending messages in order and records every confirmation. Other batches may be sent once all messages are.
    async fn send(
        &self,
        mut batch: Vec<Progress>,
        turn: Option<MutexGuard<'_, ()>>,
    ) -> Vec<Progress> {
        let connection = &self.connection;
        let (since, mut news) = (Instant::now(), connection.denials.listen());
        if connection.denials.of_answers().is_some() {
            fail_denied(connection, &mut batch, since);
        }
        let mut window: FuturesOrdered<Confirmation> = FuturesOrdered::new();
        for index in 0..batch.len() {
            if matches!(batch[index], Progress::Done(_)) {
                continue;
            }
            let permit = loop {
                tokio::select! {
                    biased;
                    permit = Arc::clone(&self.window).acquire_owned() => break permit.ok(),
                    Some(confirmed) = window.next() => record(&mut batch, confirmed),
                }
            };
            let Progress::Pending(message, _) = &mut batch[index] else {
                continue;
            };
            match start(connection, Slot { index, permit }, message).await {
                Ok(sent) => window.push_back(sent),
                Err(failed) => batch[index] = Progress::Done(Err(failed)),
            }
        }
        drop(turn);
        failpoint::reach("nats.sent");
        loop {
            tokio::select! {
                biased;
                confirmed = window.next() => match confirmed {
                    Some(confirmed) => record(&mut batch, confirmed),
                    None => break,
                },
                _ = news.changed() => {
                    fail_denied(connection, &mut batch, since);
                    if batch.iter().all(|progress| matches!(progress, Progress::Done(_))) {
                        break;
                    }
                }
            }
        }
        failpoint::reach("nats.confirmed");
        batch
    }
}

/// Returns the subject and the size of each message.
fn watched(batch: &[Progress]) -> Vec<(Subject, usize)> {
    let watched = |progress: &Progress| match progress {
        Progress::Pending(message, _) => (message.subject.clone(), message.bytes()),
        Progress::Done(_) => (Subject::from(""), 0),
    };
    batch.iter().map(watched).collect()
}

/// Returns the results of messages that the stream does not confirm.
fn unconfirmed(retention: &Retention, count: usize) -> Vec<Result<Receipt>> {
    let failed = || {
        let unknown = || {
            error(
                ErrorKind::Ambiguous,
                "outcome unknown: the message may have been stored",
            )
        };
        retention.unconfirmed().unwrap_or_else(unknown)
    };
    (0..count).map(|_| Err(failed())).collect()
}

/// Finds out why messages were not stored in the stream that they name. While it only lacks a leader, the reason is the
/// same for all of them.
async fn explain_not_stored(connection: &Connection, batch: &mut [Progress]) {
    let mut known: HashMap<String, TransportError> = HashMap::new();
    let mut leaderless = None;
    for progress in batch {
        let Progress::Pending(message, Some(failed)) = progress else {
            continue;
        };
        if !matches!(failed, ApiError::NotStored(_)) && !failed.has_code(error::OTHER_STREAM) {
            continue;
        }
        let subject = message.subject.as_str();
        if leaderless.is_none() && !known.contains_key(subject) {
            let why =
                coverage::not_stored(connection, subject, Some(&connection.names.stream)).await;
            if why.is_transient() {
                leaderless = Some(why);
            } else {
                known.insert(subject.to_owned(), why);
            }
        }
        if let Some(why) = known.get(subject).or(leaderless.as_ref()) {
            *failed = ApiError::NotStored(why.clone());
        }
    }
}

/// Reports whether a message may be stored if it is sent again. That no stream covers a subject is final, unless the server
/// has just restarted and may not have loaded its streams yet.
fn should_repeat(connection: &Connection, batch: &[Progress], connects: u64) -> bool {
    let restarted = connection.connects() != connects;
    batch.iter().any(|progress| match progress {
        Progress::Pending(_, Some(ApiError::NotStored(failed))) => {
            failed.is_transient() || restarted && failed.kind() == ErrorKind::NotFound
        }
        Progress::Pending(_, Some(failed)) => failed.is_transient(),
        _ => false,
    })
}

type Confirmation = BoxFuture<'static, Confirmed>;

/// The confirmation of a message, or why there is none.
struct Confirmed {
    index: usize,
    result: Result<Receipt, ApiError>,
}

/// The place of a message in its batch, and its room in the window.
struct Slot {
    index: usize,
    permit: Option<OwnedSemaphorePermit>,
}

/// Sends a message and returns what waits for its confirmation.
async fn start(
    connection: &Arc<Connection>,
    slot: Slot,
    message: &mut PreparedMessage,
) -> Result<Confirmation> {
    let headers = match message.encoded.take() {
        Some(headers) => headers,
        None => message.headers(connection)?,
    };
    let publish = PublishMessage::build()
        .headers(headers)
        .payload(message.message.payload.clone().unwrap_or_default());
    let subject = message.subject.clone();
    let schedule = message
        .schedule
        .as_ref()
        .map(|schedule| schedule.id.clone());
    let mark = message.mark().map(|mark| (mark, Arc::clone(connection)));
    let sent = connection.js.send_publish(subject.clone(), publish).await;
    Ok(Box::pin(async move {
        let confirmed = async {
            let ack = sent?.await?;
            if let Some((mark, connection)) = mark
                && duplicates::is_duplicate(&connection, &ack, &mark).await
            {
                return Ok(duplicates::receipt());
            }
            Ok(Receipt {
                duplicate: false,
                position: schedule.is_none().then(|| Position::number(ack.sequence)),
                schedule,
            })
        };
        let confirmed: Result<_, async_nats::jetstream::context::PublishError> = confirmed.await;
        drop(slot.permit);
        Confirmed {
            index: slot.index,
            result: confirmed.map_err(|failed| error::from_publish(failed, &subject)),
        }
    }))
}

fn record(batch: &mut [Progress], confirmed: Confirmed) {
    let Some(progress) = batch.get_mut(confirmed.index) else {
        return;
    };
    match confirmed.result {
        Ok(receipt) => *progress = Progress::Done(Ok(receipt)),
        Err(failed) => match progress {
            Progress::Pending(message, last) => {
                message.outcome_unknown |=
                    matches!(&failed, ApiError::Unanswered(failed) if failed.is_transient());
                *last = Some(failed);
            }
            Progress::Done(_) => {}
        },
    }
}

/// Fails the messages that the user may not publish, or all of them if answers may not be received: the server sends no
/// answer to either.
fn fail_denied(connection: &Connection, batch: &mut [Progress], since: Instant) {
    if let Some(denied) = connection.denials.of_answers() {
        let message = format!(
            "outcome unknown: no confirmation received: {}",
            denied.message()
        );
        for progress in batch {
            if matches!(progress, Progress::Pending(..)) {
                let failed = denied.clone().with_message(message.clone());
                *progress = Progress::Done(Err(failed));
            }
        }
        return;
    }
    let mut denied: HashMap<String, Option<TransportError>> = HashMap::new();
    for progress in batch {
        let Progress::Pending(message, _) = &*progress else {
            continue;
        };
        let denied = denied
            .entry(message.subject.to_string())
            .or_insert_with(|| connection.denials.of(&message.subject, since));
        if let Some(denied) = denied {
            *progress = Progress::Done(Err(denied.clone()));
        }
    }
}
