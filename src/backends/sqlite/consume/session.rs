//! What a consumer has in one store: its place in the group, and what it holds. Another store that gets the name knows
//! nothing of it.

use std::sync::{Arc, MutexGuard};

use rusqlite::params;
use tokio::sync::oneshot;

use crate::{
    backends::delivery_buffer::{DeliveryBuffer, PendingErrors},
    lock::Mutex,
    transport::{Delivery, Result, SubscribeRequest, Ticket},
};

use super::{
    claim::{self, Claimed},
    membership::{self as member, Member},
    readiness::{self as outlook, Outlook},
    settle::{Item, Settle},
};
use crate::backends::sqlite::{
    codec::timestamp as clock,
    connection::config::Config,
    connection::liveness::Presence,
    connection::session::Session,
    connection::write::transaction::{Step, Work},
    connection::write::writer::Writer,
    error::{Fault, Outcome, closed},
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Membership {
    /// Which of the stores that had the name this one is.
    pub(crate) generation: u64,
    pub(crate) shared: Arc<Shared>,
    presence: Mutex<Option<Presence>>,
    group_id: i64,
    id: i64,
    pub(crate) store: Arc<str>,
    max_in_flight: usize,
}

/// What the writing thread and the caller both touch.
#[derive(Debug)]
pub(crate) struct Shared {
    member: Mutex<Member>,
    hand: Mutex<Hand>,
}

#[derive(Debug, Default)]
pub(crate) struct Hand {
    /// What was claimed, by position. The leases are the store's.
    pub(crate) deliveries: DeliveryBuffer<i64, ()>,
    /// Gaps to tell of.
    errors: PendingErrors,
    /// How many became dead letters instead of being claimed.
    pub(crate) buried: u64,
    /// The last claim was filled, so another one is likely to find something.
    hopeful: bool,
    pub(crate) closed: bool,
}

impl Shared {
    pub(crate) fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock()
    }

    pub(crate) fn member(&self) -> MutexGuard<'_, Member> {
        self.member.lock()
    }
}

impl Membership {
    /// Joins a group in the store that has the name now, after an earlier membership if there was one.
    pub(crate) async fn join(
        writer: &Writer,
        config: &Config,
        request: &SubscribeRequest,
        before: Option<&Self>,
    ) -> Result<Self> {
        // The store first: its folder is where the lock goes.
        writer.look(|_| Ok(())).await?;
        let presence = Presence::take(config)?;
        let name = presence.name().to_owned();
        let asked = request.clone();
        let joined = writer
            .write(Step::Other, move |session| {
                let member = member::join(session, &asked, &name)?;
                Ok((member, Arc::clone(&session.store), session.generation))
            })
            .await;
        let (mut member, store, generation) = match joined {
            Ok(joined) => joined,
            Err(error) => {
                presence.leave();
                return Err(error);
            }
        };
        let mut hand = Hand::default();
        if let Some(before) = before {
            // No ticket is given out twice: what is in flight is known by them.
            member.next_ticket = before.shared.member().next_ticket;
            hand.buried = before.shared.hand().buried;
        }
        Ok(Self {
            generation,
            presence: Mutex::new(Some(presence)),
            group_id: member.group_id,
            id: member.consumer,
            store,
            max_in_flight: request.max_in_flight.max(1),
            shared: Arc::new(Shared {
                member: Mutex::new(member),
                hand: Mutex::new(hand),
            }),
        })
    }

    /// Takes what was claimed; none if there is nothing.
    pub(crate) fn hand_over(&self, max: usize) -> Result<Option<Vec<Delivery>>> {
        let mut hand = self.shared.hand();
        if hand.closed {
            return Err(closed());
        }
        if let Some(gap) = hand.errors.take_notice() {
            return Err(gap);
        }
        let batch = hand.deliveries.hand_out(max, (), |_| true);
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Reports, once per claim, whether to claim again without looking first.
    pub(crate) fn is_hopeful(&self) -> bool {
        let mut hand = self.shared.hand();
        std::mem::take(&mut hand.hopeful) && hand.deliveries.room(self.max_in_flight) > 0
    }

    /// Returns how many messages may still be claimed.
    fn room(&self) -> usize {
        self.shared.hand().deliveries.room(self.max_in_flight)
    }

    pub(crate) async fn outlook(&self, writer: &Writer) -> Result<Outlook> {
        if self.room() == 0 {
            return Ok(Outlook::Wait(clock::now() + member::SWEEP));
        }
        let (shared, generation) = (Arc::clone(&self.shared), self.generation);
        writer
            .look(move |session| {
                session.require(generation)?;
                outlook::outlook(session, &shared.member())
            })
            .await
    }

    pub(crate) async fn claim(&self, writer: &Writer, max: usize) -> Result<()> {
        let (reply, done) = oneshot::channel();
        writer.submit(Box::new(Claim {
            generation: self.generation,
            shared: Arc::clone(&self.shared),
            max: max.min(self.room()),
            claimed: Claimed::default(),
            reply,
        }));
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(crate) async fn submit(&self, writer: &Writer, items: Vec<Item>) -> Result<Vec<bool>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, settled) = oneshot::channel();
        writer.submit(Box::new(Settle {
            generation: self.generation,
            group: self.group_id,
            consumer: self.id,
            ours: Vec::with_capacity(items.len()),
            items,
            reply,
        }));
        settled.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Extends the leases of these, and returns those that are not ours.
    pub(crate) async fn extend(&self, writer: &Writer, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let (mut taken, mut lost) = (Vec::with_capacity(tickets.len()), Vec::new());
        {
            let hand = self.shared.hand();
            for ticket in tickets {
                match hand.deliveries.in_flight().get(*ticket) {
                    Some(seq) => taken.push((*seq, *ticket)),
                    None => lost.push(*ticket),
                }
            }
        }
        let lease = self.shared.member().lease;
        let (generation, group, consumer) = (self.generation, self.group_id, self.id);
        writer
            .write(Step::Claim, move |session| {
                session.require(generation)?;
                let sql = "UPDATE held SET lease_until = ?5 \
                     WHERE group_id = ?1 AND seq = ?2 AND consumer = ?3 AND ticket = ?4";
                let mut update = session.connection.prepare_cached(sql)?;
                let until = clock::now().saturating_add(lease);
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

    /// Leaves the group.
    pub(crate) async fn leave(&self, writer: &Writer) -> Result<()> {
        let Some(presence) = self.close() else {
            return Ok(());
        };
        let (generation, group, consumer) = (self.generation, self.group_id, self.id);
        writer
            .write(Step::Settle, move |session| {
                session.require(generation)?;
                member::leave(session, group, consumer)
            })
            .await?;
        presence.leave();
        Ok(())
    }

    /// Ends in a store that has not got the name any more.
    pub(crate) fn abandon(&self) {
        if let Some(presence) = self.close() {
            presence.leave();
        }
    }

    fn close(&self) -> Option<Presence> {
        let mut hand = self.shared.hand();
        hand.closed = true;
        hand.deliveries = DeliveryBuffer::default();
        let mut presence = self.presence.lock();
        presence.take()
    }
}

/// A claim whose outcome goes into the hand, so that a caller who left loses nothing.
struct Claim {
    generation: u64,
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
        session.require(self.generation)?;
        if self.shared.hand().closed {
            return Ok(());
        }
        let mut member = self.shared.member();
        if let Some(Fault::Refused(gap)) = member.pass_gaps(&session.connection)? {
            self.shared.hand().errors.push(gap);
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
                hand.deliveries.admit_delivery(delivery, seq);
            }
        }
        // A caller who left finds the deliveries with its next call.
        let _ = self.reply.send(result);
    }
}
