//! Requests for deliveries: one at a time, for no more than the handlers will soon start.
//!
//! Deliveries whose marks are being looked up are in flight already: their leases are extended, and they go back if the
//! request is dropped.

use std::{future::Future, pin::Pin, sync::Arc, task::Poll, time::Duration};

use futures_util::poll;
use tokio::time::Instant;

use super::lookup::{Fetched, LookedUp, Lookup};
use crate::transport::{Delivery, Result, Subscription, Ticket};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

type Request = Pin<Box<dyn Future<Output = Result<Fetched>> + Send>>;

/// See the module.
pub(in crate::runtime::consume) struct Fetch {
    subscription: Arc<dyn Subscription>,
    request: Option<Request>,
    /// An answer that came back on the first poll.
    early: Option<Result<Fetched>>,
    /// Looks up the marks of what came back.
    lookup: Option<Lookup>,
    /// What came back, while its marks are looked up.
    looked_up: LookedUp,
    requests: u64,
    not_before: Option<Instant>,
    failures: u32,
    /// Size of the next request.
    pub(in crate::runtime::consume) window: Window,
}

impl Fetch {
    pub(in crate::runtime::consume) fn new(
        subscription: Arc<dyn Subscription>,
        window: Window,
        lookup: Option<Lookup>,
    ) -> Self {
        Self {
            subscription,
            lookup,
            looked_up: LookedUp::default(),
            request: None,
            early: None,
            requests: 0,
            not_before: None,
            failures: 0,
            window,
        }
    }

    /// Reports whether a request can be made now.
    pub(in crate::runtime::consume) fn is_free(&self, now: Instant) -> bool {
        self.request.is_none()
            && self.early.is_none()
            && self.not_before.is_none_or(|pause_end| now >= pause_end)
    }

    /// Returns the end of the pause, if there is one.
    pub(in crate::runtime::consume) fn wake_at(&self) -> Option<Instant> {
        let now = Instant::now();
        self.not_before.filter(|pause_end| *pause_end > now)
    }

    /// Returns the number of the latest request.
    pub(in crate::runtime::consume) fn latest(&self) -> u64 {
        self.requests
    }

    /// Requests at most this many. The request is polled once here, so that the store works on it while the handler runs.
    pub(in crate::runtime::consume) async fn start(&mut self, max: usize) {
        self.requests += 1;
        self.not_before = None;
        let subscription = Arc::clone(&self.subscription);
        let (lookup, looked_up) = (self.lookup.clone(), self.looked_up.clone());
        let mut request: Request = Box::pin(async move {
            let deliveries = subscription.next(max).await?;
            match lookup {
                Some(lookup) => {
                    looked_up.put(deliveries);
                    lookup.sort(&subscription, &looked_up).await
                }
                None => Ok(Fetched {
                    run: deliveries,
                    ..Fetched::default()
                }),
            }
        });
        match poll!(request.as_mut()) {
            Poll::Ready(result) => self.early = Some(result),
            Poll::Pending => self.request = Some(request),
        }
    }

    /// Waits for the answer to the request; indefinitely if there is none. Cancellation-safe.
    pub(in crate::runtime::consume) async fn next(&mut self) -> Result<Fetched> {
        if let Some(result) = self.early.take() {
            return result;
        }
        let Some(request) = &mut self.request else {
            return std::future::pending().await;
        };
        let result = request.await;
        self.request = None;
        result
    }

    /// Notes that a request succeeded.
    pub(in crate::runtime::consume) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Notes a transient failure and pauses; returns whether it is the first in a row.
    pub(in crate::runtime::consume) fn failed(&mut self) -> bool {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10));
        self.failures += 1;
        self.not_before = Some(Instant::now() + pause.min(MAX_PAUSE));
        self.failures == 1
    }

    /// Lists the deliveries whose marks are being looked up.
    pub(in crate::runtime::consume) fn tickets(&self) -> Vec<Ticket> {
        self.looked_up.tickets()
    }

    /// Takes deliveries out whose lease was lost while their marks were looked up.
    pub(in crate::runtime::consume) fn remove(&self, lost: &[Ticket]) -> Vec<Delivery> {
        self.looked_up.remove(lost)
    }

    /// Drops the request; returns deliveries that came back already. What the store has claimed for the dropped request goes
    /// to other consumers.
    pub(in crate::runtime::consume) fn stop(&mut self) -> Vec<Delivery> {
        self.request = None;
        let early = self.early.take().and_then(Result::ok);
        let mut back = early.map(Fetched::into_deliveries).unwrap_or_default();
        back.extend(self.looked_up.take());
        back
    }
}

/// The size of a request, which follows the speed of the handlers.
///
/// Fast handlers need large requests: one round trip per event would cap them at the latency of the broker. Slow handlers
/// need small ones: whatever this consumer holds, no other member of the group can work on, and its leases must be
/// extended all the while. So a request is for about as many deliveries as are started in [`AHEAD`](Self::AHEAD), at
/// most doubled or halved per measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime::consume) struct Window {
    size: usize,
    least: usize,
    most: usize,
    /// Start of the measurement and runs started since, while deliveries are waiting.
    backlog: Option<(Instant, usize)>,
}

impl Window {
    const AHEAD: Duration = Duration::from_millis(100);
    const MEASURE: Duration = Duration::from_millis(20);

    /// A third of what may be in flight: at the same time one batch is requested, one handled and one settled.
    pub(in crate::runtime::consume) fn new(jobs: usize, max_in_flight: usize) -> Self {
        let most = (max_in_flight / 3).max(1);
        let least = jobs.saturating_mul(2).clamp(1, most);
        Self {
            size: least.max(32).min(most),
            least,
            most,
            backlog: None,
        }
    }

    pub(in crate::runtime::consume) fn size(&self) -> usize {
        self.size
    }

    /// Adapts to a round that began at `began` and started `started` runs, with `left` deliveries still waiting.
    ///
    /// A short round with deliveries left over is too short to measure; it is added to the next one.
    pub(in crate::runtime::consume) fn adapt(
        &mut self,
        began: Instant,
        started: usize,
        now: Instant,
        left: usize,
    ) {
        let (since, before) = self.backlog.unwrap_or((began, 0));
        let started = before + started;
        let elapsed = now.saturating_duration_since(since);
        if left > 0 && elapsed < Self::MEASURE || started == 0 && elapsed < Self::AHEAD {
            self.backlog = (left > 0).then_some((since, started));
            return;
        }
        let per_window = Self::AHEAD.as_micros() * started as u128 / elapsed.as_micros().max(1);
        let wanted = usize::try_from(per_window).unwrap_or(usize::MAX);
        self.size = wanted
            .clamp(self.size / 2, self.size.saturating_mul(2))
            .clamp(self.least, self.most);
        self.backlog = (left > 0).then_some((now, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(window: &mut Window, started: usize, took: Duration, left: usize) -> usize {
        let began = Instant::now();
        window.adapt(began, started, began + took, left);
        window.size()
    }

    #[test]
    fn fast_handlers_widen_the_window_to_a_third_of_what_may_be_in_flight() {
        let mut window = Window::new(1, 999);
        let sizes = [(); 6].map(|()| after(&mut window, 32, Duration::from_micros(64), 0));
        assert_eq!(sizes, [64, 128, 256, 333, 333, 333]);
    }

    #[test]
    fn slow_handlers_leave_deliveries_to_other_members() {
        let mut window = Window::new(4, 1000);
        let mut clock = Instant::now();
        let sizes = [(); 4].map(|()| {
            let began = clock;
            clock += Duration::from_secs(1);
            window.adapt(began, 1, clock, 20);
            window.size()
        });
        assert_eq!(sizes, [16, 8, 8, 8], "twice the jobs are kept ready");
    }

    #[test]
    fn a_short_measurement_changes_nothing() {
        let mut window = Window::new(1, 1000);
        assert_eq!(after(&mut window, 1, Duration::from_millis(5), 20), 32);
        assert_eq!(Window::new(8, 1).size(), 1);
    }
}
