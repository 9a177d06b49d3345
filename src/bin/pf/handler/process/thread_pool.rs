//! A pool of threads on which handlers run, fed from one queue.
//!
//! Commands and workers are driven by blocking calls (spawn, poll, wait), so their runs need threads. The queue lives
//! here and not in the consume loop because of throughput: a thread that finishes a run takes the next one off the
//! queue itself. Going through the loop instead costs two thread switches and a turn of the loop between runs, which is
//! longer than many a small command takes, and would leave the processor idle meanwhile.

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

use super::process_group::{KILL_AFTER, KillOnDrop};

/// Runs on a thread of the pool, and reports whether the jobs behind it in the queue may still begin.
type Job<S> = Box<dyn FnOnce(&mut S) -> bool + Send>;

/// Result of a job.
pub struct JobResult<T> {
    pub result: T,
    /// Whether the jobs behind it in the queue may still begin.
    pub keep_queue: bool,
}

/// State that belongs to one thread of the pool.
pub trait ThreadState: Default {
    /// Returns the end of the pause before the thread takes another job, if there is one.
    fn paused_until(&self) -> Option<Instant>;

    /// Cleans up after a job whose result is already on its way. Blocks.
    fn clean_up(&mut self) {}
}

impl ThreadState for () {
    fn paused_until(&self) -> Option<Instant> {
        None
    }
}

/// Threads that work off one queue, each with a state of its own.
pub struct ThreadPool<S> {
    shared: Arc<Shared<S>>,
    max_threads: usize,
}

struct Shared<S> {
    queue: Mutex<Queue<S>>,
    job_added: Condvar,
    closing: Condvar,
}

struct Queue<S> {
    jobs: VecDeque<Arc<QueuedJob<S>>>,
    threads: Vec<JoinHandle<()>>,
    idle: usize,
    closed: bool,
}

/// A job in the queue. A thread takes it out to run it, or its run takes it out to cancel it, whichever comes first.
struct QueuedJob<S>(Mutex<Option<Job<S>>>);

/// Removes the job from the queue when dropped, so that a run whose future was dropped does not begin.
struct QueueGuard<S>(Arc<QueuedJob<S>>);

impl<S: ThreadState + 'static> ThreadPool<S> {
    /// Creates a pool of at most this many threads; each is started when it is first needed.
    pub fn new(max_threads: usize) -> Self {
        let queue = Queue {
            jobs: VecDeque::new(),
            threads: Vec::new(),
            idle: 0,
            closed: false,
        };
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(queue),
                job_added: Condvar::new(),
                closing: Condvar::new(),
            }),
            max_threads,
        }
    }

    /// Runs `work` on a thread of the pool. Returns `None` if the run was recalled before it began.
    ///
    /// An abort sends SIGTERM to the process group of `process`, and SIGKILL if the work does not end soon afterwards.
    /// If this future is dropped, work that has not begun never begins, and the process group is killed.
    ///
    /// # Errors
    /// If no thread can be started.
    pub async fn run<T: Send + 'static>(
        &self,
        run: &Run,
        process: KillOnDrop,
        work: impl FnOnce(&mut S) -> JobResult<T> + Send + 'static,
    ) -> io::Result<Option<T>> {
        let (sender, mut receiver) = oneshot::channel();
        let job: Job<S> = Box::new(move |state| {
            let JobResult { result, keep_queue } = work(state);
            let _ = sender.send(result);
            state.clean_up();
            keep_queue
        });
        let queued = self.shared.push(job);
        self.start_thread_if_needed()?;
        tokio::select! {
            biased;
            result = &mut receiver => return Ok(result.ok()),
            () = run.abort.cancelled() => {}
            () = run.recalled.cancelled() => {}
        }
        if queued.0.take().is_some() {
            return Ok(None);
        }
        tokio::select! {
            biased;
            result = &mut receiver => return Ok(result.ok()),
            () = run.abort.cancelled() => process.0.signal(Signal::TERM),
        }
        tokio::select! {
            biased;
            result = &mut receiver => return Ok(result.ok()),
            () = tokio::time::sleep(KILL_AFTER) => process.0.signal(Signal::KILL),
        }
        Ok(receiver.await.ok())
    }

    /// Starts a thread if more jobs are queued than threads are idle.
    fn start_thread_if_needed(&self) -> io::Result<()> {
        let mut queue = self.shared.queue();
        if queue.jobs.len() <= queue.idle || queue.threads.len() >= self.max_threads {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let thread = Builder::new().name("handler".to_owned());
        match thread.spawn(move || shared.serve()) {
            Ok(thread) => queue.threads.push(thread),
            Err(error) if queue.threads.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// Ends every thread, which drops its state, and waits for them.
    pub async fn close(&self) {
        let threads = self.shared.close();
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(join).await;
    }
}

impl<S: ThreadState> Shared<S> {
    fn serve(&self) {
        let mut state = S::default();
        while let Some(queued) = self.next(state.paused_until()) {
            let keep_queue = queued.take().is_none_or(|job| job(&mut state));
            if !keep_queue {
                self.queue()
                    .jobs
                    .drain(..)
                    .for_each(|queued| drop(queued.take()));
            }
        }
    }
}

impl<S> Shared<S> {
    fn push(&self, job: Job<S>) -> QueueGuard<S> {
        let queued = Arc::new(QueuedJob(Mutex::new(Some(job))));
        let mut queue = self.queue();
        queue.jobs.push_back(Arc::clone(&queued));
        if queue.idle > 0 {
            self.job_added.notify_one();
        }
        QueueGuard(queued)
    }

    /// Waits for the end of the pause and then for the next job; `None` once the pool is closed.
    ///
    /// A paused thread waits on `closing` and not on `job_added`: otherwise it could swallow the wake-up that an idle
    /// thread needs, and the job would wait for the end of the pause.
    fn next(&self, paused_until: Option<Instant>) -> Option<Arc<QueuedJob<S>>> {
        let mut queue = self.queue();
        while !queue.closed
            && let Some(pause) = paused_until.and_then(remaining)
        {
            let waited = self.closing.wait_timeout(queue, pause);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        while !queue.closed {
            if let Some(queued) = queue.jobs.pop_front() {
                return Some(queued);
            }
            queue.idle += 1;
            queue = self
                .job_added
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
        None
    }

    fn close(&self) -> Vec<JoinHandle<()>> {
        let mut queue = self.queue();
        queue.closed = true;
        self.job_added.notify_all();
        self.closing.notify_all();
        std::mem::take(&mut queue.threads)
    }

    fn queue(&self) -> MutexGuard<'_, Queue<S>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the time until then, unless it is past.
fn remaining(until: Instant) -> Option<Duration> {
    until
        .checked_duration_since(Instant::now())
        .filter(|rest| !rest.is_zero())
}

impl<S> Drop for ThreadPool<S> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<S> fmt::Debug for ThreadPool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("max_threads", &self.max_threads)
            .finish_non_exhaustive()
    }
}

impl<S> QueuedJob<S> {
    fn take(&self) -> Option<Job<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<S> Drop for QueueGuard<S> {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}
