//! `Transport::subscribe`: a consumer of a group. It outlives the file: when another one takes the store's path, the
//! consumer joins the group there and reports a warning.

use std::{
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{
    readiness::Readiness,
    session::ConsumerSession,
    settle::{SettleItem, lost_with_its_store},
};
use crate::{
    backends::sqlite::{
        codec::timestamp,
        connection::{
            change_notifier::{ChangeNotifier, ChangeSubscription},
            config::Config,
            reader::Reader,
            write::{transaction::OpKind, writer::Writer},
        },
        error::{SCHEME, closed, store_error},
    },
    event::{Group, Position},
    lock::Mutex,
    transport::{
        Backlog, Delivery, ErrorKind, Handling, HeldElsewhere, Mark, Marks, Result, Settlement,
        StartFrom, SubscribeRequest, Subscription, Ticket, TransportError,
    },
};

/// How long to wait where only another consumer's commit can help.
const IDLE_WAIT: Duration = Duration::from_secs(1);

/// A subscription to a group.
#[derive(Debug)]
pub(crate) struct SqliteSubscription {
    writer: Arc<Writer>,
    reader: Arc<Reader>,
    watcher: ChangeSubscription,
    config: Config,
    request: SubscribeRequest,
    membership: Mutex<Arc<ConsumerSession>>,
    /// The missing store was reported.
    is_waiting: AtomicBool,
    made: Option<String>,
}

/// The result of one attempt to get deliveries.
enum Found {
    Deliveries(Vec<Delivery>),
    Again,
    /// Nothing for this long, unless another process or consumer commits.
    Nothing(Duration),
}

/// Joins a group.
pub(crate) async fn subscribe(
    writer: &Arc<Writer>,
    reader: &Arc<Reader>,
    notifier: &Arc<ChangeNotifier>,
    request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    let config = reader.config();
    let path = &config.path;
    let made = (!path.exists()).then(|| format!("created the store {}", path.display()));
    let membership = ConsumerSession::join(writer, config, &request, None).await?;
    Ok(Arc::new(SqliteSubscription {
        writer: Arc::clone(writer),
        reader: Arc::clone(reader),
        watcher: notifier.watch(),
        config: config.clone(),
        request,
        membership: Mutex::new(Arc::new(membership)),
        is_waiting: AtomicBool::new(false),
        made,
    }))
}

#[async_trait]
impl Subscription for SqliteSubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let mut changes = self.watcher.listen();
        loop {
            changes.mark_unchanged();
            self.writer.connections().report()?;
            let membership = self.membership();
            let found = if self.is_over(&membership) {
                self.rejoin(&membership).await?
            } else {
                match self.try_next(&membership, max).await {
                    Err(_) if self.is_over(&membership) => Found::Again,
                    found => found?,
                }
            };
            match found {
                Found::Deliveries(batch) => return Ok(batch),
                Found::Again => {}
                Found::Nothing(wait) => tokio::select! {
                    _ = changes.changed() => {}
                    () = tokio::time::sleep(wait) => {}
                },
            }
        }
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        let membership = self.membership();
        let named: Vec<Position> = batch
            .iter()
            .map(|settlement| settlement.delivery.stored.position.clone())
            .collect();
        let tickets: Vec<Ticket> = batch.iter().map(|s| s.delivery.ticket()).collect();
        let positions: Vec<Option<i64>> = {
            let mut state = membership.shared.state();
            let taken = state.deliveries.in_flight_mut();
            let tickets = tickets.iter();
            tickets
                .map(|ticket| taken.begin_settle(*ticket).copied())
                .collect()
        };
        let (store, group) = (&membership.store, self.group());
        let items = batch
            .into_iter()
            .zip(&positions)
            .filter_map(|(settlement, seq)| {
                Some(SettleItem::new(store, group, (*seq)?, settlement))
            })
            .collect();
        let mut settled = membership.submit(&self.writer, items).await;
        if settled.is_err() && self.is_over(&membership) {
            settled = Err(lost_with_its_store());
        }
        let mut state = membership.shared.state();
        for ticket in &tickets {
            state.deliveries.in_flight_mut().end_settle(*ticket);
        }
        results(&named, &positions, settled)
    }

    fn remarks(&self) -> Vec<String> {
        self.made.iter().cloned().collect()
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let membership = self.membership();
        match membership.extend(&self.writer, tickets).await {
            Err(_) if self.is_over(&membership) => Ok(tickets.to_vec()),
            extended => extended,
        }
    }

    fn dead_lettered(&self) -> u64 {
        self.membership().shared.state().dead_lettered
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.request.dedup.is_some().then_some(self as &dyn Marks)
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        self.membership().held_elsewhere(&self.writer).await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>> {
        self.membership().backlog(&self.reader).await
    }

    async fn close(&self) -> Result<()> {
        let membership = self.membership();
        match membership.leave(&self.writer).await {
            Err(_) if self.is_over(&membership) => Ok(()),
            left => left,
        }
    }
}

#[async_trait]
impl Marks for SqliteSubscription {
    async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>> {
        let membership = self.membership();
        match membership.look_up(&self.writer, handlings).await {
            // They are of the file before, and so are their marks: their settlements report it.
            Err(_) if self.is_over(&membership) => Ok(vec![None; handlings.len()]),
            found => found,
        }
    }

    async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        let handlings = std::slice::from_ref(handling);
        let membership = self.membership();
        let found = membership
            .begin(&self.writer, OpKind::Settle, handlings)
            .await?;
        Ok(found.into_iter().next().flatten())
    }
}

impl SqliteSubscription {
    fn membership(&self) -> Arc<ConsumerSession> {
        Arc::clone(&self.current())
    }

    fn current(&self) -> MutexGuard<'_, Arc<ConsumerSession>> {
        self.membership.lock()
    }

    fn group(&self) -> &Group {
        &self.request.group
    }

    /// Reports whether another file is at the store's path.
    fn is_over(&self, membership: &ConsumerSession) -> bool {
        membership.generation != self.writer.generation()
    }

    async fn try_next(&self, membership: &ConsumerSession, max: usize) -> Result<Found> {
        if let Some(batch) = membership.take_buffered(max)? {
            return Ok(Found::Deliveries(batch));
        }
        if membership.expects_more() {
            membership.claim(&self.writer, max).await?;
            return Ok(Found::Again);
        }
        match membership.readiness(&self.writer).await? {
            Readiness::End => Ok(Found::Deliveries(Vec::new())),
            Readiness::Wait(until) => Ok(Found::Nothing(timestamp::time_until(until))),
            Readiness::Ready => {
                membership.claim(&self.writer, max).await?;
                let batch = membership.take_buffered(max)?;
                // The keys of all messages are held by other consumers: their commits wake this one.
                Ok(batch.map_or(Found::Nothing(IDLE_WAIT), Found::Deliveries))
            }
        }
    }

    /// Joins the group in the file that is at the store's path now.
    async fn rejoin(&self, before: &ConsumerSession) -> Result<Found> {
        if before.shared.state().closed {
            return Err(closed());
        }
        let request = SubscribeRequest {
            from: match self.request.from {
                // All of it was stored after this consumer started.
                StartFrom::New => StartFrom::Earliest,
                from => from,
            },
            ..self.request.clone()
        };
        let joined =
            ConsumerSession::join(&self.writer, &self.config, &request, Some(before)).await;
        match joined {
            Ok(joined) => {
                before.abandon();
                *self.current() = Arc::new(joined);
                self.is_waiting.store(false, Ordering::Relaxed);
                Ok(Found::Again)
            }
            Err(error) if error.is_transient() && self.request.until_end => {
                let message = format!("{}, before its end was reached", error.message());
                Err(store_error(ErrorKind::Other, message)
                    .hint("run it again when the store exists"))
            }
            Err(error) if error.is_transient() => {
                if !self.is_waiting.swap(true, Ordering::Relaxed) {
                    let notice = format!("{}; waiting for a store at that path", error.message());
                    return Err(store_error(ErrorKind::Warning, notice));
                }
                Ok(Found::Nothing(IDLE_WAIT))
            }
            Err(error) => Err(error),
        }
    }
}

fn results(
    named: &[Position],
    positions: &[Option<i64>],
    settled: Result<Vec<bool>>,
) -> Vec<Result<()>> {
    let mut settled = settled.map(Vec::into_iter);
    let result = |(name, position): (&Position, &Option<i64>)| {
        let lost = || TransportError::lease_lost(SCHEME, name);
        match (position, &mut settled) {
            (None, _) => Err(lost()),
            (Some(_), Err(error)) => Err(error.clone()),
            (Some(_), Ok(ours)) => ours
                .next()
                .is_some_and(|ours| ours)
                .then_some(())
                .ok_or_else(lost),
        }
    };
    named.iter().zip(positions).map(result).collect()
}

impl Drop for SqliteSubscription {
    fn drop(&mut self) {
        let membership = self.membership();
        let state = membership.shared.state();
        let held = state.deliveries.len();
        if !state.closed && held > 0 {
            tracing::debug!(held, "a consumer was dropped without being closed");
        }
    }
}
