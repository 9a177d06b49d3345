//! A consumer's session in one file: its membership of the group, and its deliveries. Another file that takes the
//! store's path knows nothing of them. The writing thread puts claimed messages into the buffer here, so that a
//! caller who left meanwhile finds them with its next call.

use std::sync::{Arc, MutexGuard};

use rusqlite::params;
use tokio::sync::oneshot;

use super::{
    claim::{self, Claimed},
    expiry,
    joint::Marking,
    membership::{self, Membership},
    readiness::{self, Readiness},
    settle::{Settle, SettleItem},
};
use crate::{
    backends::{
        delivery_buffer::{DeliveryBuffer, errors::PendingErrors},
        sqlite::{
            codec::timestamp,
            connection::{
                config::Config,
                liveness::LivenessLock,
                marks,
                reader::Reader,
                session::Session,
                write::{
                    transaction::{OpKind, WriteOp},
                    writer::Writer,
                },
            },
            error::{StoreError, StoreResult, closed},
        },
    },
    event::HandlingKey,
    lock::Mutex,
    transport::{
        Backlog, Delivery, Handling, HeldElsewhere, Mark, Result, SubscribeRequest, Ticket,
    },
};

/// A consumer's session in one file.
#[derive(Debug)]
pub(crate) struct ConsumerSession {
    /// The number of the file.
    pub(crate) generation: u64,
    pub(crate) shared: Arc<Shared>,
    liveness_lock: Mutex<Option<LivenessLock>>,
    group_id: i64,
    id: i64,
    pub(crate) store: Arc<str>,
    max_in_flight: usize,
    marking: Option<Marking>,
}

/// What the writing thread and the caller share.
#[derive(Debug)]
pub(crate) struct Shared {
    member: Mutex<Membership>,
    state: Mutex<SessionState>,
}

#[derive(Debug, Default)]
pub(crate) struct SessionState {
    /// Claimed messages, with their positions. Their leases are in the store.
    pub(crate) deliveries: DeliveryBuffer<i64, ()>,
    /// Gaps to report.
    errors: PendingErrors,
    /// How many messages were dead-lettered instead of being claimed.
    pub(crate) dead_lettered: u64,
    /// The last claim was filled, so that another is likely to find something.
    likely_more: bool,
    pub(crate) closed: bool,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock()
    }

    pub(crate) fn member(&self) -> MutexGuard<'_, Membership> {
        self.member.lock()
    }
}

impl ConsumerSession {
    /// Joins a group in the file that is at the store's path now; an earlier session continues in this one.
    pub(crate) async fn join(
        writer: &Writer,
        config: &Config,
        request: &SubscribeRequest,
        before: Option<&Self>,
    ) -> Result<Self> {
        // The store first: the lock goes into its folder.
        writer.read(|_| Ok(())).await?;
        let liveness_lock = LivenessLock::acquire(config)?;
        let name = liveness_lock.name().to_owned();
        let asked = request.clone();
        let joined = writer
            .write(OpKind::Other, move |session| {
                let member = membership::join(session, &asked, &name)?;
                Ok((member, Arc::clone(&session.store), session.generation))
            })
            .await;
        let (mut member, store, generation) = match joined {
            Ok(joined) => joined,
            Err(error) => {
                liveness_lock.release();
                return Err(error);
            }
        };
        let mut state = SessionState::default();
        if let Some(before) = before {
            // No ticket is given out twice: callers may still hold deliveries of the earlier session.
            member.next_ticket = before.shared.member().next_ticket;
            state.dead_lettered = before.shared.state().dead_lettered;
        }
        Ok(Self {
            generation,
            liveness_lock: Mutex::new(Some(liveness_lock)),
            group_id: member.group_id,
            id: member.consumer,
            store,
            max_in_flight: request.max_in_flight.max(1),
            marking: Marking::of(request, member.consumer),
            shared: Arc::new(Shared {
                member: Mutex::new(member),
                state: Mutex::new(state),
            }),
        })
    }

    /// Takes buffered messages; none if there are none.
    pub(crate) fn take_buffered(&self, max: usize) -> Result<Option<Vec<Delivery>>> {
        let mut state = self.shared.state();
        if state.closed {
            return Err(closed());
        }
        if let Some(gap) = state.errors.take_notice() {
            return Err(gap);
        }
        let batch = state.deliveries.hand_out(max, (), |_| true);
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Reports, once per claim, whether to claim again without looking first.
    pub(crate) fn expects_more(&self) -> bool {
        let mut state = self.shared.state();
        std::mem::take(&mut state.likely_more) && state.deliveries.room(self.max_in_flight) > 0
    }

    /// Returns how many messages may still be claimed.
    fn room(&self) -> usize {
        self.shared.state().deliveries.room(self.max_in_flight)
    }

    pub(crate) async fn readiness(&self, writer: &Writer) -> Result<Readiness> {
        if self.room() == 0 {
            return Ok(Readiness::Wait(
                timestamp::now() + membership::EXPIRY_INTERVAL,
            ));
        }
        let (shared, generation) = (Arc::clone(&self.shared), self.generation);
        writer
            .read(move |session| {
                session.require(generation)?;
                readiness::readiness(session, &shared.member())
            })
            .await
    }

    /// Returns the messages before the end that other consumers hold.
    pub(crate) async fn held_elsewhere(&self, writer: &Writer) -> Result<Option<HeldElsewhere>> {
        let (shared, generation) = (Arc::clone(&self.shared), self.generation);
        writer
            .read(move |session| {
                session.require(generation)?;
                readiness::held_elsewhere(&session.connection, &shared.member())
            })
            .await
    }

    /// Returns what the group has not finished. Counting many messages takes long, so it is not done by the writer.
    pub(crate) async fn backlog(&self, reader: &Arc<Reader>) -> Result<Vec<Backlog>> {
        let shared = Arc::clone(&self.shared);
        reader
            .read(move |connection| readiness::backlog(connection, &shared.member()))
            .await
    }

    pub(crate) async fn claim(&self, writer: &Writer, max: usize) -> Result<()> {
        let (reply, done) = oneshot::channel();
        writer.submit(Box::new(ClaimOp {
            generation: self.generation,
            shared: Arc::clone(&self.shared),
            max: max.min(self.room()),
            claimed: Claimed::default(),
            reply,
        }));
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Looks up marks. Consumers that share an action take copies at the same moment, so it also begins the handlings,
    /// unless each is begun alone, before its run.
    pub(crate) async fn look_up(
        &self,
        writer: &Writer,
        handlings: &[Handling],
    ) -> Result<Vec<Option<Mark>>> {
        let Some(marking) = self.marking.clone() else {
            return Ok(vec![None; handlings.len()]);
        };
        let generation = self.generation;
        let looked_up = {
            let keys: Vec<HandlingKey> = handlings.iter().map(|one| one.key).collect();
            writer
                .read(move |session| {
                    session.require(generation)?;
                    if !marking.begins && !marking.is_alone(&session.connection)? {
                        return Ok(None);
                    }
                    marks::look_up(session, &keys).map(Some)
                })
                .await?
        };
        match looked_up {
            Some(found) => Ok(found),
            None => self.begin(writer, OpKind::Claim, handlings).await,
        }
    }

    /// Marks handlings as begun.
    pub(crate) async fn begin(
        &self,
        writer: &Writer,
        kind: OpKind,
        handlings: &[Handling],
    ) -> Result<Vec<Option<Mark>>> {
        let window = self.marking.as_ref().map(|marking| marking.window);
        let window = window.unwrap_or_default();
        let (handlings, generation) = (handlings.to_vec(), self.generation);
        writer
            .write(kind, move |session| {
                session.require(generation)?;
                marks::begin(session, &handlings, marks::until(window))
            })
            .await
    }

    pub(crate) async fn submit(
        &self,
        writer: &Writer,
        items: Vec<SettleItem>,
    ) -> Result<Vec<bool>> {
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
            marking: self.marking.clone(),
            handled: Vec::new(),
            reply,
        }));
        settled.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Extends leases, and returns the tickets whose leases are lost.
    pub(crate) async fn extend(&self, writer: &Writer, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let (mut taken, mut lost) = (Vec::with_capacity(tickets.len()), Vec::new());
        {
            let state = self.shared.state();
            for ticket in tickets {
                let in_flight = state.deliveries.in_flight();
                if let Some(seq) = in_flight.get(*ticket) {
                    taken.push((*seq, *ticket));
                } else if !in_flight.is_settling(*ticket) {
                    lost.push(*ticket);
                }
            }
        }
        let lease = self.shared.member().lease;
        let (generation, group, consumer) = (self.generation, self.group_id, self.id);
        let shared = Arc::clone(&self.shared);
        writer
            .write(OpKind::Claim, move |session| {
                session.require(generation)?;
                let sql = "UPDATE held SET lease_until = ?5 \
                     WHERE group_id = ?1 AND seq = ?2 AND consumer = ?3 AND ticket = ?4";
                let mut update = session.connection.prepare_cached(sql)?;
                let until = timestamp::now().saturating_add(lease);
                for (seq, ticket) in taken {
                    let number = ticket.0.cast_signed();
                    let is_extended =
                        update.execute(params![group, seq, consumer, number, until])? > 0;
                    // A verdict that was given meanwhile was carried out before this.
                    let in_flight = || shared.state().deliveries.in_flight().get(ticket).is_some();
                    if !is_extended && in_flight() {
                        tracing::warn!(position = seq, "the lease ended before it was extended");
                        lost.push(ticket);
                    }
                }
                Ok(lost)
            })
            .await
    }

    /// Leaves the group.
    pub(crate) async fn leave(&self, writer: &Writer) -> Result<()> {
        let Some(liveness_lock) = self.close() else {
            return Ok(());
        };
        let (generation, group, consumer) = (self.generation, self.group_id, self.id);
        writer
            .write(OpKind::Settle, move |session| {
                session.require(generation)?;
                expiry::leave(session, group, consumer)
            })
            .await?;
        liveness_lock.release();
        Ok(())
    }

    /// Ends the session in a file that is no longer at the store's path.
    pub(crate) fn abandon(&self) {
        if let Some(liveness_lock) = self.close() {
            liveness_lock.release();
        }
    }

    fn close(&self) -> Option<LivenessLock> {
        let mut state = self.shared.state();
        state.closed = true;
        state.deliveries = DeliveryBuffer::default();
        let mut liveness_lock = self.liveness_lock.lock();
        liveness_lock.take()
    }
}

/// A claim, which fills the buffer: a caller who left loses nothing.
struct ClaimOp {
    generation: u64,
    shared: Arc<Shared>,
    max: usize,
    claimed: Claimed,
    reply: oneshot::Sender<Result<()>>,
}

impl WriteOp for ClaimOp {
    fn kind(&self) -> OpKind {
        OpKind::Claim
    }

    fn run(&mut self, session: &mut Session) -> StoreResult<()> {
        session.require(self.generation)?;
        if self.shared.state().closed {
            return Ok(());
        }
        let mut member = self.shared.member();
        if let Some(StoreError::Refused(gap)) = member.skip_gaps(&session.connection)? {
            self.shared.state().errors.push(gap);
            return Ok(());
        }
        self.claimed = claim::claim(session, &mut member, self.max)?;
        Ok(())
    }

    fn end(self: Box<Self>, result: Result<()>) {
        if result.is_err() {
            self.shared.member().invalidate_topics();
        } else {
            let (taken, dead_lettered) =
                (self.claimed.deliveries.len(), self.claimed.dead_lettered);
            if taken > 0 || dead_lettered > 0 {
                tracing::debug!(taken, dead_lettered, "claimed");
            }
            let mut state = self.shared.state();
            state.dead_lettered += dead_lettered;
            state.likely_more = self.claimed.deliveries.len() >= self.max;
            for (seq, delivery) in self.claimed.deliveries {
                state.deliveries.admit_delivery(delivery, seq);
            }
        }
        // A caller who left finds the deliveries with its next call.
        let _ = self.reply.send(result);
    }
}
