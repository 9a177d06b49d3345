//! A membership in a group: waiting for work, holding it, settling it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::params;
use tokio::sync::oneshot;

use crate::{
    event::Group,
    transport::{Delivery, Result, Settlement, SubscribeRequest, Subscription, Ticket},
};

use super::{
    claim::{self, Claimed},
    clock,
    error::{Fault, Outcome, again, closed},
    member::{self, Member},
    outlook::{self, Outlook},
    presence::Presence,
    session::Session,
    settle::{Item, Settle, lost},
    wake::{Wake, Watcher},
    work::{Step, Work},
    writer::Writer,
};

/// One consumer of a group.
#[derive(Debug)]
pub(super) struct Consumer {
    writer: Arc<Writer>,
    watcher: Watcher,
    shared: Arc<Shared>,
    presence: Mutex<Option<Presence>>,
    group: Group,
    group_id: i64,
    id: i64,
    store: Arc<str>,
    max_in_flight: usize,
    made: Option<String>,
}

/// What the writing thread and the caller both touch.
#[derive(Debug)]
struct Shared {
    member: Mutex<Member>,
    hand: Mutex<Hand>,
}

#[derive(Debug, Default)]
struct Hand {
    /// Claimed and not given to the caller yet.
    ready: VecDeque<Delivery>,
    /// Where each delivery that is not settled stands.
    taken: HashMap<Ticket, i64>,
    /// How many became dead letters instead of being claimed.
    buried: u64,
    /// The last claim was filled, so another one is likely to find something.
    hopeful: bool,
    /// A gap to tell of.
    fault: Option<crate::transport::TransportError>,
    closed: bool,
}

impl Shared {
    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn member(&self) -> MutexGuard<'_, Member> {
        self.member.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins a group.
pub(super) async fn subscribe(
    writer: &Arc<Writer>,
    wake: &Arc<Wake>,
    config: &super::config::Config,
    request: SubscribeRequest,
) -> Result<Arc<dyn Subscription>> {
    let path = &config.path;
    let made = (!path.exists()).then(|| format!("made the store {}", path.display()));
    // The store first: its folder is where the lock goes.
    writer.look(|_| Ok(())).await?;
    let presence = Presence::take(config)?;
    let name = presence.name().to_owned();
    let (group, max_in_flight) = (request.group.clone(), request.max_in_flight.max(1));
    let joined = writer
        .write(Step::Other, move |session| {
            let member = member::join(session, &request, &name)?;
            Ok((member, Arc::clone(&session.store)))
        })
        .await;
    let (member, store) = match joined {
        Ok(joined) => joined,
        Err(error) => {
            presence.leave();
            return Err(error);
        }
    };
    Ok(Arc::new(Consumer {
        writer: Arc::clone(writer),
        watcher: wake.watch(),
        presence: Mutex::new(Some(presence)),
        group,
        group_id: member.group_id,
        id: member.consumer,
        store,
        max_in_flight,
        made,
        shared: Arc::new(Shared {
            member: Mutex::new(member),
            hand: Mutex::default(),
        }),
    }))
}

#[async_trait]
impl Subscription for Consumer {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let mut changes = self.watcher.listen();
        loop {
            changes.mark_unchanged();
            if let Some(batch) = self.hand_over(max)? {
                return Ok(batch);
            }
            if self.is_hopeful() {
                self.claim(max).await?;
                continue;
            }
            let wait = match self.outlook().await? {
                Outlook::End => return Ok(Vec::new()),
                Outlook::Wait(until) => clock::until(until),
                Outlook::Ready => {
                    self.claim(max).await?;
                    if let Some(batch) = self.hand_over(max)? {
                        return Ok(batch);
                    }
                    // Others hold the keys of all that is there: a commit of theirs wakes us.
                    Duration::from_secs(1)
                }
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        let positions: Vec<Option<i64>> = {
            let hand = self.shared.hand();
            let ticket = |settlement: &Settlement| settlement.delivery.ticket();
            batch
                .iter()
                .map(|settlement| hand.taken.get(&ticket(settlement)).copied())
                .collect()
        };
        let tickets: Vec<Ticket> = batch.iter().map(|s| s.delivery.ticket()).collect();
        let items = batch
            .into_iter()
            .zip(&positions)
            .filter_map(|(settlement, seq)| {
                Some(Item::new(&self.store, &self.group, (*seq)?, settlement))
            })
            .collect();
        let settled = self.submit(items).await;
        let mut hand = self.shared.hand();
        for ticket in &tickets {
            hand.taken.remove(ticket);
        }
        results(&positions, settled)
    }

    fn remarks(&self) -> Vec<String> {
        self.made.iter().cloned().collect()
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        // A ticket that is not in hand has no place, so that its row is not found.
        let taken: Vec<(i64, Ticket)> = {
            let hand = self.shared.hand();
            let place = |ticket: &Ticket| hand.taken.get(ticket).copied().unwrap_or(-1);
            tickets
                .iter()
                .map(|ticket| (place(ticket), *ticket))
                .collect()
        };
        let lease = self.shared.member().lease;
        let (group, consumer) = (self.group_id, self.id);
        self.writer
            .write(Step::Claim, move |session| {
                let sql = "UPDATE held SET lease_until = ?5 \
                     WHERE group_id = ?1 AND seq = ?2 AND consumer = ?3 AND ticket = ?4";
                let mut update = session.connection.prepare_cached(sql)?;
                let until = clock::now().saturating_add(lease);
                let mut lost = Vec::new();
                for (seq, ticket) in taken {
                    let number = ticket.0.cast_signed();
                    if update.execute(params![group, seq, consumer, number, until])? == 0 {
                        tracing::warn!(
                            position = seq,
                            "the lease had run out before it was extended"
                        );
                        lost.push(ticket);
                    }
                }
                Ok(lost)
            })
            .await
    }

    fn buried(&self) -> u64 {
        self.shared.hand().buried
    }

    async fn close(&self) -> Result<()> {
        let presence = {
            let mut hand = self.shared.hand();
            hand.closed = true;
            hand.ready.clear();
            hand.taken.clear();
            let mut presence = self.presence.lock().unwrap_or_else(PoisonError::into_inner);
            presence.take()
        };
        let Some(presence) = presence else {
            return Ok(());
        };
        let (group, consumer) = (self.group_id, self.id);
        self.writer
            .write(Step::Settle, move |session| {
                member::leave(session, group, consumer)
            })
            .await?;
        presence.leave();
        Ok(())
    }
}

impl Consumer {
    /// Takes what was claimed; `Some` of nothing once the membership is over.
    fn hand_over(&self, max: usize) -> Result<Option<Vec<Delivery>>> {
        let mut hand = self.shared.hand();
        if hand.closed {
            return Err(closed());
        }
        if let Some(fault) = hand.fault.take() {
            return Err(fault);
        }
        let count = hand.ready.len().min(max);
        Ok((count > 0).then(|| hand.ready.drain(..count).collect()))
    }

    /// Reports, once per claim, whether to claim again without looking first.
    fn is_hopeful(&self) -> bool {
        let mut hand = self.shared.hand();
        std::mem::take(&mut hand.hopeful) && hand.taken.len() < self.max_in_flight
    }

    async fn outlook(&self) -> Result<Outlook> {
        let full = self.shared.hand().taken.len() >= self.max_in_flight;
        if full {
            return Ok(Outlook::Wait(clock::now() + member::SWEEP));
        }
        let shared = Arc::clone(&self.shared);
        self.writer
            .look(move |session| outlook::outlook(session, &shared.member()))
            .await
    }

    async fn claim(&self, max: usize) -> Result<()> {
        let room = self.max_in_flight - self.shared.hand().taken.len().min(self.max_in_flight);
        let (reply, done) = oneshot::channel();
        self.writer.submit(Box::new(Claim {
            shared: Arc::clone(&self.shared),
            max: max.min(room),
            claimed: Claimed::default(),
            reply,
        }));
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn submit(&self, items: Vec<Item>) -> Result<Vec<bool>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, settled) = oneshot::channel();
        self.writer.submit(Box::new(Settle {
            group: self.group_id,
            consumer: self.id,
            ours: Vec::with_capacity(items.len()),
            items,
            reply,
        }));
        settled.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn results(positions: &[Option<i64>], settled: Result<Vec<bool>>) -> Vec<Result<()>> {
    let mut settled = settled.map(Vec::into_iter);
    let result = |position: &Option<i64>| match (position, &mut settled) {
        (None, _) => Err(lost()),
        (Some(_), Err(error)) => Err(again(error)),
        (Some(_), Ok(ours)) => ours
            .next()
            .is_some_and(|ours| ours)
            .then_some(())
            .ok_or_else(lost),
    };
    positions.iter().map(result).collect()
}

/// A claim whose outcome goes into the hand, so that a caller who left loses nothing.
struct Claim {
    shared: Arc<Shared>,
    max: usize,
    claimed: Claimed,
    reply: oneshot::Sender<Result<()>>,
}

impl Work for Claim {
    fn step(&self) -> Step {
        Step::Claim
    }

    fn run(&mut self, session: &mut Session) -> Outcome<()> {
        if self.shared.hand().closed {
            return Ok(());
        }
        let mut member = self.shared.member();
        if let Some(Fault::Refused(gap)) = member.pass_gaps(&session.connection)? {
            self.shared.hand().fault = Some(gap);
            return Ok(());
        }
        self.claimed = claim::claim(session, &mut member, self.max)?;
        Ok(())
    }

    fn end(self: Box<Self>, result: Result<()>) {
        if result.is_err() {
            self.shared.member().relearn();
        } else {
            let (taken, buried) = (self.claimed.deliveries.len(), self.claimed.buried);
            if taken > 0 || buried > 0 {
                tracing::debug!(taken, buried, "claimed");
            }
            let mut hand = self.shared.hand();
            hand.buried += buried;
            hand.hopeful = self.claimed.deliveries.len() >= self.max;
            for (seq, delivery) in self.claimed.deliveries {
                hand.taken.insert(delivery.ticket(), seq);
                hand.ready.push_back(delivery);
            }
        }
        // A caller who left finds the deliveries with its next call.
        let _ = self.reply.send(result);
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let held = self.shared.hand().taken.len();
        if !self.shared.hand().closed && held > 0 {
            tracing::debug!(held, "a consumer was dropped without being closed");
        }
    }
}
