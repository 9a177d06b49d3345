//! Asking for deliveries: one request at a time, for no more than can soon be worked on.

use std::{future::Future, pin::Pin, sync::Arc, task::Poll, time::Duration};

use futures_util::poll;
use tokio::time::Instant;

use crate::transport::{Delivery, Result, Subscription};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

type Request = Pin<Box<dyn Future<Output = Result<Vec<Delivery>>> + Send>>;

/// See the module.
pub(in crate::runtime::consume) struct Fetch {
    subscription: Arc<dyn Subscription>,
    request: Option<Request>,
    /// What came back before anybody waited for it.
    early: Option<Result<Vec<Delivery>>>,
    requests: u64,
    not_before: Option<Instant>,
    failures: u32,
    /// How much to hold ready.
    pub(in crate::runtime::consume) window: Window,
}

impl Fetch {
    pub(in crate::runtime::consume) fn new(
        subscription: Arc<dyn Subscription>,
        window: Window,
    ) -> Self {
        Self {
            subscription,
            request: None,
            early: None,
            requests: 0,
            not_before: None,
            failures: 0,
            window,
        }
    }

    /// Reports whether a request may be made now.
    pub(in crate::runtime::consume) fn is_free(&self, now: Instant) -> bool {
        self.request.is_none()
            && self.early.is_none()
            && self.not_before.is_none_or(|pause_end| now >= pause_end)
    }

    /// Returns when the pause is over, if there is one.
    pub(in crate::runtime::consume) fn wake_at(&self) -> Option<Instant> {
        let now = Instant::now();
        self.not_before.filter(|pause_end| *pause_end > now)
    }

    /// Returns the number of the latest request.
    pub(in crate::runtime::consume) fn latest(&self) -> u64 {
        self.requests
    }

    /// Asks for so many, and sees to it that the store begins to work on it.
    pub(in crate::runtime::consume) async fn start(&mut self, max: usize) {
        self.requests += 1;
        self.not_before = None;
        let subscription = Arc::clone(&self.subscription);
        let mut request: Request = Box::pin(async move { subscription.next(max).await });
        match poll!(request.as_mut()) {
            Poll::Ready(result) => self.early = Some(result),
            Poll::Pending => self.request = Some(request),
        }
    }

    /// Waits for the answer to the request; for ever if there is none. May be dropped.
    pub(in crate::runtime::consume) async fn next(&mut self) -> Result<Vec<Delivery>> {
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

    /// Notes that a request failed in a way that may pass; returns whether that is news.
    pub(in crate::runtime::consume) fn failed(&mut self) -> bool {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10));
        self.failures += 1;
        self.not_before = Some(Instant::now() + pause.min(MAX_PAUSE));
        self.failures == 1
    }

    /// Asks for nothing more. What the store took out for the dropped request it keeps for others.
    pub(in crate::runtime::consume) fn stop(&mut self) -> Vec<Delivery> {
        self.request = None;
        self.early.take().and_then(Result::ok).unwrap_or_default()
    }
}

/// How many deliveries to ask for at once: about what is started in a tenth of a second, so that slow
/// handlers leave the rest to other consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime::consume) struct Window {
    size: usize,
    least: usize,
    most: usize,
    /// Since when there is something waiting, and how many were started of it.
    backlog: Option<(Instant, usize)>,
}

impl Window {
    const AHEAD: Duration = Duration::from_millis(100);
    const MEASURE: Duration = Duration::from_millis(20);

    /// One batch is asked for, one worked on and one settled at the same time.
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

    /// Learns from a round that began at `began` and started so many.
    pub(in crate::runtime::consume) fn learn(
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
        window.learn(began, started, began + took, left);
        window.size()
    }

    #[test]
    fn quick_handlers_widen_the_window_to_a_third_of_what_may_be_in_flight() {
        let mut window = Window::new(1, 999);
        let sizes = [(); 6].map(|()| after(&mut window, 32, Duration::from_micros(64), 0));
        assert_eq!(sizes, [64, 128, 256, 333, 333, 333]);
    }

    #[test]
    fn slow_handlers_leave_the_rest_to_others() {
        let mut window = Window::new(4, 1000);
        let mut clock = Instant::now();
        let sizes = [(); 4].map(|()| {
            let began = clock;
            clock += Duration::from_secs(1);
            window.learn(began, 1, clock, 20);
            window.size()
        });
        assert_eq!(sizes, [16, 8, 8, 8], "twice the jobs is held ready");
    }

    #[test]
    fn a_short_look_decides_nothing() {
        let mut window = Window::new(1, 1000);
        assert_eq!(after(&mut window, 1, Duration::from_millis(5), 20), 32);
        assert_eq!(Window::new(8, 1).size(), 1);
    }
}
