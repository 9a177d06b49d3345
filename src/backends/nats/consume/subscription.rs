//! Membership in a group: what was taken, who holds it, and until when.

use std::{
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::Subject;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    backends::nats::{
        connection::{confirmed_publish::while_it_may_pass, handle::Link},
        consume::{
            consumer::{
                durable::{self as consumer, Durable},
                watch::Watch,
            },
            pull_loop::Pump,
            settle,
            state::{Claim, Desk, Held},
            until_end::Bounds,
        },
        error::{SCHEME, error},
        read::pull::Pull,
    },
    event::Group,
    lock::Mutex,
    transport::{
        Delivery, ErrorKind, Result, Settlement, SubscribeRequest, Subscription, Ticket,
        TransportError,
    },
};

/// Words that give a message back at once and say that it is being worked on.
pub(crate) const GIVE_BACK: Bytes = Bytes::from_static(b"-NAK");
pub(crate) const WORKING: Bytes = Bytes::from_static(b"+WPI");
pub(crate) const DONE: Bytes = Bytes::from_static(b"+ACK");

/// How long the server is asked again to take messages back: they come again by themselves.
const GIVE_UP: Duration = Duration::from_secs(15);

/// How long the last look may take.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// What somebody who asks for messages gets.
enum Offer {
    Taken(Vec<Delivery>),
    Failed(TransportError),
    End,
    Wait,
}

/// What the parts of a membership share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) link: Arc<Link>,
    pub(crate) group: Group,
    pub(crate) consumer: String,
    store: Mutex<String>,
    life: AtomicU64,
    pub(crate) lease: Duration,
    pub(crate) ack_wait: Duration,
    pub(crate) max_in_flight: usize,
    desk: Mutex<Desk>,
    /// Something came, or the end.
    pub(crate) came: Notify,
    /// Somebody waits, or something was settled.
    pub(crate) stirred: Notify,
    /// An acknowledgement is to be confirmed.
    pub(crate) acknowledged: Notify,
    pub(crate) confirming: tokio::sync::Mutex<()>,
    /// Held while the letters of a batch are sent: those of the next batch stand behind them.
    pub(crate) sending: tokio::sync::Mutex<()>,
}

impl Shared {
    /// Locks what is at hand.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock()
    }

    /// Ends the membership with an error.
    pub(crate) fn fail(&self, failed: TransportError) {
        self.desk().failed = Some(failed);
        self.came.notify_waiters();
    }

    /// Says something without ending the membership.
    pub(crate) fn say(&self, notices: impl IntoIterator<Item = TransportError>) {
        self.desk().notices.extend(notices);
        self.came.notify_waiters();
    }

    /// Returns the name from which ids of dead letters are derived.
    pub(crate) fn store(&self) -> String {
        let store = self.store.lock();
        store.clone()
    }

    /// Returns a number that is another one once another stream has the name.
    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::Relaxed)
    }

    /// Takes note that another stream has the name of the one before.
    pub(crate) fn read_from(&self, store: String) {
        self.life.fetch_add(1, Ordering::Relaxed);
        *self.store.lock() = store;
    }

    /// Hands out what is there. A server that has waited for a word of some is told in the background: the call may be
    /// dropped.
    fn offer(&self, max: usize) -> Offer {
        let mut desk = self.desk();
        if let Some(notice) = desk.notices.pop_front() {
            return Offer::Failed(notice);
        }
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
    pub(crate) fn until(&self) -> Instant {
        let lease = if self.ack_wait < self.lease {
            self.lease
        } else {
            self.lease.min(self.ack_wait * 4 / 5)
        };
        Instant::now() + lease
    }

    /// Tells the server something about deliveries without waiting for it.
    pub(crate) async fn tell(
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
    pub(crate) async fn give_back(&self, claims: Vec<Claim>) -> Result<()> {
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

/// A membership in a group. Dropped without [`Subscription::close`], it leaves as a crashed process would: what it
/// holds comes again when the lease runs out.
#[derive(Debug)]
pub(crate) struct Member {
    shared: Arc<Shared>,
    pump: Mutex<Option<JoinHandle<(Watch, u64)>>>,
    confirmer: JoinHandle<()>,
    remarks: Vec<String>,
}

impl Member {
    /// Joins the group, whose consumer is made if it is new.
    pub(crate) async fn join(link: &Arc<Link>, request: SubscribeRequest) -> Result<Self> {
        request.refuse_ordered(SCHEME)?;
        let facts = link.facts().await?;
        let filters = link.names.filters(&request.patterns)?;
        link.check_covered(&facts, &filters).await?;
        let mut remarks = link.make_side_places(facts.config.num_replicas).await?;
        let (durable, made) = consumer::join(link, &facts, &request, &filters).await?;
        if made.is_some() {
            link.forget_all_runs(&durable.name).await?;
        }
        remarks.extend(made);
        let mut watch = Watch::begin(link, request.clone(), (&facts, &durable)).await?;
        let bounds = if request.until_end {
            Some(Bounds::new(&durable, &link.facts().await?))
        } else {
            None
        };
        let place = (link.names.stream.as_str(), durable.name.as_str());
        let pull = Pull::open(link, place, durable.config.limits).await?;
        let shared = Arc::new(shared(link, facts.store(), request, &durable));
        shared.say(watch.news());
        let pump = Pump::new(Arc::clone(&shared), pull, (watch, bounds));
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
        store: Mutex::new(store),
        life: AtomicU64::new(0),
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
        let pump = self.pump.lock().take();
        // It hands in what was on its way.
        let left = match pump {
            Some(pump) => pump.await.ok(),
            None => None,
        };
        let (mut claims, retries): (Vec<Claim>, usize) = {
            let mut desk = self.shared.desk();
            desk.expire();
            let held: Vec<Held> = desk.held.drain().map(|(_, held)| held).collect();
            let waiting = desk.waiting.drain(..).map(|waiting| waiting.claim);
            let claims = waiting
                .chain(held.into_iter().map(|held| held.claim))
                .collect();
            (claims, desk.retrying.len())
        };
        let count = (claims.len() + retries) as u64;
        // They come again in the order in which they are given back.
        claims.sort_unstable_by_key(|claim| claim.number);
        let given_back = self.shared.give_back(claims).await;
        match settle::confirm(&self.shared).await {
            // Nobody is left to hear of it.
            Err(failed) if failed.kind() == ErrorKind::NotFound => {}
            confirmed => {
                confirmed?;
                given_back?;
            }
        }
        match left {
            Some((watch, more)) => self.leave(watch, count + more).await,
            None => Ok(()),
        }
    }
}

impl Member {
    /// Looks a last time, and writes down how far the group is.
    async fn leave(&self, mut watch: Watch, returned: u64) -> Result<()> {
        let look = watch.leave(&self.shared.link, returned);
        match timeout(LAST_LOOK, look).await {
            Ok(Ok(())) => {}
            Ok(Err(failed)) => tracing::debug!(%failed, "nothing was seen when leaving"),
            Err(_) => tracing::debug!("nothing was seen in time when leaving"),
        }
        let waiting = std::mem::take(&mut self.shared.desk().notices);
        let mut news = waiting.into_iter().chain(watch.news());
        match news.find(|failed| failed.kind() == ErrorKind::Gap) {
            Some(gap) => Err(gap),
            None => Ok(()),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.confirmer.abort();
        if let Some(pump) = self.pump.lock().take() {
            pump.abort();
        }
    }
}
