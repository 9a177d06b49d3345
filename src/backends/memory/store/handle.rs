//! A store: its data under a lock, its clock, and waiting for a change.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, LazyLock, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{sync::Notify, time::Instant};

use super::state::State;
use crate::{backends::delivery_buffer::wait::wait_until_due, lock::Mutex};

/// The named stores; they live as long as the process.
static NAMED: LazyLock<Mutex<HashMap<String, Arc<Store>>>> = LazyLock::new(Mutex::default);

/// Numbers the stores without a name, so that the ids of their dead letters differ.
static PRIVATE: AtomicU64 = AtomicU64::new(0);

/// The longest single wait. A time that is centuries away would overflow a timer.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A store that transports share.
pub(in crate::backends::memory) struct Store {
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
}

impl Store {
    /// Returns the store of this name.
    pub(in crate::backends::memory) fn named(name: &str) -> Arc<Self> {
        let mut named = NAMED.lock();
        let store = named
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Self::empty(name.to_owned())));
        Arc::clone(store)
    }

    /// Returns a new store without a name.
    pub(in crate::backends::memory) fn private() -> Arc<Self> {
        let number = PRIVATE.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        Arc::new(Self::empty(format!("{process}/{number}")))
    }

    fn empty(name: String) -> Self {
        Self {
            clock: Clock::start(),
            state: Mutex::new(State::new(name)),
            changed: Notify::new(),
        }
    }

    /// Reads the state as it is now.
    pub(in crate::backends::memory) fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.current().0)
    }

    /// Applies a step and wakes every waiting caller.
    pub(in crate::backends::memory) fn change<T>(
        &self,
        step: impl FnOnce(&mut State, SystemTime) -> T,
    ) -> T {
        let (mut state, now) = self.current();
        let result = step(&mut state, now);
        drop(state);
        self.wake();
        result
    }

    /// Repeats a step until it returns something: after each change, and when time will change something.
    ///
    /// Cancel-safe: the step that returns something is the last thing that happens.
    pub(in crate::backends::memory) async fn wait<T>(
        &self,
        mut step: impl FnMut(&mut State, SystemTime) -> Option<T>,
    ) -> T {
        wait_until_due(&self.changed, || {
            let (mut state, now) = self.current();
            step(&mut state, now).ok_or_else(|| {
                let due = state.deadline().map(|due| due.duration_since(now));
                due.map_or(LONGEST_WAIT, |due| {
                    due.unwrap_or_default().min(LONGEST_WAIT)
                })
            })
        })
        .await
    }

    /// Wakes every waiting caller.
    pub(in crate::backends::memory) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Locks the state and brings it up to the present.
    fn current(&self) -> (MutexGuard<'_, State>, SystemTime) {
        let mut state = self.state.lock();
        let now = self.clock.now();
        state.advance(now);
        (state, now)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Starts with the system's clock, then follows tokio's, which tests can pause.
struct Clock {
    wall: SystemTime,
    tick: Instant,
}

impl Clock {
    fn start() -> Self {
        Self {
            wall: SystemTime::now(),
            tick: Instant::now(),
        }
    }

    fn now(&self) -> SystemTime {
        self.wall + self.tick.elapsed()
    }
}
