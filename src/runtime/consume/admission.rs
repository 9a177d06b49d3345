//! Admission: how much is fetched, and which runs start now.
//!
//! The loop must serve handlers that take a microsecond and handlers that take a minute with the same code, so it measures
//! instead of being configured:
//!
//! - A run is first polled on the loop itself. A handler that is ready at once then costs no task, no channel and no thread
//!   switch, which is what makes an event cost about a microsecond. A handler that is not ready becomes a task.
//! - A handler that computes for long without yielding would hold up fetching, settling and lease extension. So a run that
//!   kept the loop for [`HEAVY_RUN`] counts as heavy, and the next [`HEAVY_RUNS`] runs become tasks at once. A single slow
//!   one says nothing: the operating system interrupts threads for about as long. Only a second one within
//!   [`HEAVY_DISTANCE`] runs does.
//! - Runs are started for at most [`ROUND`] before everything else gets its turn.
//! - The size of a request follows the speed of the handlers, see [`Window`](super::deliveries::fetch::Window).

use std::{sync::Arc, task::Poll, time::Duration};

use futures_util::poll;
use tokio::time::Instant;

use super::{
    deliveries::{
        fetch::{Fetch, Window},
        lookup::Fetched,
    },
    in_flight::InFlight,
    options::ConsumeOptions,
    run::runs::RunningDelivery,
    summary::End,
};
use crate::{
    runtime::{Admission as Admits, Handler, Notice, Observer},
    transport::{Delivery, ErrorKind, Result, Subscription},
};

/// Time for which runs are started before the loop turns to everything else.
const ROUND: Duration = Duration::from_millis(5);
/// A run that keeps the loop for this long may be heavy, ...
const HEAVY_RUN: Duration = Duration::from_micros(500);
/// ... and is, if the last such run was less than this many runs ago: ...
const HEAVY_DISTANCE: u32 = 16;
/// ... then this many runs become tasks at once.
const HEAVY_RUNS: u32 = 64;

/// The meaning of an empty answer in a run until the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndOfStream {
    /// Nothing was in flight: there is nothing left.
    Certain,
    /// Deliveries were in flight, which may be redelivered.
    Uncertain,
}

/// See the module.
pub(super) struct Admission {
    pub(super) fetch: Fetch,
    options: Arc<ConsumeOptions>,
    observer: Arc<dyn Observer>,
    /// Runs that still become tasks at once, because an earlier one held up the loop.
    heavy_left: u32,
    /// Runs polled on the loop since one held it up.
    since_heavy: u32,
    end_of_stream: Option<EndOfStream>,
}

impl Admission {
    pub(super) fn new(
        subscription: Arc<dyn Subscription>,
        options: Arc<ConsumeOptions>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let window = Window::new(options.jobs, options.request.max_in_flight);
        Self {
            fetch: Fetch::new(subscription, window, options.lookup()),
            options,
            observer,
            heavy_left: 0,
            since_heavy: u32::MAX,
            end_of_stream: None,
        }
    }

    /// Returns how many deliveries to ask for now; 0 for no request.
    pub(super) fn wanted<H: Handler>(&self, in_flight: &InFlight<H>) -> usize {
        if self.end_of_stream.is_some() || !self.fetch.is_free(Instant::now()) {
            return 0;
        }
        match in_flight.breaker.admits() {
            Admits::All => {}
            Admits::One if in_flight.queue.len() == 0 => {
                return self.still_needed(in_flight).min(1);
            }
            _ => return 0,
        }
        let window = self.fetch.window.size();
        let waiting_in_handler = in_flight.tasks.len().saturating_sub(self.jobs());
        let queued = in_flight.queue.startable() + waiting_in_handler;
        let most = self.options.request.max_in_flight.max(1);
        let room = most.saturating_sub(in_flight.len());
        if queued > window || room == 0 {
            return 0;
        }
        // A small request now would keep a full one from being made once the settlements under way are durable.
        let settling = in_flight.settlements.unsettled() > 0;
        let settling_frees_more = room < window / 2 && (queued > 0 || settling);
        if settling_frees_more {
            return 0;
        }
        window.min(room).min(self.still_needed(in_flight))
    }

    /// Returns how many more deliveries may be taken without exceeding the count of final outcomes.
    fn still_needed<H: Handler>(&self, in_flight: &InFlight<H>) -> usize {
        let Some(count) = self.options.count else {
            return usize::MAX;
        };
        let open = count.saturating_sub(in_flight.settlements.finals());
        usize::try_from(open)
            .unwrap_or(usize::MAX)
            .saturating_sub(in_flight.len())
    }

    /// Takes the answer to a request.
    pub(super) fn fetched<H: Handler>(
        &mut self,
        result: Result<Fetched>,
        in_flight: &mut InFlight<H>,
    ) {
        match result {
            Ok(fetched) => {
                self.fetch.succeeded();
                if fetched.is_end() {
                    self.end_of_stream = Some(if in_flight.len() == 0 {
                        EndOfStream::Certain
                    } else {
                        EndOfStream::Uncertain
                    });
                }
                let deliveries = in_flight.copies.admit(fetched, &mut in_flight.settlements);
                self.queue(deliveries, in_flight);
            }
            Err(error) if error.kind() == ErrorKind::Gap => {
                in_flight.settlements.summary.gaps += 1;
                self.observer.notice(Notice::Gap(&error));
            }
            Err(error) if error.kind() == ErrorKind::Warning => {
                self.observer.notice(Notice::Warning(&error));
            }
            Err(error) if error.is_transient() => {
                if self.fetch.failed() {
                    self.observer.notice(Notice::TransientError(&error));
                }
            }
            Err(error) => in_flight.end(Err(error.into())),
        }
    }

    fn queue<H: Handler>(&self, mut deliveries: Vec<Delivery>, in_flight: &mut InFlight<H>) {
        if !in_flight.breaker.is_closed() && !deliveries.is_empty() {
            let keep = usize::from(in_flight.queue.len() == 0);
            let surplus = deliveries.split_off(keep.min(deliveries.len()));
            in_flight.give_back(surplus);
        }
        let held_back = in_flight.queue.arrive(self.fetch.latest(), deliveries);
        in_flight.give_back(held_back);
    }

    /// Starts runs while there are free jobs and time; reports whether more could start.
    pub(super) async fn dispatch<H: Handler>(&mut self, in_flight: &mut InFlight<H>) -> bool {
        let began = Instant::now();
        let mut now = began;
        let mut started = 0;
        let mut more = false;
        while self.has_free_job(in_flight) {
            if now - began >= ROUND {
                more = in_flight.queue.startable() > 0;
                break;
            }
            let Some(delivery) = in_flight.queue.pop() else {
                break;
            };
            now = self.start(delivery, now, in_flight).await;
            started += 1;
        }
        let left = in_flight.queue.startable();
        self.fetch.window.adapt(began, started, now, left);
        more
    }

    fn has_free_job<H: Handler>(&self, in_flight: &InFlight<H>) -> bool {
        let admitted = in_flight.breaker.is_closed()
            || match in_flight.breaker.admits() {
                Admits::All => true,
                Admits::One => in_flight.queue.startable() > 0,
                Admits::NotBefore(_) | Admits::Nothing => false,
            };
        let places = self.jobs() + self.max_queued(in_flight);
        admitted && !in_flight.is_ending() && in_flight.tasks.len() < places
    }

    /// Returns the number of runs at the same time.
    pub(super) fn jobs(&self) -> usize {
        self.options.jobs.max(1)
    }

    /// Returns how many runs may wait in the handler: no more than are kept ready at all.
    fn max_queued<H: Handler>(&self, in_flight: &InFlight<H>) -> usize {
        let most = if in_flight.breaker.is_closed() {
            in_flight.runner.max_queued()
        } else {
            0
        };
        most.min(self.fetch.window.size())
    }

    /// Polls the handler here, and as a task if it is not ready at once; returns the time afterwards.
    async fn start<H: Handler>(
        &mut self,
        delivery: Delivery,
        now: Instant,
        in_flight: &mut InFlight<H>,
    ) -> Instant {
        let probe = !in_flight.breaker.is_closed();
        if probe {
            in_flight.breaker.start_probe();
        }
        let running = RunningDelivery::of(&delivery, in_flight.settlements.follows());
        let mut run = Arc::clone(&in_flight.runner).run(delivery, now, probe);
        let on_loop = self.heavy_left == 0;
        let polled = if on_loop {
            self.since_heavy = self.since_heavy.saturating_add(1);
            poll!(run.as_mut())
        } else {
            self.heavy_left -= 1;
            Poll::Pending
        };
        if let Poll::Ready(finished) = polled {
            let key = running.key.clone();
            match in_flight.tasks.ended_at_once(running, finished) {
                Some(finished) => in_flight.run_ended(finished, false),
                None => in_flight.queue.occupy(key),
            }
        } else {
            in_flight.queue.occupy(running.key.clone());
            in_flight.tasks.spawn(running, run);
        }
        let end = Instant::now();
        // Runs that wait in the handler are excepted: they must begin in the order in which they were polled here, and
        // tasks are polled in any order.
        if on_loop && end - now >= HEAVY_RUN && in_flight.runner.max_queued() == 0 {
            if self.since_heavy < HEAVY_DISTANCE {
                self.heavy_left = HEAVY_RUNS;
            }
            self.since_heavy = 0;
        }
        end
    }

    /// Returns how the consumer ends if everything is done.
    pub(super) fn end_if_done<H: Handler>(&mut self, in_flight: &InFlight<H>) -> Option<End> {
        let finals = in_flight.settlements.finals();
        if self.options.count.is_some_and(|count| finals >= count) {
            return Some(End::Counted);
        }
        if in_flight.len() > 0 {
            return None;
        }
        match self.end_of_stream {
            Some(EndOfStream::Certain) => Some(End::Reached),
            Some(EndOfStream::Uncertain) => {
                self.end_of_stream = None;
                None
            }
            None => None,
        }
    }
}
