//! Threads that work for the runs of a handler. What waits for one begins as soon as one is free, without a turn of the
//! consumer between.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use protoflow::runtime::Run;
use rustix::process::Signal;
use tokio::sync::oneshot;

use super::process_group::{Held, LAST_MOMENT};

/// Reports whether what waits may still begin.
type Work<S> = Box<dyn FnOnce(&mut S) -> bool + Send>;

/// What a piece of work came to.
pub struct Done<T> {
    pub result: T,
    /// Whether what waits should begin all the same.
    pub go_on: bool,
}

/// What a thread has of its own.
pub trait Own: Default {
    /// Returns when it may be worked with again, if not at once.
    fn rests_until(&self) -> Option<Instant>;

    /// Does what is left to do once the result is told. Blocks.
    fn tidy(&mut self) {}
}

impl Own for () {
    fn rests_until(&self) -> Option<Instant> {
        None
    }
}

/// Threads, each with something of its own.
pub struct Lanes<S> {
    shared: Arc<Shared<S>>,
    most: usize,
}

struct Shared<S> {
    line: Mutex<Line<S>>,
    came: Condvar,
    closing: Condvar,
}

struct Line<S> {
    waiting: VecDeque<Arc<Place<S>>>,
    threads: Vec<JoinHandle<()>>,
    idle: usize,
    closed: bool,
}

/// Work in the line; who takes it out decides whether it is done.
struct Place<S>(Mutex<Option<Work<S>>>);

/// Takes the work out of its place when dropped: nobody waits for it any more.
struct Seat<S>(Arc<Place<S>>);

impl<S: Own + 'static> Lanes<S> {
    /// Prepares at most so many threads; each is started when it is needed.
    pub fn new(most: usize) -> Self {
        let line = Line {
            waiting: VecDeque::new(),
            threads: Vec::new(),
            idle: 0,
            closed: false,
        };
        Self {
            shared: Arc::new(Shared {
                line: Mutex::new(line),
                came: Condvar::new(),
                closing: Condvar::new(),
            }),
            most,
        }
    }

    /// Has work done for a run, on the leash that `held` holds; the work says when the run begins. None if it was not
    /// taken up, as the run was recalled.
    ///
    /// # Errors
    /// If no thread can be started.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> Done<T> + Send + 'static,
        run: &Run,
        held: Held,
    ) -> io::Result<Option<T>> {
        let (tell, mut told) = oneshot::channel();
        let work: Work<S> = Box::new(move |own| {
            let Done { result, go_on } = work(own);
            let _ = tell.send(result);
            own.tidy();
            go_on
        });
        let seat = self.shared.queue(work);
        self.see_to_threads()?;
        tokio::select! {
            biased;
            done = &mut told => return Ok(done.ok()),
            () = run.abort.cancelled() => {}
            () = run.recalled.cancelled() => {}
        }
        if seat.0.take().is_some() {
            return Ok(None);
        }
        tokio::select! {
            biased;
            done = &mut told => return Ok(done.ok()),
            () = run.abort.cancelled() => held.0.pull(Signal::TERM),
        }
        tokio::select! {
            biased;
            done = &mut told => return Ok(done.ok()),
            () = tokio::time::sleep(LAST_MOMENT) => held.0.pull(Signal::KILL),
        }
        Ok(told.await.ok())
    }

    /// Starts a thread if more waits than there are threads for.
    fn see_to_threads(&self) -> io::Result<()> {
        let mut line = self.shared.line();
        if line.waiting.len() <= line.idle || line.threads.len() >= self.most {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let thread = Builder::new().name("handler".to_owned());
        match thread.spawn(move || shared.serve()) {
            Ok(thread) => line.threads.push(thread),
            Err(error) if line.threads.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// Lets every thread end, with what it has of its own.
    pub async fn close(&self) {
        let threads = self.shared.close();
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(join).await;
    }
}

impl<S: Own> Shared<S> {
    fn serve(&self) {
        let mut own = S::default();
        while let Some(place) = self.next(own.rests_until()) {
            let go_on = place.take().is_none_or(|work| work(&mut own));
            if !go_on {
                self.line()
                    .waiting
                    .drain(..)
                    .for_each(|place| drop(place.take()));
            }
        }
    }
}

impl<S> Shared<S> {
    fn queue(&self, work: Work<S>) -> Seat<S> {
        let place = Arc::new(Place(Mutex::new(Some(work))));
        let mut line = self.line();
        line.waiting.push_back(Arc::clone(&place));
        if line.idle > 0 {
            self.came.notify_one();
        }
        Seat(place)
    }

    /// Waits until it may work again, and for the next work in the line; none if there will not be any.
    fn next(&self, rests_until: Option<Instant>) -> Option<Arc<Place<S>>> {
        let mut line = self.line();
        while !line.closed
            && let Some(rest) = rests_until.and_then(left)
        {
            let waited = self.closing.wait_timeout(line, rest);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        while !line.closed {
            if let Some(place) = line.waiting.pop_front() {
                return Some(place);
            }
            line.idle += 1;
            line = self.came.wait(line).unwrap_or_else(PoisonError::into_inner);
            line.idle -= 1;
        }
        None
    }

    fn close(&self) -> Vec<JoinHandle<()>> {
        let mut line = self.line();
        line.closed = true;
        self.came.notify_all();
        self.closing.notify_all();
        std::mem::take(&mut line.threads)
    }

    fn line(&self) -> MutexGuard<'_, Line<S>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how long it is until then, if it is not past.
fn left(until: Instant) -> Option<Duration> {
    until
        .checked_duration_since(Instant::now())
        .filter(|rest| !rest.is_zero())
}

impl<S> Drop for Lanes<S> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<S> fmt::Debug for Lanes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<S> Place<S> {
    fn take(&self) -> Option<Work<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<S> Drop for Seat<S> {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}
