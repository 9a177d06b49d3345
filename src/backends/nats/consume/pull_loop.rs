//! The task of a membership that asks for messages, takes them in and keeps alive what is ours.

use std::{sync::Arc, time::Duration};

use async_nats::Subject;
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    backends::nats::{
        codec::headers,
        consume::{
            consumer::watch::{Seen, Watch},
            receive::claim,
            state::Claim,
            subscription::{Shared, WORKING},
            until_end::Bounds,
        },
        read::pull::{Arrived, Pull, Pulled},
    },
    transport::Result,
};

/// The most messages taken in at once.
const CHUNK: usize = 256;
/// The pause before something that failed is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// A request that ends sooner without a message is not followed by another one at once.
const SHORT: Duration = Duration::from_millis(100);

/// Asks for messages as somebody waits for them.
#[derive(Debug)]
pub(crate) struct Pump {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pull: Pull,
    pub(crate) bounds: Option<Bounds>,
    pub(crate) watch: Watch,
    keep_at: Instant,
    /// Nothing is asked for before.
    pub(crate) not_before: Instant,
    /// How often in a row a request was refused.
    pub(crate) refused: u32,
    pub(crate) begun: Instant,
    pub(crate) said_denied: bool,
}

/// Why the pump goes on.
enum Wake {
    Pulled(Pulled),
    Stirred,
    Keep,
    Look,
}

impl Pump {
    /// Prepares to ask.
    pub(crate) fn new(
        shared: Arc<Shared>,
        pull: Pull,
        (watch, bounds): (Watch, Option<Bounds>),
    ) -> Self {
        let now = Instant::now();
        Self {
            keep_at: now + shared.ack_wait / 3,
            shared,
            pull,
            bounds,
            watch,
            not_before: now,
            refused: 0,
            begun: now,
            said_denied: false,
        }
    }

    /// Works until the membership is closed or cannot go on; returns what it knows of its group, and how many
    /// messages it gave back.
    pub(crate) async fn run(mut self) -> (Watch, u64) {
        loop {
            let step = self.step().await;
            self.tell();
            match step {
                Ok(true) => {}
                Ok(false) => break,
                Err(failed) if failed.is_transient() => sleep(PAUSE).await,
                Err(failed) => {
                    self.shared.fail(failed);
                    break;
                }
            }
        }
        let (shared, rest) = (self.shared, self.pull.stop().await);
        let claims: Vec<Claim> = rest.iter().map(claim).collect();
        let count = claims.len() as u64;
        if let Err(failed) = shared.give_back(claims).await {
            tracing::debug!(%failed, "messages on their way come again by themselves");
        }
        (self.watch, count)
    }

    async fn step(&mut self) -> Result<bool> {
        if self.shared.desk().closed {
            return Ok(false);
        }
        let overdue = std::mem::take(&mut self.shared.desk().overdue);
        self.shared.tell(overdue, &WORKING).await?;
        self.ask().await?;
        if self.pull.outstanding() == 0 {
            self.watch.rest();
        }
        let look = self.next_look();
        let shared = Arc::clone(&self.shared);
        let wake = tokio::select! {
            biased;
            pulled = self.pull.next() => Wake::Pulled(pulled),
            () = shared.stirred.notified() => Wake::Stirred,
            () = sleep_until(self.keep_at) => Wake::Keep,
            () = sleep_until(look.unwrap_or_else(Instant::now)), if look.is_some() => Wake::Look,
        };
        match wake {
            Wake::Pulled(pulled) => self.take(pulled).await?,
            Wake::Stirred => {
                if let Some(bounds) = &mut self.bounds {
                    bounds.stir();
                }
            }
            Wake::Keep => self.keep().await?,
            Wake::Look => {}
        }
        Ok(true)
    }

    /// Returns when to ask again, if nothing is waited for from the server.
    fn next_look(&self) -> Option<Instant> {
        if self.pull.outstanding() > 0 {
            return None;
        }
        match &self.bounds {
            Some(bounds) => {
                let look = bounds.next_look(&self.shared.desk())?;
                Some(look.max(self.not_before))
            }
            None => (self.not_before > Instant::now()).then_some(self.not_before),
        }
    }

    async fn ask(&mut self) -> Result<()> {
        if self.not_before > Instant::now() || !self.pull.may_ask() {
            return Ok(());
        }
        if self.batch() == 0 {
            return Ok(());
        }
        // While nothing was asked for, limits may have been faster than the group.
        if self.pull.outstanding() == 0 && self.watch.was_away() {
            self.look().await?;
        }
        match self.batch() {
            0 => Ok(()),
            batch => self.pull.request(batch, self.bounds.is_none()).await,
        }
    }

    /// Returns how many messages to ask for now.
    fn batch(&self) -> usize {
        let outstanding = self.pull.outstanding();
        let mut desk = self.shared.desk();
        desk.expire();
        let room = desk.room(self.shared.max_in_flight);
        match &self.bounds {
            None => {
                let wanted = desk.demand.saturating_sub(desk.waiting.len()).min(room);
                if outstanding > 0 && outstanding >= wanted / 2 {
                    0
                } else {
                    wanted.saturating_sub(outstanding)
                }
            }
            Some(bounds) => match bounds.next_look(&desk) {
                Some(look) if outstanding == 0 && look <= Instant::now() => {
                    bounds.batch(&desk, room)
                }
                _ => bounds.ahead(&desk, room, outstanding),
            },
        }
    }

    async fn take(&mut self, pulled: Pulled) -> Result<()> {
        let Pulled::Message(first) = pulled else {
            return self.end(pulled).await;
        };
        self.refused = 0;
        let mut arrived = Vec::with_capacity(CHUNK);
        arrived.push(first);
        while arrived.len() < CHUNK {
            match self.pull.next().now_or_never() {
                Some(Pulled::Message(more)) => arrived.push(more),
                Some(other) => {
                    self.admit(arrived).await?;
                    return self.end(other).await;
                }
                None => break,
            }
        }
        self.admit(arrived).await?;
        if self.pull.outstanding() == 0 {
            self.conclude().await?;
        }
        Ok(())
    }

    async fn end(&mut self, pulled: Pulled) -> Result<()> {
        match pulled {
            Pulled::Message(arrived) => self.admit(vec![arrived]).await,
            Pulled::Ended(count) => {
                if count == 0 && self.bounds.is_none() && self.pull.since_asked() < SHORT {
                    self.not_before = Instant::now() + SHORT;
                }
                if self.pull.outstanding() == 0 {
                    self.conclude().await?;
                }
                Ok(())
            }
            Pulled::Idle if self.watch.is_idle() => self.look().await.map(drop),
            Pulled::Idle => Ok(()),
            Pulled::Refused(text) => self.refuse(&text).await,
            Pulled::Lost => {
                if let Some(bounds) = &mut self.bounds {
                    bounds.lose(self.shared.ack_wait);
                }
                sleep(PAUSE).await;
                self.watch.rest();
                self.look().await?;
                self.pull.reset().await
            }
            Pulled::Deleted => {
                self.look().await?;
                self.pull.reset().await
            }
            Pulled::Denied(denied) => Err(denied),
        }
    }

    /// Ends a bounded membership if nothing is left for it.
    async fn conclude(&mut self) -> Result<()> {
        if self.bounds.is_none() {
            return Ok(());
        }
        self.check_retries().await?;
        let Some(bounds) = &mut self.bounds else {
            return Ok(());
        };
        if !bounds.conclude(&mut self.shared.desk()) {
            self.shared.came.notify_waiters();
            return Ok(());
        }
        // A request that brought nothing is no proof.
        let Some(Seen::Same(durable)) = self.look().await? else {
            return Ok(());
        };
        let Some(bounds) = &mut self.bounds else {
            return Ok(());
        };
        let is_left = bounds.is_left(&self.shared.link, &durable).await?;
        if bounds.is_in_doubt() && durable.num_ack_pending == 0 {
            bounds.trust();
        }
        if bounds.is_over(&durable, is_left) {
            self.shared.desk().ended = true;
        }
        self.shared.came.notify_waiters();
        Ok(())
    }

    /// Looks at the stream and the consumer; nothing if they do not answer, or are others now.
    pub(crate) async fn look(&mut self) -> Result<Option<Seen>> {
        let seen = match self.watch.look(&self.shared.link).await {
            Ok(seen) => seen,
            Err(failed) if failed.is_transient() => {
                tracing::debug!(%failed, "nothing was seen");
                return Ok(None);
            }
            Err(failed) => return Err(failed),
        };
        self.tell();
        match seen {
            Seen::Same(ref durable) => {
                self.pull.limits = durable.config.limits;
                self.check_retries().await?;
                Ok(Some(seen))
            }
            seen => {
                self.begin_anew(seen).await?;
                Ok(None)
            }
        }
    }

    /// Says what was seen.
    pub(crate) fn tell(&mut self) {
        let news = self.watch.news();
        if !news.is_empty() {
            self.shared.say(news);
        }
    }

    /// Takes in what came: reads what is known of earlier runs, and holds back what came too soon.
    async fn admit(&mut self, mut arrived: Vec<Arrived>) -> Result<()> {
        if self.watch.note(&arrived) {
            // They are of a consumer or a stream that only has the name of the one before.
            self.look().await?;
        }
        let bare = arrived.extract_if(.., |one| is_bare(one));
        let mut back: Vec<Claim> = bare.map(|one| claim(&one)).collect();
        let is_bare = !back.is_empty();
        if let Some(bounds) = &mut self.bounds {
            let is_beyond = |one: &mut Arrived| !bounds.admits(one.stream_sequence, one.delivered);
            back.extend(arrived.extract_if(.., is_beyond).map(|one| claim(&one)));
        }
        if !back.is_empty() {
            self.shared.give_back(back).await?;
        }
        if is_bare {
            self.refuse("events come without their data").await?;
        }
        let earlier = self.shared.earlier_runs(&arrived).await;
        self.shared.accept(arrived, earlier).await
    }

    /// Tells the server that what waits here is still ours, and what is handed out if the consumer's own patience is
    /// shorter than the lease.
    async fn keep(&mut self) -> Result<()> {
        self.keep_at = Instant::now() + self.shared.ack_wait / 3;
        let replies: Vec<Subject> = {
            let mut desk = self.shared.desk();
            desk.expire();
            let waiting = desk.waiting.iter().map(|waiting| &waiting.claim);
            let patient = self.shared.ack_wait >= self.shared.lease;
            let held = desk
                .held
                .values()
                .filter(|_| !patient)
                .map(|held| &held.claim);
            waiting
                .chain(held)
                .map(|claim| claim.reply.clone())
                .collect()
        };
        self.shared.tell(replies, &WORKING).await?;
        self.check_denied();
        self.check_retries().await
    }
}

/// Reports whether a message came without its payload, as a consumer that was changed meanwhile delivers it.
fn is_bare(arrived: &Arrived) -> bool {
    let size = || headers::find(arrived.headers.as_ref()?, "Nats-Msg-Size");
    arrived.payload.is_empty() && size().is_some_and(|size| size != "0")
}
