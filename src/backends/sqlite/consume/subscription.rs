//! A consumer of a group: waiting for work, holding it, settling it, in whatever store has the name.

use std::{
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    event::{Group, Position},
    lock::Mutex,
    transport::{
        Delivery, ErrorKind, Result, Settlement, StartFrom, SubscribeRequest, Subscription, Ticket,
        TransportError,
    },
};

use super::{
    readiness::Outlook,
    session::Membership,
    settle::{Item, lost_with_its_store},
};
use crate::backends::sqlite::{
    codec::timestamp as clock,
    connection::change_notifier::{Wake, Watcher},
    connection::config::Config,
    connection::write::writer::Writer,
    error::{SCHEME, closed, refusal},
};

/// How long to wait where only somebody else's commit can help.
const PATIENCE: Duration = Duration::from_secs(1);

/// One consumer of a group.
#[derive(Debug)]
pub(crate) struct Consumer {
    writer: Arc<Writer>,
    watcher: Watcher,
    config: Config,
    request: SubscribeRequest,
    membership: Mutex<Arc<Membership>>,
    /// It was said that the store is gone.
    is_waiting: AtomicBool,
    made: Option<String>,
}

/// What a look for work came to.
enum Found {
    Work(Vec<Delivery>),
    Again,
    /// Nothing for so long, unless somebody commits.
    Nothing(Duration),
}

/// Joins a group.
pub(crate) async fn subscribe(
    writer: &Arc<Writer>,
    wake: &Arc<Wake>,
    config: &Config,
    request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    let path = &config.path;
    let made = (!path.exists()).then(|| format!("made the store {}", path.display()));
    let membership = Membership::join(writer, config, &request, None).await?;
    Ok(Arc::new(Consumer {
        writer: Arc::clone(writer),
        watcher: wake.watch(),
        config: config.clone(),
        request,
        membership: Mutex::new(Arc::new(membership)),
        is_waiting: AtomicBool::new(false),
        made,
    }))
}

#[async_trait]
impl Subscription for Consumer {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let mut changes = self.watcher.listen();
        loop {
            changes.mark_unchanged();
            self.writer.connections().tell()?;
            let membership = self.membership();
            let found = if self.is_over(&membership) {
                self.move_over(&membership).await?
            } else {
                match self.look(&membership, max).await {
                    Err(_) if self.is_over(&membership) => Found::Again,
                    found => found?,
                }
            };
            match found {
                Found::Work(batch) => return Ok(batch),
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
            let mut hand = membership.shared.hand();
            let taken = hand.deliveries.in_flight_mut();
            let tickets = tickets.iter();
            tickets
                .map(|ticket| taken.begin_settle(*ticket).copied())
                .collect()
        };
        let (store, group) = (&membership.store, self.group());
        let items = batch
            .into_iter()
            .zip(&positions)
            .filter_map(|(settlement, seq)| Some(Item::new(store, group, (*seq)?, settlement)))
            .collect();
        let mut settled = membership.submit(&self.writer, items).await;
        if settled.is_err() && self.is_over(&membership) {
            settled = Err(lost_with_its_store());
        }
        let mut hand = membership.shared.hand();
        for ticket in &tickets {
            hand.deliveries.in_flight_mut().end_settle(*ticket);
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

    fn buried(&self) -> u64 {
        self.membership().shared.hand().buried
    }

    async fn close(&self) -> Result<()> {
        let membership = self.membership();
        match membership.leave(&self.writer).await {
            Err(_) if self.is_over(&membership) => Ok(()),
            left => left,
        }
    }
}

impl Consumer {
    fn membership(&self) -> Arc<Membership> {
        Arc::clone(&self.current())
    }

    fn current(&self) -> MutexGuard<'_, Arc<Membership>> {
        self.membership.lock()
    }

    fn group(&self) -> &Group {
        &self.request.group
    }

    /// Reports whether another store has got the name.
    fn is_over(&self, membership: &Membership) -> bool {
        membership.generation != self.writer.generation()
    }

    async fn look(&self, membership: &Membership, max: usize) -> Result<Found> {
        if let Some(batch) = membership.hand_over(max)? {
            return Ok(Found::Work(batch));
        }
        if membership.is_hopeful() {
            membership.claim(&self.writer, max).await?;
            return Ok(Found::Again);
        }
        match membership.outlook(&self.writer).await? {
            Outlook::End => Ok(Found::Work(Vec::new())),
            Outlook::Wait(until) => Ok(Found::Nothing(clock::until(until))),
            Outlook::Ready => {
                membership.claim(&self.writer, max).await?;
                let batch = membership.hand_over(max)?;
                // Others hold the keys of all that is there: a commit of theirs wakes us.
                Ok(batch.map_or(Found::Nothing(PATIENCE), Found::Work))
            }
        }
    }

    /// Joins the group in the store that has the name now.
    async fn move_over(&self, before: &Membership) -> Result<Found> {
        if before.shared.hand().closed {
            return Err(closed());
        }
        let request = SubscribeRequest {
            from: match self.request.from {
                // All of it came after we did.
                StartFrom::New => StartFrom::Earliest,
                from => from,
            },
            ..self.request.clone()
        };
        let joined = Membership::join(&self.writer, &self.config, &request, Some(before)).await;
        match joined {
            Ok(joined) => {
                before.abandon();
                *self.current() = Arc::new(joined);
                self.is_waiting.store(false, Ordering::Relaxed);
                Ok(Found::Again)
            }
            Err(error) if error.is_transient() && self.request.until_end => {
                let message = format!("{}, before its end was reached", error.message());
                Err(refusal(ErrorKind::Other, message).hint("run it again once the store is there"))
            }
            Err(error) if error.is_transient() => {
                if !self.is_waiting.swap(true, Ordering::Relaxed) {
                    let notice = format!("{}; waiting for a store of that name", error.message());
                    return Err(refusal(ErrorKind::Warning, notice));
                }
                Ok(Found::Nothing(PATIENCE))
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

impl Drop for Consumer {
    fn drop(&mut self) {
        let membership = self.membership();
        let hand = membership.shared.hand();
        let held = hand.deliveries.len();
        if !hand.closed && held > 0 {
            tracing::debug!(held, "a consumer was dropped without being closed");
        }
    }
}
