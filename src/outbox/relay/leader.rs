//! The holder of the lease of a shard.
//!
//! No transaction of the database is open while the target is slow or down: rows are read, published, and then removed by
//! their identifiers. Two relays are kept apart by the lease and its fencing number. One that was suspended and wakes up
//! later is refused by the target, where that stores receipts; elsewhere the lease is renewed at every third of its
//! length.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    batch::{self, Prepared},
    blocked::Blocked,
    context::{Context, taken_over},
    floor::Floor,
    options::{RelayNotice, RelaySummary},
    pace::{Pace, Rate},
    target::{Target, is_permanent},
};
use crate::{
    failpoint,
    outbox::{
        receipt::Sent,
        table::{Claim, Lease, PendingRow, Progress},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// How often refused rows are looked at, for those that an operator resolved.
const REVIEW: Duration = Duration::from_secs(2);
/// How leading ended.
pub(super) enum Turn {
    /// The lease is lost or was given back; another turn follows.
    Lost,
    /// The work is done.
    Done,
}

/// The holder of a lease.
pub(super) struct Leader<'a> {
    context: &'a mut Context,
    lease: Lease,
    outbox: &'a str,
    target: Option<Target>,
    floor: Floor,
    blocked: Blocked,
    /// Rows that were published and could not be removed yet.
    unsettled: Vec<i64>,
    /// Rows of this relay of which only the receipt will say whether they were published.
    uncertain: Vec<i64>,
    pace: Pace,
    /// The rows of the next batch, read while the last one was published.
    ahead: Vec<PendingRow>,
    summary: RelaySummary,
    rate: Rate,
    renewed: Instant,
    reviewed: Instant,
    active: Instant,
}

impl<'a> Leader<'a> {
    /// Begins a turn with a new lease.
    pub(super) fn new(context: &'a mut Context, lease: Lease, outbox: &'a str) -> Self {
        let now = Instant::now();
        Self {
            context,
            lease,
            outbox,
            target: None,
            floor: Floor::new(now),
            blocked: Blocked::default(),
            unsettled: Vec::new(),
            uncertain: Vec::new(),
            pace: Pace::default(),
            ahead: Vec::new(),
            summary: RelaySummary::default(),
            rate: Rate::default(),
            renewed: now,
            reviewed: now,
            active: now,
        }
    }

    /// Adds what this turn has done. Rows that are still refused are those of the last turn.
    pub(super) fn add_to(&self, summary: &mut RelaySummary) {
        summary.sent += self.summary.sent;
        summary.parked += self.summary.parked;
        summary.refused = self.blocked.rows().len() as u64;
    }

    /// Publishes for as long as the lease is held. Whatever happens, the lease is given back.
    pub(super) async fn lead(&mut self) -> Result<Turn> {
        let turn = loop {
            if self.context.stop.is_cancelled() {
                break Ok(Turn::Done);
            }
            match self.step().await {
                Ok(None) => {}
                Ok(Some(turn)) => break Ok(turn),
                Err(error) if error.kind() == ErrorKind::Held => break Ok(Turn::Lost),
                Err(error) => {
                    // Whether the last batch was stored is read from the target.
                    self.target = None;
                    self.ahead.clear();
                    if let Err(fatal) = self.context.outage(error).await {
                        break Err(fatal);
                    }
                }
            }
        };
        if !self.unsettled.is_empty() {
            let _ = self.settle().await;
        }
        self.forget_resolved().await;
        let _ = self.context.table.release(&self.lease).await;
        turn
    }

    /// Forgets refused rows that an operator resolved since the last look, so that the summary does not have them.
    async fn forget_resolved(&mut self) {
        let refused = self.blocked.rows();
        if !refused.is_empty()
            && let Ok(still) = self.context.table.refused(&refused).await
        {
            self.blocked.keep(&still);
        }
    }

    /// Opens the target, or publishes one batch, or waits for rows.
    async fn step(&mut self) -> Result<Option<Turn>> {
        let is_ending = self.renewed.elapsed() >= self.lease.length / 3;
        if (is_ending || !self.unsettled.is_empty()) && !self.settle().await? {
            return Ok(Some(Turn::Lost));
        }
        if self.target.is_none() {
            self.open().await?;
        }
        let now = Instant::now();
        self.review(now).await?;
        let (above, rows) = self.read(now).await?;
        if rows.is_empty() {
            self.context.answered();
            return Ok(self.idle(above).await);
        }
        self.active = now;
        let undelayed = rows.iter().filter(|row| row.due.is_none());
        let last = undelayed.map(|row| row.id).max();
        let outage = self.publish(rows).await?;
        if !self.settle().await? {
            return Ok(Some(Turn::Lost));
        }
        failpoint::reach("outbox.settled");
        if let Some(error) = outage {
            return Err(error);
        }
        self.context.answered();
        // The rows of a batch that was refused whole are read again, in smaller ones: no later row may overtake them.
        if self.target.is_some() {
            self.floor.resolved(last.unwrap_or(0));
        }
        if self.floor.needs_horizon(now) {
            let horizon = self.context.table.horizon().await?;
            self.floor.look(horizon, now);
        }
        Ok(None)
    }

    /// Opens the target, which fences the relays before, and removes what they published last.
    async fn open(&mut self) -> Result<()> {
        for former in self.context.table.former_shards(self.lease.shard).await? {
            self.retire(&former).await?;
        }
        let (target, sent) = self.open_target(self.lease.clone()).await?;
        let recovered = self.recover(&sent).await?;
        self.uncertain.clear();
        let exactly_once = matches!(target, Target::Receipted(_));
        self.target = Some(target);
        self.context.observer.notice(RelayNotice::Leads {
            shard: (self.lease.shard.number, self.lease.shard.of),
            fence: self.lease.fence,
            exactly_once,
            recovered,
        });
        Ok(())
    }

    async fn open_target(&mut self, lease: Lease) -> Result<(Target, Vec<Sent>)> {
        let (transport, outbox) = (self.context.transport.clone(), self.outbox);
        let opening = async move { Target::open(&transport, outbox, &lease).await };
        self.renewing(opening).await
    }

    /// Ends a shard of another division: fences its last relay and removes what that published last.
    async fn retire(&mut self, former: &Lease) -> Result<()> {
        // If another relay of this division was faster, this one asks again: that one may not have removed the rows yet.
        let (_, sent) = self.open_target(former.clone()).await?;
        self.recover(&sent).await?;
        self.context.table.retire(former).await
    }

    /// Removes rows of the last batch; returns how many were still there.
    async fn recover(&mut self, sent: &[Sent]) -> Result<usize> {
        let ids: Vec<i64> = sent.iter().map(|sent| sent.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let unsent = self.context.table.unsent(&ids).await?;
        let published = unsent.iter().map(|(id, event)| Sent::of(*id, event));
        let published = published.filter(|row| sent.contains(row)).map(|row| row.id);
        let published: Vec<i64> = published.collect();
        let recovered = published.len();
        let own = published.iter().filter(|id| self.uncertain.contains(id));
        self.count(own.count());
        self.unsettled.extend(published);
        failpoint::reach("outbox.recovering");
        if recovered > 0 && !self.settle().await? {
            return Err(taken_over());
        }
        Ok(recovered)
    }

    /// Returns rows, and above which identifier they were read.
    async fn read(&mut self, now: Instant) -> Result<(i64, Vec<PendingRow>)> {
        let ahead = std::mem::take(&mut self.ahead);
        if !ahead.is_empty() {
            return Ok((1, ahead));
        }
        let above = self.floor.above(now);
        let claim = self.next_claim(above, now, &[]);
        Ok((above, self.context.table.claim(&claim).await?))
    }

    /// Returns what to read, without these rows.
    fn next_claim(&self, above: i64, now: Instant, without: &[i64]) -> Claim {
        let (without_keys, mut without_rows) = self.blocked.left_out(now);
        without_rows.extend(without);
        let most = self.target.as_ref().map_or(1, Target::limit);
        let rows = self.pace.rows(most.min(self.context.options.batch));
        Claim {
            shard: self.lease.shard,
            above,
            limit: i64::try_from(rows).unwrap_or(i64::MAX),
            without_keys,
            without_rows,
        }
    }

    /// Encodes rows, without those that are held up or refused.
    async fn prepare(&mut self, rows: Vec<PendingRow>, now: Instant) -> Result<Vec<Prepared>> {
        let encoding = self.context.transport.encoding();
        let mut batch = Vec::with_capacity(rows.len());
        for row in rows {
            let is_held_up = row.key.is_some() && self.blocked.holds_up(&row, now);
            match Prepared::new(row, encoding) {
                _ if is_held_up => {}
                Ok(prepared) => batch.push(prepared),
                Err(refused) => self.refuse(&refused.0, refused.1).await?,
            }
        }
        Ok(batch)
    }

    /// Publishes rows, and notes those that are refused; returns why the rest could not be published.
    async fn publish(&mut self, rows: Vec<PendingRow>) -> Result<Option<TransportError>> {
        let (count, now) = (rows.len(), Instant::now());
        self.pace.measure(&rows);
        let batch = self.prepare(rows, now).await?;
        let ids: Vec<i64> = batch.iter().map(|prepared| prepared.row.id).collect();
        // More rows wait if there are as many as are asked for.
        let above = self.floor.above(now);
        let next = self.next_claim(above, now, &ids);
        let is_full = i64::try_from(count).is_ok_and(|count| count >= next.limit);
        let next = (is_full && ids.len() == count).then_some(next);
        let Some(target) = self.target.take() else {
            return Ok(None);
        };
        let publishing = target.publish_and_read(batch, Arc::clone(&self.context.table), next);
        let (target, published, ahead) = self.renewing(async { Ok(publishing.await) }).await?;
        let (sent, outage) = (published.sent, published.outage);
        let is_clean = sent.len() == ids.len();
        if published.is_refused_whole {
            self.pace.halve(ids.len());
            self.floor.lower();
        } else if outage.is_none() {
            self.target = Some(target);
            self.pace.published();
        } else {
            self.uncertain = ids;
        }
        for id in &sent {
            if self.blocked.resolve(*id) {
                self.floor.lower();
            }
        }
        // Rows that were read ahead may be behind one that was refused: then they are read again.
        if is_clean {
            self.ahead = ahead;
        }
        self.count(sent.len());
        self.unsettled.extend(sent);
        for (prepared, error) in published.refused {
            self.refuse(&prepared.row, error).await?;
        }
        Ok(outage)
    }

    async fn refuse(&mut self, row: &PendingRow, error: TransportError) -> Result<()> {
        let parked = self.context.options.park && is_permanent(&error);
        let reason = batch::reason(&error);
        self.context.table.refuse(row.id, &reason, parked).await?;
        if parked {
            self.summary.parked += 1;
            self.blocked.resolve(row.id);
            self.floor.lower();
        } else {
            self.blocked.refuse(row, Instant::now());
        }
        self.context.observer.notice(RelayNotice::Refused {
            id: row.id,
            key: row.key.clone(),
            error,
            parked,
        });
        Ok(())
    }

    /// Counts rows that this relay published.
    fn count(&mut self, rows: usize) {
        self.rate.add(rows, Instant::now());
        self.summary.sent += rows as u64;
    }

    /// Removes published rows, if any, and extends the lease; returns whether the lease is still held.
    async fn settle(&mut self) -> Result<bool> {
        let asked = Instant::now();
        let progress = Progress {
            sent: &self.unsettled,
            keep: self.context.options.keep.is_some(),
            rate: self.rate.per_second(asked),
        };
        let is_held = self.context.table.settle(&self.lease, progress).await?;
        self.unsettled.clear();
        self.renewed = asked;
        Ok(is_held)
    }

    /// Waits for the target and extends the lease meanwhile.
    async fn renewing<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = sleep(self.lease.length / 3) => {
                    // Without an answer the database lets no other relay lead either.
                    let asked = Instant::now();
                    let rate = self.rate.per_second(asked);
                    match self.context.table.renew(&self.lease, rate).await {
                        // Not every target fences this relay then.
                        Ok(false) => return Err(taken_over()),
                        Ok(true) => self.renewed = asked,
                        Err(_) => {}
                    }
                }
            }
        }
    }

    /// Looks at refused rows: for those that an operator resolved, and for their retries.
    async fn review(&mut self, now: Instant) -> Result<()> {
        let refused = self.blocked.rows();
        if refused.is_empty() {
            return Ok(());
        }
        let mut is_released = self.blocked.has_due(now);
        if now - self.reviewed >= REVIEW {
            self.reviewed = now;
            let still = self.context.table.refused(&refused).await?;
            self.blocked.keep(&still);
            is_released |= still.len() < refused.len();
        }
        if is_released {
            self.floor.lower();
        }
        Ok(())
    }

    /// Waits for rows, or ends.
    async fn idle(&mut self, above: i64) -> Option<Turn> {
        if self.context.options.until_end {
            if above == 0 {
                return Some(Turn::Done);
            }
            self.floor.lower();
            return None;
        }
        self.context.wait_for_rows(self.active.elapsed()).await;
        None
    }
}
