//! Taking deliveries in and starting their runs.

use std::{sync::Arc, task::Poll, time::Duration};

use futures_util::poll;
use tokio::time::Instant;

use super::{
    End,
    event_loop::{Certainty, Pump},
    lifecycle::Phase,
    run::runs::Mark,
};
use crate::{
    runtime::{Admission, Handler, Notice},
    transport::{Delivery, ErrorKind, Result, Verdict},
};

/// The loop handles for so long before it looks after everything else.
const ROUND: Duration = Duration::from_millis(5);
/// A run that keeps the loop for so long is heavy, unless it was only the system that kept it: ...
const HEAVY: Duration = Duration::from_micros(500);
/// ... one that follows another so closely is, ...
const CLOSE: u32 = 16;
/// ... and the next ones become tasks at once.
const HEAVY_RUNS: u32 = 64;

impl<H: Handler> Pump<H> {
    /// Asks the store for more if there is room.
    pub(super) async fn ask(&mut self) {
        if !self.phase.is_running() || self.at_end.is_some() || !self.fetch.is_free(Instant::now())
        {
            return;
        }
        let wanted = self.wanted();
        if wanted > 0 {
            self.fetch.start(wanted).await;
        }
    }

    fn wanted(&self) -> usize {
        match self.breaker.admits(Instant::now().into_std()) {
            Admission::All => {}
            Admission::One if self.queue.len() == 0 => return self.still_needed().min(1),
            _ => return 0,
        }
        let window = self.fetch.window.size();
        let queued = self.queue.startable() + self.tasks.len().saturating_sub(self.jobs());
        let most = self.options.request.max_in_flight.max(1);
        let room = most.saturating_sub(self.in_flight());
        if queued > window || room == 0 {
            return 0;
        }
        let settling_frees_more = room < window / 2 && (queued > 0 || self.ledger.unsettled() > 0);
        if settling_frees_more {
            return 0;
        }
        window.min(room).min(self.still_needed())
    }

    /// Returns how many more deliveries could become final outcomes that count.
    fn still_needed(&self) -> usize {
        let Some(count) = self.options.count else {
            return usize::MAX;
        };
        let open = count.saturating_sub(self.ledger.finals());
        usize::try_from(open)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.in_flight())
    }

    /// Takes what the store handed out.
    pub(super) fn fetched(&mut self, result: Result<Vec<Delivery>>) {
        match result {
            Ok(deliveries) => {
                self.fetch.succeeded();
                if deliveries.is_empty() {
                    let sure = self.in_flight() == 0;
                    self.at_end = Some(if sure {
                        Certainty::Sure
                    } else {
                        Certainty::Unsure
                    });
                }
                self.arrived(deliveries);
            }
            Err(error) if error.kind() == ErrorKind::Gap => {
                self.ledger.summary.gaps += 1;
                self.observer.notice(Notice::Gap(&error));
            }
            Err(error) if error.kind() == ErrorKind::Warning => {
                self.observer.notice(Notice::Warning(&error));
            }
            Err(error) if error.is_transient() => {
                if self.fetch.failed() {
                    self.observer.notice(Notice::Trouble(&error));
                }
            }
            Err(error) => self.drain(Err(error.into())),
        }
    }

    fn arrived(&mut self, mut deliveries: Vec<Delivery>) {
        if !self.breaker.is_closed() && !deliveries.is_empty() {
            let keep = usize::from(self.queue.len() == 0);
            let surplus = deliveries.split_off(keep.min(deliveries.len()));
            self.give_back(surplus);
        }
        let back = self.queue.arrive(self.fetch.latest(), deliveries);
        self.give_back(back);
    }

    pub(super) fn give_back(&mut self, deliveries: impl IntoIterator<Item = Delivery>) {
        for delivery in deliveries {
            self.ledger.conclude(delivery, Verdict::Return, false);
        }
    }

    /// Starts runs as long as there are free jobs and time; reports whether there is more to start.
    pub(super) async fn dispatch(&mut self) -> bool {
        let began = Instant::now();
        let mut now = began;
        let mut started = 0;
        let mut more = false;
        while self.has_free_job() {
            if now - began >= ROUND {
                more = self.queue.startable() > 0;
                break;
            }
            let Some(delivery) = self.queue.pop() else {
                break;
            };
            now = self.start(delivery, now).await;
            started += 1;
        }
        self.fetch
            .window
            .learn(began, started, now, self.queue.startable());
        self.end_when_done();
        more
    }

    fn has_free_job(&self) -> bool {
        let admitted = self.breaker.is_closed()
            || match self.breaker.admits(Instant::now().into_std()) {
                Admission::All => true,
                Admission::One => self.queue.startable() > 0,
                Admission::NotBefore(_) | Admission::Nothing => false,
            };
        admitted && self.phase.is_running() && self.tasks.len() < self.jobs() + self.ahead()
    }

    pub(super) fn jobs(&self) -> usize {
        self.options.jobs.max(1)
    }

    /// Returns how many runs may wait in the handler: no more than is held ready at all.
    fn ahead(&self) -> usize {
        let most = if self.breaker.is_closed() {
            self.runner.ahead()
        } else {
            0
        };
        most.min(self.fetch.window.size())
    }

    /// Runs the handler here if it is ready at once, else as a task; returns when it has.
    async fn start(&mut self, delivery: Delivery, now: Instant) -> Instant {
        let probe = !self.breaker.is_closed();
        if probe {
            self.breaker.start_probe();
        }
        let mark = Mark::of(&delivery, self.ledger.follows());
        let mut run = Arc::clone(&self.runner).run(delivery, now, probe);
        let is_here = self.heavy == 0;
        let early = if is_here {
            self.light = self.light.saturating_add(1);
            poll!(run.as_mut())
        } else {
            self.heavy -= 1;
            Poll::Pending
        };
        if let Poll::Ready(finished) = early {
            let key = mark.key.clone();
            match self.tasks.ended_at_once(mark, finished) {
                Some(finished) => self.ran(finished),
                None => self.queue.occupy(key),
            }
        } else {
            self.queue.occupy(mark.key.clone());
            self.tasks.spawn(mark, run);
        }
        let end = Instant::now();
        // Runs that wait in the handler begin in the order in which they came there.
        if is_here && end - now >= HEAVY && self.runner.ahead() == 0 {
            if self.light < CLOSE {
                self.heavy = HEAVY_RUNS;
            }
            self.light = 0;
        }
        end
    }

    /// Returns when the breaker lets the next event through.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        match self.breaker.admits(Instant::now().into_std()) {
            Admission::NotBefore(until) => Some(Instant::from_std(until)),
            _ => None,
        }
    }

    fn end_when_done(&mut self) {
        if !matches!(self.phase, Phase::Running) {
            return;
        }
        if self
            .options
            .count
            .is_some_and(|count| self.ledger.finals() >= count)
        {
            self.drain(Ok(End::Counted));
        } else if self.in_flight() == 0 {
            match self.at_end {
                Some(Certainty::Sure) => self.drain(Ok(End::Reached)),
                Some(Certainty::Unsure) => self.at_end = None,
                None => {}
            }
        }
    }
}
