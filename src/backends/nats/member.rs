//! Membership in a group: what was taken, who holds it, and until when.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_nats::Subject;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};

use super::{
    api::while_it_may_pass,
    bounded::Bounds,
    connection::Link,
    consumer::{self, Durable},
    error,
    pump::Pump,
    runs::Past,
    settle,
};
use crate::{
    event::{Group, Stored},
    transport::{
        Attempts, Delivery, ErrorKind, Lineage, Result, Settlement, SubscribeRequest, Subscription,
        Ticket, TransportError,
    },
};

/// Words that give a message back at once and say that it is being worked on.
pub(super) const GIVE_BACK: Bytes = Bytes::from_static(b"-NAK");
pub(super) const WORKING: Bytes = Bytes::from_static(b"+WPI");
pub(super) const DONE: Bytes = Bytes::from_static(b"+ACK");

/// How long the server is asked again to take messages back: they come again by themselves.
const GIVE_UP: Duration = Duration::from_secs(15);

/// A message that came and was not handed out yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) stored: Stored,
    pub(super) attempts: Attempts,
    /// What is known of the runs that failed.
    pub(super) past: Vec<Past>,
    pub(super) lineage: Option<Box<Lineage>>,
    pub(super) claim: Claim,
    pub(super) since: Instant,
}

/// What the server knows a delivery by.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) reply: Subject,
    pub(super) number: u64,
}

/// A message that was handed out.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) claim: Claim,
    pub(super) until: Instant,
    pub(super) past: Vec<Past>,
}

/// What a membership has at hand.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) held: HashMap<Ticket, Held>,
    /// Retries of ours that have not come again, and when they are due.
    pub(super) retrying: HashMap<u64, Instant>,
    /// Acknowledgements whose arrival was not confirmed.
    pub(super) unconfirmed: Vec<Subject>,
    /// Messages handed out after they had waited, of which the server is to be told.
    pub(super) overdue: Vec<Subject>,
    /// How many messages somebody waits for.
    pub(super) demand: usize,
    pub(super) closed: bool,
    pub(super) ended: bool,
    pub(super) failed: Option<TransportError>,
    last_ticket: u64,
    /// No lease of what is held runs out before.
    safe_until: Option<Instant>,
}

/// What somebody who asks for messages gets.
enum Offer {
    Taken(Vec<Delivery>),
    Failed(TransportError),
    End,
    Wait,
}

/// What the parts of a membership share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Arc<Link>,
    pub(super) group: Group,
    pub(super) consumer: String,
    pub(super) store: String,
    pub(super) lease: Duration,
    pub(super) ack_wait: Duration,
    pub(super) max_in_flight: usize,
    desk: Mutex<Desk>,
    /// Something came, or the end.
    pub(super) came: Notify,
    /// Somebody waits, or something was settled.
    pub(super) stirred: Notify,
    /// An acknowledgement is to be confirmed.
    pub(super) acknowledged: Notify,
    pub(super) confirming: tokio::sync::Mutex<()>,
    /// Held while the letters of a batch are sent: those of the next batch stand behind them.
    pub(super) sending: tokio::sync::Mutex<()>,
}

impl Shared {
    /// Locks what is at hand.
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the membership with an error.
    pub(super) fn fail(&self, failed: TransportError) {
        self.desk().failed = Some(failed);
        self.came.notify_waiters();
    }

    /// Hands out what is there. A server that has waited for a word of some is told in the background: the call may be
    /// dropped.
    fn offer(&self, max: usize) -> Offer {
        let mut desk = self.desk();
        desk.expire();
        let room = self.max_in_flight.saturating_sub(desk.held.len());
        let until = self.until();
        let (deliveries, stale) = desk.hand_out(max.min(room), until, self.ack_wait / 10);
        if !deliveries.is_empty() {
            desk.demand = 0;
            desk.overdue.extend(stale);
            if !desk.overdue.is_empty() {
                self.stirred.notify_one();
            }
            return Offer::Taken(deliveries);
        }
        if let Some(failed) = desk.failed.take() {
            return Offer::Failed(failed);
        }
        if desk.closed || desk.ended {
            return Offer::End;
        }
        desk.demand = max;
        Offer::Wait
    }

    /// Returns until when a delivery is surely ours from now on. The server began to count a little earlier, unless its
    /// patience is shorter than the lease: then it is told again and again.
    pub(super) fn until(&self) -> Instant {
        let lease = if self.ack_wait < self.lease {
            self.lease
        } else {
            self.lease.min(self.ack_wait * 4 / 5)
        };
        Instant::now() + lease
    }

    /// Tells the server something about deliveries without waiting for it.
    pub(super) async fn tell(
        &self,
        replies: impl IntoIterator<Item = Subject>,
        word: &Bytes,
    ) -> Result<()> {
        for reply in replies {
            let told = self.link.client.publish(reply, word.clone()).await;
            told.map_err(|source| {
                error(ErrorKind::Unavailable, "the connection is closed").because(source)
            })?;
        }
        Ok(())
    }

    /// Gives messages back and returns once the server knows, which it may not do at once: the consumer may have no leader.
    pub(super) async fn give_back(&self, claims: Vec<Claim>) -> Result<()> {
        let until = Instant::now() + GIVE_UP.min(self.lease);
        let told = stream::iter(claims)
            .map(|claim| {
                while_it_may_pass(until, move || {
                    self.link.confirm(claim.reply.clone(), GIVE_BACK)
                })
            })
            .buffer_unordered(256);
        let told: Vec<Result<()>> = told.collect().await;
        told.into_iter().collect()
    }
}

impl Desk {
    /// Forgets what is not ours any more.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        if self.safe_until.is_none_or(|until| now < until) {
            return;
        }
        self.held.retain(|_, held| held.until > now);
        self.safe_until = self.held.values().map(|held| held.until).min();
    }

    /// Returns how many messages may still be taken.
    pub(super) fn room(&self, max_in_flight: usize) -> usize {
        max_in_flight.saturating_sub(self.held.len() + self.waiting.len())
    }

    /// Hands out at most so many messages; names those that waited longer than `fresh`, of which the server has to
    /// be told.
    fn hand_out(
        &mut self,
        max: usize,
        until: Instant,
        fresh: Duration,
    ) -> (Vec<Delivery>, Vec<Subject>) {
        let count = self.waiting.len().min(max);
        let (mut deliveries, mut stale) = (Vec::with_capacity(count), Vec::new());
        if count > 0 {
            self.safe_until = Some(self.safe_until.map_or(until, |safe| safe.min(until)));
        }
        let now = Instant::now();
        for _ in 0..count {
            let Some(waiting) = self.waiting.pop_front() else {
                break;
            };
            self.last_ticket += 1;
            let ticket = Ticket(self.last_ticket);
            let claim = waiting.claim;
            if now - waiting.since > fresh {
                stale.push(claim.reply.clone());
            }
            let past = waiting.past;
            self.held.insert(ticket, Held { claim, until, past });
            let (stored, attempts) = (waiting.stored, waiting.attempts);
            deliveries.push(Delivery::new(stored, attempts, waiting.lineage, ticket));
        }
        (deliveries, stale)
    }
}

/// A membership in a group. Dropped without [`Subscription::close`], it leaves as a crashed process would: what it
/// holds comes again when the lease runs out.
#[derive(Debug)]
pub(super) struct Member {
    shared: Arc<Shared>,
    pump: Mutex<Option<JoinHandle<()>>>,
    confirmer: JoinHandle<()>,
    remarks: Vec<String>,
}

impl Member {
    /// Joins the group, whose consumer is made if it is new.
    pub(super) async fn join(link: &Arc<Link>, request: SubscribeRequest) -> Result<Self> {
        if request.ordered {
            let message = "JetStream cannot hold the key of a retry";
            return Err(error(ErrorKind::Unsupported, message)
                .hint("leave `--ordered` out; `pf caps` says where order holds"));
        }
        let facts = link.facts().await?;
        let filters = link.names.filters(&request.patterns)?;
        link.check_covered(&facts, &filters).await?;
        let mut remarks = link.make_side_places(facts.config.num_replicas).await?;
        let (durable, made) = consumer::join(link, &facts, &request, &filters).await?;
        remarks.extend(made);
        let bounds = request
            .until_end
            .then(|| Bounds::new(&durable, facts.state.last_seq));
        let shared = Arc::new(shared(link, facts.store(), request, &durable));
        let pump = Pump::open(Arc::clone(&shared), bounds).await?;
        let confirmer = tokio::spawn(settle::confirm_for_ever(Arc::clone(&shared)));
        Ok(Self {
            pump: Mutex::new(Some(tokio::spawn(pump.run()))),
            shared,
            confirmer,
            remarks,
        })
    }
}

fn shared(link: &Arc<Link>, store: String, request: SubscribeRequest, durable: &Durable) -> Shared {
    Shared {
        link: Arc::clone(link),
        group: request.group,
        consumer: durable.name.clone(),
        store,
        lease: request.lease,
        ack_wait: durable.ack_wait(),
        max_in_flight: request.max_in_flight.max(1),
        desk: Mutex::default(),
        came: Notify::new(),
        stirred: Notify::new(),
        acknowledged: Notify::new(),
        confirming: tokio::sync::Mutex::default(),
        sending: tokio::sync::Mutex::default(),
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        let max = max.max(1);
        loop {
            let came = self.shared.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            match self.shared.offer(max) {
                Offer::Taken(deliveries) => return Ok(deliveries),
                Offer::Failed(failed) => return Err(failed),
                Offer::End => return Ok(Vec::new()),
                Offer::Wait => self.shared.stirred.notify_one(),
            }
            came.await;
        }
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        settle::settle_all(&self.shared, batch).await
    }

    /// The server works on the letters of one batch while those of the next are written.
    fn settles_at_once(&self) -> usize {
        2
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        let (mut lost, mut ours) = (Vec::new(), Vec::new());
        {
            let mut desk = self.shared.desk();
            desk.expire();
            let until = self.shared.until();
            for ticket in tickets {
                match desk.held.get_mut(ticket) {
                    Some(held) => {
                        held.until = until;
                        ours.push(held.claim.reply.clone());
                    }
                    None => lost.push(*ticket),
                }
            }
        }
        self.shared.tell(ours, &WORKING).await?;
        Ok(lost)
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }

    async fn close(&self) -> Result<()> {
        self.shared.desk().closed = true;
        self.shared.stirred.notify_one();
        self.shared.came.notify_waiters();
        let pump = self
            .pump
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(pump) = pump {
            // It hands in what was on its way.
            let _ = pump.await;
        }
        let mut claims: Vec<Claim> = {
            let mut desk = self.shared.desk();
            desk.expire();
            let held: Vec<Held> = desk.held.drain().map(|(_, held)| held).collect();
            let waiting = desk.waiting.drain(..).map(|waiting| waiting.claim);
            waiting
                .chain(held.into_iter().map(|held| held.claim))
                .collect()
        };
        // They come again in the order in which they are given back.
        claims.sort_unstable_by_key(|claim| claim.number);
        let given_back = self.shared.give_back(claims).await;
        settle::confirm(&self.shared).await?;
        given_back
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.confirmer.abort();
        if let Some(pump) = self
            .pump
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            pump.abort();
        }
    }
}
